import Windows
import Collector
import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Telemetry

/// A clock that only moves when a test says so.
final class ManualClock: Sendable {
    private struct Contents {
        var now = 1_700_000_000.0
        var sleepers: [Int: (until: Double, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var count = 0
    }

    private let contents = Mutex(Contents())

    var now: Double { contents.withLock { $0.now } }
    var sleeperCount: Int { contents.withLock { $0.sleepers.count } }
    var clock: CollectorClock { CollectorClock(now: { self.now }, sleep: { try await self.sleep($0) }) }

    /// Moves the clock and wakes whoever waited for the new time.
    func advance(by seconds: Double) {
        let woken = contents.withLock { contents in
            contents.now += seconds
            let due = contents.sleepers.filter { $0.value.until <= contents.now }
            for id in due.keys { contents.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    private func sleep(_ until: Double) async throws {
        let id = contents.withLock { contents in
            contents.count += 1
            return contents.count
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isDue = contents.withLock { contents in
                    if until <= contents.now || Task.isCancelled { return true }
                    contents.sleepers[id] = (until, continuation)
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            let sleeper = contents.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// A source that says what its test tells it.
struct ScriptedSource: WindowSource {
    var name = "scripted"
    var nodes: Set<String> = ["a"]
    var problem: String?
    var answer: @Sendable (WindowMoment, Double) throws -> [NodeReading] = { _, _ in [] }

    func measures(_ node: String) async throws -> Bool {
        if let problem { throw CollectorError(problem) }
        return nodes.contains(node)
    }

    func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) async throws
        -> [NodeReading]
    {
        try answer(moment, time)
    }

    func check() async throws {
        if let problem { throw CollectorError(problem) }
    }

    /// A machine of one CPU that is busy for a quarter of the time, with 1 GB in use.
    static let quarter = ScriptedSource(name: "quarter") { _, time in
        var reading = MachineReading(source: .proc, time: time)
        reading.busySeconds = [0: (time - 1_600_000_000) / 4]
        reading.memoryBytes = 1e9
        return [.machine(reading)]
    }
}

func makeServer(
    _ sources: [any WindowSource], clock: CollectorClock, settings change: (inout CollectorSettings) -> Void = { _ in }
) -> CollectorServer {
    var settings = CollectorSettings()
    settings.port = 0
    change(&settings)
    return CollectorServer(
        settings: settings, sources: sources, clock: clock,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}

/// Waits until `condition` holds; false where it does not within half a minute.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<3_000 {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return try await condition()
}

/// A JSON object read by Foundation.
func object(_ body: ByteBuffer) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(body.readableBytesView))
    guard let object = value as? [String: Any] else { throw CollectorError("not an object: \(value)") }
    return object
}
