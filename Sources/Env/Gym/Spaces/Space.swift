public import Randomness

/// The set of values that an observation or an action can take.
public protocol Space<Element>: Sendable {
    /// A value of the space.
    associatedtype Element: Equatable

    /// Says why `value` is not in the space; `nil` when it is.
    func problem(with value: Element) -> String?

    /// A value drawn from the space, uniform where the space is bounded.
    func sample(using generator: inout RandomGenerator) -> Element
}

extension Space {
    /// True when `value` is in the space.
    public func contains(_ value: Element) -> Bool { problem(with: value) == nil }
}

/// Vectors of `Float` with a bound on each component.
public struct Box: Space, Equatable {
    /// Least value of each component; may be `-infinity`.
    public let low: [Float]
    /// Greatest value of each component; may be `infinity`.
    public let high: [Float]

    /// A box with its own bounds for each component.
    /// - Precondition: `low` and `high` have one length, and no bound of `low` is above that of `high`.
    public init(low: [Float], high: [Float]) {
        precondition(low.count == high.count && zip(low, high).allSatisfy(<=), "a box needs low <= high")
        self.low = low
        self.high = high
    }

    /// Number of components.
    @inlinable public var width: Int { low.count }

    public func problem(with value: [Float]) -> String? {
        guard value.count == width else { return "has \(value.count) components, expected \(width)" }
        for (index, component) in value.enumerated() where !(low[index]...high[index]).contains(component) {
            return "component \(index) is \(component), expected \(low[index])...\(high[index])"
        }
        return nil
    }

    /// Uniform between two finite bounds, standard normal (shifted to a single finite bound) elsewhere.
    public func sample(using generator: inout RandomGenerator) -> [Float] {
        (0..<width).map { index in
            switch (low[index].isFinite, high[index].isFinite) {
            case (true, true): Float(generator.uniform(in: Double(low[index])...Double(high[index])))
            case (true, false): low[index] + Float(generator.exponential(rate: 1))
            case (false, true): high[index] - Float(generator.exponential(rate: 1))
            case (false, false): Float(generator.normal())
            }
        }
    }
}

/// The integers from 0 to `count` - 1.
public struct Discrete: Space, Equatable {
    /// Number of values.
    public let count: Int

    /// A space of `count` values.
    public init(count: Int) { self.count = count }

    public func problem(with value: Int) -> String? {
        value >= 0 && value < count ? nil : "is \(value), expected 0..<\(count)"
    }

    public func sample(using generator: inout RandomGenerator) -> Int { generator.index(below: count) }
}

/// Vectors of integers, component i from 0 to `counts[i]` - 1.
public struct MultiDiscrete: Space, Equatable {
    /// Number of values of each component.
    public let counts: [Int]

    /// A space with `counts[i]` values for component i.
    public init(counts: [Int]) { self.counts = counts }

    /// Number of vectors.
    /// - Precondition: it is an `Int`.
    public var product: Int { counts.reduce(1, *) }

    /// The number of a vector among all, the first component changing fastest.
    public func index(of value: [Int]) -> Int {
        zip(value, counts).reversed().reduce(0) { $0 * $1.1 + $1.0 }
    }

    /// The vector of a number.
    public func value(at index: Int) -> [Int] {
        var rest = index
        return counts.map { count in
            defer { rest /= count }
            return rest % count
        }
    }

    public func problem(with value: [Int]) -> String? {
        guard value.count == counts.count else { return "has \(value.count) components, expected \(counts.count)" }
        for (index, component) in value.enumerated() where component < 0 || component >= counts[index] {
            return "component \(index) is \(component), expected 0..<\(counts[index])"
        }
        return nil
    }

    public func sample(using generator: inout RandomGenerator) -> [Int] {
        counts.map { generator.index(below: $0) }
    }
}
