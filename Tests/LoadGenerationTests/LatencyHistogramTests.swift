import Foundation
import LoadGeneration
import Randomness
import Testing

@Suite struct LatencyHistogramTests {
    /// Against quantiles by nearest rank of the sorted values, which the histogram promises to 0.1 % or 1 µs.
    @Test func quantilesHaveThreeDigits() throws {
        var generator = RandomGenerator(seed: 2)
        let values = (0..<50_000).map { _ in generator.logNormal(mean: 0.02, squaredVariation: 6) }
        var histogram = LatencyHistogram()
        for value in values { histogram.record(value) }
        let sorted = values.sorted()
        for quantile in [0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999] {
            let exact = sorted[Int((quantile * 50_000).rounded(.up)) - 1]
            let found = try #require(histogram.quantile(quantile))
            #expect(abs(found - exact) <= 0.001 * exact + 1e-6)
        }
        let mean = try #require(histogram.mean)
        #expect(abs(mean - values.reduce(0, +) / 50_000) < 0.001 * mean)
        #expect(histogram.count == 50_000)
        let maximum = try #require(histogram.maximum)
        #expect(abs(maximum - sorted[49_999]) <= 1e-6)
        let below = sorted.filter { $0 <= 0.03 }.count
        #expect(abs(histogram.count(atOrBelow: 0.03) - below) < 50)
    }

    @Test func sumsAreAsIfRecordedTogether() {
        var (left, right, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for step in 1...1000 {
            let value = 1e-6 * pow(1.017, Double(step))
            if step % 3 == 0 { left.record(value) } else { right.record(value) }
            both.record(value)
        }
        left.add(right)
        #expect(left == both)
    }

    @Test func whatIsOutOfRangeCountsAtItsEnd() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil && histogram.maximum == nil && histogram.mean == nil)
        for value in [0, -1, 1e-9, 1e9, .infinity] { histogram.record(value) }
        #expect(histogram.count == 5)
        #expect(histogram.quantile(0.5) == 1e-6)
        #expect(histogram.maximum == 60)
    }

    @Test func percentileDistributionIsInMilliseconds() throws {
        var histogram = LatencyHistogram()
        for _ in 0..<99 { histogram.record(0.002) }
        histogram.record(0.5)
        let lines = histogram.percentileDistribution.split(separator: "\n")
        let first = try #require(lines.dropFirst().first).split(separator: " ")
        #expect(first.first == "2.000")
        #expect(lines.contains { $0.hasPrefix("#[Max") && $0.contains("Total count    =          100") })
    }
}
