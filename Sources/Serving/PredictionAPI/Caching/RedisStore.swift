import Foundation
import Logging
import Synchronization

/// Answers in a Redis server.
///
/// It is never waited for but for its timeout. A connection that failed is dropped, and made anew by a thread of its own after
/// `retry` seconds; until it is there, and while another thread uses it, nothing is found and nothing kept.
final class RedisStore: PredictionStore {
    private enum State {
        case disconnected(retryAt: ContinuousClock.Instant)
        case connecting
        case connected(RedisConnection)
    }

    private let state = Mutex(State.disconnected(retryAt: .now))
    private let settings: RedisSettings
    /// Begins every key: answers of other predictors are never found.
    private let prefix: [UInt8]
    private let metrics: PredictionServerMetrics
    private let logger: Logger

    /// A store that begins to connect.
    /// - Parameter version: of the predictor whose answers are kept.
    init(_ settings: RedisSettings, version: String, metrics: PredictionServerMetrics, logger: Logger) {
        (self.settings, self.metrics, self.logger) = (settings, metrics, logger)
        prefix = Array("berth:\(version):".utf8)
        connectIfDue()
    }

    func value(for key: CacheKey) -> [Double]? {
        guard let bytes = command([Array("GET".utf8), name(of: key)]) else { return nil }
        // Whoever else writes there: only what can be an answer is one.
        guard bytes.count.isMultiple(of: 8) else { return nil }
        let values = bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).map {
                Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)))
            }
        }
        return values.allSatisfy(\.isFinite) ? values : nil
    }

    func keep(_ value: [Double], for key: CacheKey, seconds: Double) {
        var bytes: [UInt8] = []
        for number in value { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        let milliseconds = "\(max(1, Int(seconds * 1000)))"
        command([Array("SET".utf8), name(of: key), bytes, Array("PX".utf8), Array(milliseconds.utf8)])
    }

    /// Whether there is a connection.
    var isConnected: Bool {
        state.withLock { if case .connected = $0 { true } else { false } }
    }

    private func name(of key: CacheKey) -> [UInt8] {
        var name = prefix
        name.append(contentsOf: key.kind.rawValue.utf8)
        name.append(UInt8(ascii: ":"))
        let digits = Array("0123456789abcdef".utf8)
        for word in key.bits {
            for shift in stride(from: UInt32(28), through: 0, by: -4) { name.append(digits[Int(word >> shift & 15)]) }
        }
        return name
    }

    @discardableResult
    private func command(_ arguments: [[UInt8]]) -> [UInt8]? {
        var failure: (any Error)?
        // Whoever finds it in use computes instead of waiting.
        let reply = state.withLockIfAvailable { state -> [UInt8]? in
            guard case .connected(let connection) = state else { return nil }
            do {
                return try connection.command(arguments)
            } catch {
                failure = error
                state = .disconnected(retryAt: .now + .seconds(settings.retry))
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
                metrics.redisIsConnected(true)
                logger.info("connected to Redis", metadata: ["server": "\(settings.host):\(settings.port)"])
            } catch {
                state.withLock { $0 = .disconnected(retryAt: .now + .seconds(settings.retry)) }
                report(error)
            }
        }.start()
    }

    private func report(_ failure: any Error) {
        metrics.redisIsConnected(false)
        metrics.countRedisFailure()
        logger.warning(
            "Redis does not answer; answers are computed",
            metadata: ["server": "\(settings.host):\(settings.port)", "error": "\(failure)"])
    }
}
