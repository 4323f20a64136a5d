/// Requests by the upper bound of their latency, cumulatively, as a classic histogram counts them.
struct LatencyBuckets {
    private let bounds: [Double]
    private let cumulative: [Double]

    /// Decreases of this share of all requests from one bucket to the next are rounding.
    private static let tolerance = 1e-6

    /// Buckets in any order.
    /// - Parameter rows: each bucket's upper bound in seconds, and the requests, or their rate, at or below it. Rows of
    ///   one bound are added: Prometheus 3 writes `1` as `1.0`, and for a while there are series of both.
    /// - Returns: `nil` for what is no histogram: without a bucket for all requests, or with counts that are no counts
    ///   or decrease, as in a sum over histograms of different buckets.
    init?(_ rows: [(bound: Double, count: Double)]) {
        guard rows.allSatisfy({ !$0.bound.isNaN && $0.count.isFinite && $0.count >= 0 }) else { return nil }
        let sorted = Dictionary(rows.map { ($0.bound, $0.count) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
        guard sorted.count > 1, let last = sorted.last, last.key == .infinity, sorted[0].key > 0 else { return nil }
        var cumulative: [Double] = []
        for (_, count) in sorted {
            let before = cumulative.last ?? 0
            guard count >= before - Self.tolerance * last.value else { return nil }
            cumulative.append(max(before, count))
        }
        bounds = sorted.map(\.key)
        self.cumulative = cumulative
    }

    /// The quantile with linear interpolation inside its bucket, as Prometheus' `histogram_quantile` has it; but `nil`
    /// where it lies beyond the last finite bound, for which that function returns the bound itself, and without
    /// requests.
    func quantile(_ share: Double) -> LatencyQuantile? {
        guard let total = cumulative.last, total > 0 else { return nil }
        let rank = share * total
        guard let index = cumulative.firstIndex(where: { $0 >= rank }), bounds[index].isFinite else { return nil }
        let (lower, before) = index > 0 ? (bounds[index - 1], cumulative[index - 1]) : (0, 0)
        let inside = (rank - before) / (cumulative[index] - before)
        return LatencyQuantile(
            seconds: lower + (bounds[index] - lower) * inside, bucket: lower...bounds[index])
    }
}
