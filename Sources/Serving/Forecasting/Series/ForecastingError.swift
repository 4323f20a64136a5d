/// Why a series cannot be forecast.
public struct ForecastingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong, where, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}
