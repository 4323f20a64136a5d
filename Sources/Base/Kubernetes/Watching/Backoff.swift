import Randomness

/// How long to wait after each failure in a row: doubling, with jitter, so that clients that failed together do not
/// come back together.
///
/// The n-th delay is uniform between `minimum`·`factor`^n and its `factor`-fold, never above `maximum`.
public struct Backoff: Sendable {
    /// The shortest delay, in seconds.
    public let minimum: Double
    /// The longest delay, in seconds.
    public let maximum: Double
    /// How much longer each delay is than the one before.
    public let factor: Double
    private var failures = 0
    private var generator: RandomGenerator

    /// A sequence of delays, by default from 0.8 to 30 seconds.
    public init(minimum: Double = 0.8, maximum: Double = 30, factor: Double = 2, generator: RandomGenerator) {
        precondition(minimum > 0 && maximum >= minimum && factor >= 1, "a backoff that does not grow")
        self.minimum = minimum
        self.maximum = maximum
        self.factor = factor
        self.generator = generator
    }

    /// Seconds to wait after one more failure.
    public mutating func next() -> Double {
        var lower = minimum
        for _ in 0..<failures where lower < maximum { lower *= factor }
        failures += 1
        let upper = min(lower * factor, maximum)
        // At the cap the interval would shrink to nothing, and the jitter with it.
        lower = max(minimum, min(lower, maximum / factor))
        return generator.uniform(in: lower...max(lower, upper))
    }

    /// Starts over: something succeeded.
    public mutating func reset() {
        failures = 0
    }
}
