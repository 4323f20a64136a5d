import Foundation

/// The median and the 95th and 99th percentile of a window's latencies, in seconds.
public struct LatencyQuantiles: Sendable, Hashable, Codable {
    /// Median.
    public var p50: Double
    /// 95th percentile.
    public var p95: Double
    /// 99th percentile.
    public var p99: Double

    /// Quantiles to start a search from.
    public init(p50: Double, p95: Double, p99: Double) {
        (self.p50, self.p95, self.p99) = (p50, p95, p99)
    }
}

extension LatencyMixture {
    /// One quantile being searched for.
    private struct Search {
        let share: Float
        let logShare: Float
        var center: Float
        /// Ratio of neighbouring points, and its logarithm.
        private(set) var ratio: Float = 1.1
        private(set) var logRatio: Float = 0.095_310_203_7
        var isFound = false

        /// - Parameters:
        ///   - share: of the distribution above the quantile.
        ///   - logShare: its logarithm.
        ///   - center: where to search first.
        init(share: Float, logShare: Float, center: Double) {
            self.share = share
            self.logShare = logShare
            self.center = Float(center)
        }

        private mutating func setRatio(_ value: Float) {
            ratio = value
            logRatio = log(value)
        }

        /// Takes the tail at center · ratio^(-2...2), and moves, narrows or ends the search.
        mutating func take(_ tails: SIMD16<Float>, _ first: Int) {
            guard !isFound else { return }
            let square = ratio * ratio
            if tails[first] <= share {
                center /= square * ratio
                setRatio(min(4, square))
                return
            }
            if tails[first + 4] > share {
                center *= square * ratio
                setRatio(min(4, square))
                return
            }
            var step = 0
            var left = center / square
            while tails[first + step + 1] > share {
                step += 1
                left *= ratio
            }
            // The logarithm of the tail is nearly a straight line.
            let high = log(tails[first + step])
            let low = log(max(tails[first + step + 1], 1e-30))
            let fall = high - low
            let position = fall > 1e-6 ? (high - logShare) / fall : 1
            center = left * (1 + position * (ratio - 1))
            // A fall that an exponential would not make in such a step, or much beyond that of the step beside it, is a
            // jump or a corner: look closer.
            let beside = step > 0 ? log(tails[first + step - 1]) - high : low - log(max(tails[first + 2], 1e-30))
            let isSmooth = fall < -0.15 * logShare && fall < 1.5 * beside + 0.02
            if ratio <= 1.101, isSmooth || ratio < 1.001 {
                isFound = true
            } else {
                setRatio(ratio > 1.101 ? 1.1 : 1 + (ratio - 1) / 4)
            }
        }
    }

    /// Finds the quantiles, to about 0.1 % where the distribution is smooth and 1 % elsewhere, and the share of requests above a latency.
    ///
    /// Five points around each quantile's last place and the given latency are looked at together; mostly one look is
    /// enough.
    /// - Parameters:
    ///   - start: where to search first; greater than 0.
    ///   - objective: the latency, greater than 0.
    /// - Precondition: the mixture is not empty.
    public func quantiles(
        from start: LatencyQuantiles, objective: Double
    ) -> (quantiles: LatencyQuantiles, shareOverObjective: Double) {
        precondition(total > 0, "quantiles of no requests")
        var median = Search(share: 0.5, logShare: -0.693_147_182, center: start.p50)
        var high = Search(share: 0.05, logShare: -2.995_732_31, center: start.p95)
        var highest = Search(share: 0.01, logShare: -4.605_170_25, center: start.p99)
        let logObjective = Float(log(objective))
        var share = 0.0
        for _ in 0..<60 {
            var (points, logarithms) = (SIMD16<Float>(), SIMD16<Float>())
            Self.place(median, 0, &points, &logarithms)
            Self.place(high, 5, &points, &logarithms)
            Self.place(highest, 10, &points, &logarithms)
            points[15] = Float(objective)
            logarithms[15] = logObjective
            let tails = tails(points, logarithms: logarithms)
            share = Double(tails[15])
            median.take(tails, 0)
            high.take(tails, 5)
            highest.take(tails, 10)
            if median.isFound, high.isFound, highest.isFound { break }
        }
        // Found one by one to 0.1 %, they could be in the wrong order by as much.
        let p95 = max(median.center, high.center)
        let p99 = max(p95, highest.center)
        return (LatencyQuantiles(p50: Double(median.center), p95: Double(p95), p99: Double(p99)), share)
    }

    @inline(__always)
    private static func place(
        _ search: Search, _ first: Int, _ points: inout SIMD16<Float>, _ logarithms: inout SIMD16<Float>
    ) {
        let step = search.logRatio
        let middle = log(search.center)
        let (ratio, inverse) = (search.ratio, 1 / search.ratio)
        points[first] = search.center * inverse * inverse
        points[first + 1] = search.center * inverse
        points[first + 2] = search.center
        points[first + 3] = search.center * ratio
        points[first + 4] = search.center * ratio * ratio
        for offset in 0..<5 { logarithms[first + offset] = middle + Float(offset - 2) * step }
    }
}
