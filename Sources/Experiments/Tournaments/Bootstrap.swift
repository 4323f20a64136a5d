import Randomness

/// A mean and the interval that holds it with 95 % confidence.
public struct Estimate: Codable, Equatable, Sendable {
    /// Mean of the values.
    public var mean: Double
    /// Lower end of the 95 % interval.
    public var lower: Double
    /// Upper end of the 95 % interval.
    public var upper: Double
    /// Number of values.
    public var count: Int

    /// An estimate from its figures.
    public init(mean: Double, lower: Double, upper: Double, count: Int) {
        (self.mean, self.lower, self.upper, self.count) = (mean, lower, upper, count)
    }
}

/// Percentile bootstrap of a mean (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13).
public struct Bootstrap: Sendable {
    /// Samples that are drawn.
    public var resamples: Int
    /// Seed of the draws; equal values give equal intervals.
    public var seed: UInt64

    /// A bootstrap of `resamples` samples.
    public init(resamples: Int, seed: UInt64) { (self.resamples, self.seed) = (resamples, seed) }

    /// The mean of `values` and its interval; `nil` without values.
    public func estimate(_ values: [Double]) -> Estimate? {
        guard !values.isEmpty else { return nil }
        var generator = RandomGenerator(seed: seed)
        let count = values.count
        var means = (0..<resamples).map { _ in
            var sum = 0.0
            for _ in 0..<count { sum += values[generator.index(below: count)] }
            return sum / Double(count)
        }
        means.sort()
        return Estimate(
            mean: values.reduce(0, +) / Double(count), lower: Statistics.quantile(0.025, of: means),
            upper: Statistics.quantile(0.975, of: means), count: count)
    }
}
