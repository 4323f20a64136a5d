public import Foundation

/// A line of a recording: what a live cluster told Berth, and what was decided on it.
public enum RecordingEntry: Sendable, Equatable, Codable {
    /// An episode began, with these lengths in seconds.
    case episode(seed: UInt64, interval: Double, maximumAge: Double)
    /// What the builder of snapshots was told.
    case event(SnapshotEvent)
    /// An action was taken, and refused for this reason.
    case action(ClusterAction, refusal: ActionObstacle?)
    /// The interval ended.
    case interval(IntervalReport)
    /// The snapshot was shown, to decide on.
    case shown
}

/// A recorded episode as the backend of a `ClusterEnvironment`: the recorded events go through the builder once more, so
/// that an environment over it sees what was seen then, with today's builder and encoder.
///
/// It follows the recorded actions: `next` says which one is to be taken.
public struct RecordedCluster: ClusterBackend, Sendable {
    private let entries: [RecordingEntry]
    private var position = 0
    private var builder: SnapshotBuilder

    /// An episode of these entries, which start with `.episode`.
    /// - Throws: `RecordingError` where they do not.
    public init(_ entries: [RecordingEntry]) throws(RecordingError) {
        guard case .episode(_, let interval, let maximumAge) = entries.first, interval > 0, maximumAge > 0 else {
            throw RecordingError(line: 1, problem: "expected the beginning of an episode")
        }
        var counts = EventCounts()
        for (index, entry) in entries.enumerated() {
            guard case .event(let event) = entry, !counts.take(event) else { continue }
            throw RecordingError(line: index + 1, problem: "there is no such node, service or pod: \(event)")
        }
        self.entries = entries
        builder = SnapshotBuilder(interval: interval, maximumAge: maximumAge)
    }

    /// The episodes of a recording: a JSON object in each line.
    /// - Throws: `RecordingError` naming the line that is no entry. The last line of an episode may be broken off: what a
    ///   program that was killed had begun to write.
    public static func episodes(in recording: Data) throws(RecordingError) -> [RecordedCluster] {
        // With the number of the line before each episode's first.
        var episodes: [(line: Int, entries: [RecordingEntry])] = []
        var broken: RecordingError?
        let lines = recording.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.isEmpty {
            let entry: RecordingEntry
            do { entry = try JSONDecoder().decode(RecordingEntry.self, from: line) } catch {
                let problem = RecordingError(line: number + 1, problem: "\(error)")
                guard broken == nil, !episodes.isEmpty else { throw broken ?? problem }
                broken = problem
                continue
            }
            if case .episode = entry {
                broken = nil
                episodes.append((number, []))
            }
            if let broken { throw broken }
            guard !episodes.isEmpty else {
                throw RecordingError(line: number + 1, problem: "expected the beginning of an episode")
            }
            episodes[episodes.count - 1].entries.append(entry)
        }
        var clusters: [RecordedCluster] = []
        for (line, entries) in episodes {
            do throws(RecordingError) { clusters.append(try RecordedCluster(entries)) } catch {
                throw RecordingError(line: line + error.line, problem: error.problem)
            }
        }
        return clusters
    }

    public var snapshot: ClusterSnapshot { builder.snapshot }

    /// The action that was taken on the snapshot of now; `nil` at the end of the recording.
    public var next: ClusterAction? {
        for entry in entries[position...] {
            switch entry {
            case .action(let action, _): return action
            case .interval: return .advance
            case .episode, .event, .shown: continue
            }
        }
        return nil
    }

    /// Goes to the beginning of the episode. The seed changes nothing.
    public mutating func reset(seed: UInt64) {
        builder = SnapshotBuilder(interval: snapshot.interval, maximumAge: builder.maximumAge)
        position = 0
        _ = follow { _ in nil as Bool? }
    }

    /// What came of the next recorded action.
    /// - Returns: why it was refused then, or why it cannot be known: another action was taken.
    public mutating func apply(_ action: ClusterAction) -> ActionObstacle? {
        guard action == next else {
            return .guarded("the recording goes on with \(next.map { "\($0)" } ?? "nothing")")
        }
        return follow { entry in if case .action(_, let refusal) = entry { .some(refusal) } else { nil } } ?? nil
    }

    /// What happened in the next recorded interval; an interval with a failure where the recording ends or goes on with
    /// another action.
    public mutating func advance() -> IntervalReport {
        if next == .advance,
            let report = follow({ entry in if case .interval(let report) = entry { report } else { nil } })
        {
            return report
        }
        var end = IntervalReport(duration: snapshot.interval)
        end.failure = next.map { "the recording goes on with \($0)" } ?? "the recording has ended"
        return end
    }

    /// Plays on until a snapshot was shown.
    /// - Returns: what `read` finds in one of the entries.
    private mutating func follow<Found>(_ read: (RecordingEntry) -> Found?) -> Found? {
        var found: Found?
        while position < entries.count {
            let entry = entries[position]
            position += 1
            if case .event(let event) = entry { builder.apply(event) }
            found = found ?? read(entry)
            if case .shown = entry { break }
        }
        return found
    }
}

/// Why a recording cannot be played.
public struct RecordingError: Error, Sendable, CustomStringConvertible {
    /// The line at fault, from 1.
    public let line: Int
    /// What is wrong with it.
    public let problem: String

    public var description: String { "line \(line) of the recording: \(problem)" }
}

/// How many nodes, services and pods a builder has, to find out whether events name others.
private struct EventCounts {
    private var nodes = 0
    private var services = 0
    private var pods = 0

    /// Counts what `event` adds or removes.
    /// - Returns: whether everything that it names is there.
    mutating func take(_ event: SnapshotEvent) -> Bool {
        func has(_ index: Int?, _ count: Int) -> Bool { index.map { (0..<count).contains($0) } ?? true }
        switch event {
        case .setTime, .prepare: return true
        case .addNode: nodes += 1
        case .addService: services += 1
        case .addPod(let pod):
            guard has(pod.node, nodes), has(pod.service, services) else { return false }
            pods += 1
        case .changeNode(let node, _, _), .setSchedulable(let node, _), .forgetReadings(let node),
            .nodeReading(let node, _):
            return has(node, nodes)
        case .removeNode(let node):
            guard has(node, nodes) else { return false }
            nodes -= 1
        case .changeService(let service, _), .setDisruptionsAllowed(let service, _), .requests(let service, _):
            return has(service, services)
        case .removeService(let service):
            guard has(service, services) else { return false }
            services -= 1
        case .movePod(let pod, let node): return has(pod, pods) && has(node, nodes)
        case .setService(let pod, let service): return has(pod, pods) && has(service, services)
        case .setPhase(let pod, _), .resizePod(let pod, _), .podReading(let pod, _): return has(pod, pods)
        case .removePod(let pod):
            guard has(pod, pods) else { return false }
            pods -= 1
        }
        return true
    }
}
