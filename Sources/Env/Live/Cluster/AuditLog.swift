import Foundation

/// Every action on a live cluster and what came of it: a file of JSON objects, one a line, that only grows.
public final class AuditLog: Sendable {
    /// One line of the log.
    public struct Entry: Codable, Sendable, Equatable {
        /// What came of an action.
        public enum Outcome: String, Codable, Sendable {
            /// It was carried out.
            case done
            /// It was not carried out: a guard, a budget or the cluster's state forbids it.
            case refused
            /// It could not be carried out: the API server did not answer, or answered with an error.
            case failed
        }

        /// When, in ISO 8601.
        public var time = ""
        /// The namespace of the episode.
        public var namespace: String
        /// The episode's seed; `nil` for what belongs to none, such as what `LiveCluster.remove` does.
        public var episode: UInt64?
        /// The control interval, from 0; `nil` outside of an episode.
        public var interval: Int?
        /// What was to be done: `place`, `scale`, `resize`, `evict`, `deploy`, `interfere` or `remove`; or `compare`,
        /// what Prometheus said of a service in the episode beside what the load generator saw.
        public var action: String
        /// What it was to be done to, such as "deployment web" or "pod web-5d4-abc".
        public var object: String
        /// The particulars, such as "to node0", "from 2 to 4 replicas" or "left by an earlier run".
        public var detail: String
        /// What came of it.
        public var outcome: Outcome
        /// Why it was not carried out.
        public var reason: String?
        /// Whether it was only checked.
        public var dryRun: Bool

        /// An entry that is not stamped yet.
        public init(
            namespace: String, episode: UInt64?, interval: Int?, action: String, object: String, detail: String,
            outcome: Outcome, reason: String?, dryRun: Bool
        ) {
            (self.namespace, self.episode, self.interval) = (namespace, episode, interval)
            (self.action, self.object, self.detail) = (action, object, detail)
            (self.outcome, self.reason, self.dryRun) = (outcome, reason, dryRun)
        }
    }

    private let file: LineFile

    /// Opens the log for appending; it is made where there is none.
    /// - Throws: `LiveError` naming the path.
    public init(path: String) throws {
        file = try LineFile(path: path, name: "audit log")
    }

    /// Appends a line, stamped with the time, in one write.
    /// - Throws: `LiveError` where it cannot be written: actions without a record are not to be taken.
    public func append(_ entry: Entry) throws {
        var entry = entry
        entry.time = Date.now.ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true)) + "Z"
        try file.append([entry])
    }
}
