/// Why a live cluster cannot be used.
public struct LiveError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What kind of thing was wrong.
    public enum Code: String, Sendable {
        /// The settings name what a live cluster cannot be used with.
        case settings
        /// A service's manifest cannot be used.
        case manifest
        /// The audit log or the recording cannot be opened or written.
        case log
        /// The cluster did not do in time what was waited for.
        case timeout
        /// A pod of the beginning cannot be placed.
        case placement
        /// A call came before the one that it needs.
        case callOrder
    }

    /// What kind of thing was wrong.
    public let code: Code

    /// What was wrong, where, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ code: Code, _ description: String) { (self.code, self.description) = (code, description) }
}
