/// A feature's bins and what the training data had in them.
///
/// Bins end at quantiles: bin i holds edge i - 1 < value <= edge i, the first and last have no end. A value so frequent that
/// several quantiles fall on it (a constant, a zero) has a bin of its own, so that a change to either side shows. The last
/// count is of rows without the feature.
struct FeatureBins: Sendable, Equatable, Codable {
    let edges: [Float]
    let counts: [Int]

    init(edges: [Float], counts: [Int]) {
        (self.edges, self.counts) = (edges, counts)
    }

    /// - Parameters:
    ///   - values: finite, or NaN where missing.
    ///   - bins: quantiles to cut at, plus 1.
    init(values: [Float], bins: Int) {
        let sorted = values.filter { !$0.isNaN }.sorted()
        var edges: [Float] = []
        for index in 1..<bins where !sorted.isEmpty {
            // The lowest value that at least index / bins of the rows are at or below.
            let quantile = sorted[(index * sorted.count + bins - 1) / bins - 1]
            guard let last = edges.last, quantile <= last else {
                edges.append(quantile)
                continue
            }
            let below = last.nextDown
            guard below.isFinite else { continue }
            if edges.count < 2 || edges[edges.count - 2] < below { edges.insert(below, at: edges.count - 1) }
        }
        self.edges = edges
        var counts = Array(repeating: 0, count: edges.count + 2)
        for value in values { counts[Self.bin(of: value, edges)] += 1 }
        self.counts = counts
    }

    func bin(of value: Float) -> Int { Self.bin(of: value, edges) }

    private static func bin(of value: Float, _ edges: [Float]) -> Int {
        if value.isNaN { return edges.count + 1 }
        var bin = 0
        for edge in edges where edge < value { bin += 1 }
        return bin
    }

    /// Bins that training data fell into.
    var occupied: Int { counts.count { $0 > 0 } }

    /// Whether the parts fit together, for `rows` rows.
    func isValid(rows: Int) -> Bool {
        counts.count == edges.count + 2 && counts.count <= 256 && edges.allSatisfy(\.isFinite)
            && zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }
            && counts.allSatisfy { (0...rows).contains($0) } && counts.reduce(0, +) == rows
    }

    /// Compares a window with the training data.
    ///
    /// Half a row is added to each bin that either has (Krichevsky and Trofimov, "The performance of universal encoding",
    /// 1981): a bin that one lacks then counts as rare, the more so the more rows there are, and not as impossible, which
    /// would make the figures infinite. A bin that neither has counts for nothing.
    func figures(window: [Int], rows: Int, referenceRows: Int) -> DriftFigures {
        var (now, then) = ([Double](), [Double]())
        for (new, old) in zip(window, counts) where new > 0 || old > 0 {
            now.append(Double(new) + 0.5)
            then.append(Double(old) + 0.5)
        }
        let (newSum, oldSum) = (now.reduce(0, +), then.reduce(0, +))
        now = now.map { $0 / newSum }
        then = then.map { $0 / oldSum }
        let (forward, backward) = (Divergence.relativeEntropy(now, then), Divergence.relativeEntropy(then, now))
        let (m, n) = (Double(rows), Double(referenceRows))
        return DriftFigures(
            populationStability: forward + backward, kullbackLeibler: forward,
            jensenShannon: Divergence.middleDivergence(now, then),
            expectedWithoutDrift: Double(occupied - 1) * (1 / n + 1 / m),
            missing: Double(window[window.count - 1]) / m, missingInReference: Double(counts[counts.count - 1]) / n)
    }
}
