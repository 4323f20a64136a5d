/// Why something cannot be predicted, or a model or a data set not be used.
public struct PredictionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong, where, and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}
