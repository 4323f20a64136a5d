public import Randomness

/// Bounds that a parameter is drawn from, uniformly, at the start of an episode.
///
/// Written as `[lower, upper]`, or as one number for a parameter that does not vary.
public struct ValueRange: Sendable, Hashable, Codable {
    /// Smallest value.
    public var lower: Double
    /// Largest value, not below `lower`.
    public var upper: Double

    /// Values from `lower` to `upper`.
    /// - Precondition: `lower` <= `upper`.
    public init(_ lower: Double, _ upper: Double) {
        precondition(lower <= upper, "the bounds of a range in order")
        self.lower = lower
        self.upper = upper
    }

    /// One value.
    public init(_ value: Double) {
        lower = value
        upper = value
    }

    /// The middle.
    public var middle: Double { (lower + upper) / 2 }

    /// A value of the range, each as likely as any other.
    public func draw(using generator: inout RandomGenerator) -> Double {
        generator.uniform(in: lower...upper)
    }

    /// A whole number of the range, bounds included, each as likely as any other.
    public func drawInteger(using generator: inout RandomGenerator) -> Int {
        let first = Int(lower.rounded(.up))
        let last = max(first, Int(upper.rounded(.down)))
        return first + generator.index(below: last - first + 1)
    }

    /// Reads `[lower, upper]` or a number.
    public init(from decoder: any Decoder) throws {
        if let value = try? decoder.singleValueContainer().decode(Double.self) {
            self.init(value)
            return
        }
        var container = try decoder.unkeyedContainer()
        let lower = try container.decode(Double.self)
        let upper = try container.decode(Double.self)
        guard container.isAtEnd, lower <= upper else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "expected [lower, upper] with lower <= upper, found [\(lower), \(upper)"
                        + (container.isAtEnd ? "]" : ", ...]")))
        }
        self.init(lower, upper)
    }

    /// Writes `[lower, upper]`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(lower)
        try container.encode(upper)
    }
}
