/// Why the collector cannot do what it was asked.
public struct CollectorError: Error, Hashable, CustomStringConvertible {
    /// What is wrong and what to do.
    public let description: String

    /// An error that says `description`.
    public init(_ description: String) {
        self.description = description
    }
}
