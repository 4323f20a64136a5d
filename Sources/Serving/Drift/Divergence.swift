import Foundation

/// Differences of two distributions over the same bins, in nats. 0 · ln(0 / q) counts as 0; a bin that only one of them
/// has makes the first two infinite.
///
/// All throw `DriftError` unless both distributions have the same number of bins, one or more, no negative or infinite
/// share, and each a sum of 1 within 1e-6.
public enum Divergence {
    /// The population stability index, Σ (p - q) ln(p / q) = KL(p‖q) + KL(q‖p): Jeffreys' divergence (Jeffreys, "An
    /// invariant form for the prior probability in estimation problems", 1946). The same either way round.
    public static func populationStability(_ p: [Double], _ q: [Double]) throws(DriftError) -> Double {
        try kullbackLeibler(p, q) + kullbackLeibler(q, p)
    }

    /// Kullback and Leibler's divergence of `p` from `q`, Σ p ln(p / q) ("On information and sufficiency", 1951).
    public static func kullbackLeibler(_ p: [Double], _ q: [Double]) throws(DriftError) -> Double {
        try check(p, q)
        return relativeEntropy(p, q)
    }

    /// Jensen and Shannon's divergence, the mean of the divergences from the middle of both (Lin, "Divergence measures
    /// based on the Shannon entropy", 1991). From 0 to ln 2; the square of SciPy's `jensenshannon`, which is a distance.
    public static func jensenShannon(_ p: [Double], _ q: [Double]) throws(DriftError) -> Double {
        try check(p, q)
        return middleDivergence(p, q)
    }

    static func middleDivergence(_ p: [Double], _ q: [Double]) -> Double {
        let middle = zip(p, q).map { ($0 + $1) / 2 }
        return (relativeEntropy(p, middle) + relativeEntropy(q, middle)) / 2
    }

    static func relativeEntropy(_ p: [Double], _ q: [Double]) -> Double {
        var sum = 0.0
        for (p, q) in zip(p, q) where p > 0 { sum += p * log(p / q) }
        // Equal distributions may come to -1e-17.
        return max(0, sum)
    }

    private static func check(_ p: [Double], _ q: [Double]) throws(DriftError) {
        guard p.count == q.count, !p.isEmpty else {
            throw DriftError("distributions over \(p.count) and \(q.count) bins, expected the same number, 1 or more")
        }
        for distribution in [p, q] {
            guard distribution.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                throw DriftError("a distribution with a negative or infinite share: \(distribution)")
            }
            let sum = distribution.reduce(0, +)
            guard abs(sum - 1) <= 1e-6 else {
                throw DriftError("the shares of a distribution sum to \(sum), expected 1: divide counts by their sum")
            }
        }
    }
}
