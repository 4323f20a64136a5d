import Randomness

/// A mean and the interval that holds it with 95 % confidence.
struct Estimate: Codable, Equatable {
    /// Mean of the values.
    var mean: Double
    /// Lower end of the 95 % interval.
    var lower: Double
    /// Upper end of the 95 % interval.
    var upper: Double
    /// Number of values.
    var count: Int
}

/// Percentile bootstrap of a mean (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13).
struct Bootstrap {
    /// Samples that are drawn.
    var resamples: Int
    /// Seed of the draws; equal values give equal intervals.
    var seed: UInt64

    /// The mean of `values` and its interval; `nil` without values.
    func estimate(_ values: [Double]) -> Estimate? {
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
