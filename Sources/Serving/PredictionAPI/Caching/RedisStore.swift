import Foundation
import Logging
import Synchronization

/// Answers in a Redis server.
///
/// A command waits `timeout` seconds at most for each part of its reply. A connection that failed is dropped, and made
/// again by a thread of its own after `retry` seconds; until it is there, and while another request uses it, nothing is
/// found and nothing kept.
final class RedisStore: Sendable {
    private enum State {
        case disconnected(retryAt: ContinuousClock.Instant)
        case connecting
        case connected(RedisConnection)
    }

    private let state = Mutex(State.disconnected(retryAt: .now))
    /// Whether it was last said that the server does not answer: said once, not every second.
    private let isFailing = Mutex(false)
    private let settings: RedisSettings
    private let metrics: PredictionServerMetrics
    private let logger: Logger

    /// A store that begins to connect.
    init(_ settings: RedisSettings, metrics: PredictionServerMetrics, logger: Logger) {
        (self.settings, self.metrics, self.logger) = (settings, metrics, logger)
        connectIfDue()
    }

    /// Seconds that a request may spend here.
    var timeout: Double { settings.timeout }

    /// Whether there is a connection.
    var isConnected: Bool {
        state.withLock { if case .connected = $0 { true } else { false } }
    }

    /// The answer of a version of the predictor, where it is there.
    func value(for key: CacheKey, version: String) -> [Double]? {
        guard let bytes = command([Array("GET".utf8), name(of: key, version)]) else { return nil }
        // Others may write there too: only what can be an answer is taken as one.
        guard bytes.count.isMultiple(of: 8) else { return nil }
        let values = bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).map {
                Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)))
            }
        }
        return values.allSatisfy(\.isFinite) ? values : nil
    }

    /// Keeps an answer of a version of the predictor for so many seconds.
    func keep(_ value: [Double], for key: CacheKey, version: String, seconds: Double) {
        var bytes: [UInt8] = []
        for number in value { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        let milliseconds = "\(max(1, Int(seconds * 1000)))"
        command([Array("SET".utf8), name(of: key, version), bytes, Array("PX".utf8), Array(milliseconds.utf8)])
    }

    private func name(of key: CacheKey, _ version: String) -> [UInt8] {
        var name = Array("berth:\(version):\(key.kind.rawValue):".utf8)
        let digits = Array("0123456789abcdef".utf8)
        for word in key.bits {
            for shift in stride(from: UInt32(28), through: 0, by: -4) { name.append(digits[Int(word >> shift & 15)]) }
        }
        return name
    }

    @discardableResult
    private func command(_ arguments: [[UInt8]]) -> [UInt8]? {
        var failure: (any Error)?
        // A request that finds it in use computes instead of waiting.
        let reply = state.withLockIfAvailable { state -> [UInt8]? in
            guard case .connected(let connection) = state else { return nil }
            do {
                return try connection.command(arguments)
            } catch {
                failure = error
                if error is RedisConnection.Failure {
                    state = .disconnected(retryAt: .now + .seconds(settings.retry))
                }
                return nil
            }
        }
        if let failure { report(failure) }
        connectIfDue()
        return reply ?? nil
    }

    private func connectIfDue() {
        let isDue = state.withLockIfAvailable { state in
            guard case .disconnected(let retryAt) = state, retryAt <= .now else { return false }
            state = .connecting
            return true
        }
        guard isDue == true else { return }
        Thread { [self] in
            do {
                let connection = try RedisConnection(settings)
                state.withLock { $0 = .connected(connection) }
                isFailing.withLock { $0 = false }
                logger.info("connected to Redis", metadata: ["server": "\(settings.host):\(settings.port)"])
            } catch {
                state.withLock { $0 = .disconnected(retryAt: .now + .seconds(settings.retry)) }
                report(error)
            }
        }.start()
    }

    private func report(_ failure: any Error) {
        metrics.countRedisFailure()
        let isNew = isFailing.withLock { isFailing in
            defer { isFailing = true }
            return !isFailing
        }
        logger.log(
            level: isNew ? .warning : .debug, "Redis does not answer; answers are computed",
            metadata: ["server": "\(settings.host):\(settings.port)", "error": "\(failure)"])
    }
}
