/// A query that a Prometheus server did not answer.
public struct PrometheusError: Error, Hashable, CustomStringConvertible {
    /// What went wrong. A struct, so that a kind this version does not know survives.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        /// The server's own `errorType`, or one of ours below.
        public let rawValue: String
        /// A kind by name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The query or a parameter is malformed: asking again is of no use.
        public static let badData = Kind(rawValue: "bad_data")
        /// The query could not be evaluated, for joining series that match twice say.
        public static let execution = Kind(rawValue: "execution")
        /// The query took longer than the server allows.
        public static let timeout = Kind(rawValue: "timeout")
        /// The query was cancelled.
        public static let canceled = Kind(rawValue: "canceled")
        /// The server failed.
        public static let internalError = Kind(rawValue: "internal")
        /// The server is starting, overloaded or without its storage.
        public static let unavailable = Kind(rawValue: "unavailable")
        /// Not found.
        public static let notFound = Kind(rawValue: "not_found")
        /// Ours: no server answered, or not within the time for it.
        public static let unreachable = Kind(rawValue: "unreachable")
        /// Ours: something answered that is no Prometheus server.
        public static let malformed = Kind(rawValue: "malformed")
    }

    /// What went wrong.
    public let kind: Kind
    /// The HTTP status; 0 where there was no reply.
    public let status: Int
    /// What the server, or the transport, said.
    public let message: String
    /// The query that was asked.
    public let query: String

    /// Whether the same query may succeed later.
    public var isTransient: Bool {
        [.timeout, .canceled, .internalError, .unavailable, .unreachable].contains(kind) || status == 429
            || status >= 500
    }

    /// What went wrong, and with which query.
    public var description: String {
        let reply = status == 0 ? "" : " (HTTP status \(status))"
        return "Prometheus: \(kind.rawValue)\(reply): \(message); the query was \(query)"
    }
}
