/// Why a live cluster cannot be used.
public struct LiveError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong, where, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}
