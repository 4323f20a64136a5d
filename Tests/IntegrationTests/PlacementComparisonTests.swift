import Testing

/// The statistics of the comparison on the real cluster, where no cluster is needed.
struct PlacementComparisonTests {
    @Test("A quantile is the nearest rank")
    func nearestRank() {
        let hundred = (1...100).map(Double.init).reversed() as [Double]
        #expect(PlacementComparison.quantile(hundred, 0.99) == 99)
        #expect(PlacementComparison.quantile(hundred, 0.5) == 50)
        #expect(PlacementComparison.quantile(hundred + [101], 0.99) == 100)
        #expect(PlacementComparison.quantile([7], 0.01) == 7)
    }

    /// A resample of three zeros and three ones has Binomial(6, 1/2) ones: 0 with probability 1/64 < 2.5 %, at most 5
    /// with 63/64 > 97.5 %.
    @Test("The bootstrap interval is that of the binomial distribution")
    func binomialInterval() {
        let interval = PlacementComparison.interval([0, 1, 0, 1, 0, 1])
        #expect(interval.mean == 0.5)
        #expect(abs(interval.low - 1.0 / 6) < 1e-12)
        #expect(abs(interval.high - 5.0 / 6) < 1e-12)
    }

    @Test("Differences are the policy's p99 less the default scheduler's, and every pair is listed")
    func tellsEveryPair() {
        func round(_ nodes: [String], _ latencies: [Double]) -> PlacementComparison.Round {
            .init(
                nodes: nodes,
                load: .init(
                    requests: latencies.count, failed: 0, lateP99: 0, due: latencies.indices.map(Double.init),
                    replicas: latencies.indices.map { $0 % 2 }, latencies: latencies))
        }
        let comparison = PlacementComparison(pairs: [
            .init(seed: 1, policy: round(["a", "a"], [8, 9]), standard: round(["a", "b"], [8, 30])),
            .init(seed: 2, policy: round(["a", "a"], [8, 9]), standard: round(["a", "b"], [8, 32])),
        ])
        #expect(comparison.pairs.map(\.difference) == [-21, -23])
        let text = comparison.description
        #expect(text.contains("seed 1: policy on a x2: p50 8.0 ms, p99 9.0 ms of 2 requests, 0 failed"))
        #expect(text.contains("default scheduler's replicas on b: p50 30.0 ms, p99 32.0 ms of 2 requests"))
        #expect(text.contains("mean -22.0 ms, 95 % bootstrap interval over 2 pairs [-23.0, -21.0]"))
    }
}
