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
        self.entries = entries
        builder = SnapshotBuilder(interval: interval, maximumAge: maximumAge)
    }

    /// The episodes of a recording: a JSON object in each line.
    /// - Throws: `RecordingError` naming the line that is no entry.
    public static func episodes(in recording: Data) throws(RecordingError) -> [RecordedCluster] {
        var episodes: [[RecordingEntry]] = []
        for (number, line) in recording.split(separator: UInt8(ascii: "\n")).enumerated() {
            let entry: RecordingEntry
            do { entry = try JSONDecoder().decode(RecordingEntry.self, from: line) } catch {
                throw RecordingError(line: number + 1, problem: "\(error)")
            }
            if case .episode = entry { episodes.append([]) }
            guard !episodes.isEmpty else {
                throw RecordingError(line: number + 1, problem: "expected the beginning of an episode")
            }
            episodes[episodes.count - 1].append(entry)
        }
        return try episodes.map { entries throws(RecordingError) in try RecordedCluster(entries) }
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
    public mutating func apply(_ action: ClusterAction) -> ActionObstacle? {
        follow { entry in if case .action(_, let refusal) = entry { .some(refusal) } else { nil } } ?? nil
    }

    /// What happened in the next recorded interval; an interval with a failure at the end of the recording.
    public mutating func advance() -> IntervalReport {
        let report = follow { entry in if case .interval(let report) = entry { report } else { nil } }
        if let report { return report }
        var end = IntervalReport(duration: snapshot.interval)
        end.failure = "the recording has ended"
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
