internal import Histogram

/// Durations from 1 µs to 60 s with three significant digits (Tene's HdrHistogram): quantiles are off by at most 0.1 %
/// of their value, or 1 µs. Longer durations count as 60 s, shorter ones as 1 µs.
///
/// Memory: 68 KiB. Recording is O(1); a quantile, a mean and adding two histograms are O(buckets), about 20 µs.
public struct LatencyHistogram: Sendable, Equatable {
    /// The longest duration, in seconds.
    public static let longest = 60.0

    private var counts = Histogram<UInt32>(
        lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three)

    /// No durations.
    public init() {}

    /// How many durations were recorded.
    public var count: Int { Int(counts.totalCount) }

    /// The longest that was recorded, in seconds, to the microsecond; `nil` for none.
    public var maximum: Double? { count > 0 ? Double(counts.maxRecorded) / 1e6 : nil }

    /// Mean in seconds; `nil` for none.
    public var mean: Double? { count > 0 ? counts.mean / 1e6 : nil }

    /// Records a duration in seconds.
    public mutating func record(_ seconds: Double) {
        let microseconds = seconds < Self.longest ? max(1, seconds * 1e6) : Self.longest * 1e6
        counts.record(UInt64(microseconds))
    }

    /// The smallest duration in seconds that a share `quantile` of all is at or below; `nil` for none.
    /// - Parameter quantile: from 0 to 1.
    public func quantile(_ quantile: Double) -> Double? {
        count > 0 ? Double(counts.valueAtPercentile(100 * quantile)) / 1e6 : nil
    }

    /// How many durations are at or below `seconds`, to the histogram's resolution.
    public func count(atOrBelow seconds: Double) -> Int {
        Int(counts.count(within: 0...UInt64(max(1, min(Self.longest, seconds) * 1e6))))
    }

    /// Adds all durations of `other`.
    public mutating func add(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        counts.add(other.counts)
    }

    /// The percentile distribution in HdrHistogram's text form (`.hgrm`), in milliseconds.
    public var percentileDistribution: String {
        var text = ""
        counts.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: 1000)
        return text
    }
}
