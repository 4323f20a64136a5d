import Foundation

/// Where a quantile was found last, so that the next search starts there.
public struct QuantileSearch: Sendable, Hashable, Codable {
    /// The quantile found last, in seconds; 0 before the first.
    public internal(set) var value = 0.0
    /// Seconds over which the tail falls by a factor of e there.
    var scale = 0.0

    /// A search that has found nothing yet.
    public init() {}
}

extension LatencyMixture {
    /// Finds the latency that a share of requests exceeds, to about 0.1 %.
    ///
    /// The logarithm of the tail is nearly a straight line, so secant steps inside a bracket (Illinois variant)
    /// converge in two or three evaluations from a close start.
    /// - Parameters:
    ///   - share: the share of requests above, in (0, 1): 0.01 for p99.
    ///   - search: where to start; holds the result afterwards.
    ///   - typical: a latency of the right order, for the first search.
    /// - Returns: the quantile in seconds; 0 for an empty mixture.
    @discardableResult
    public func quantile(above share: Double, _ search: inout QuantileSearch, typical: Double) -> Double {
        guard total > 0 else { return 0 }
        var low = 0.0
        var lowError = -log(share)
        var high = 0.0
        var highError = 0.0
        var x = search.value > 0 ? search.value : typical * lowError
        var scale = search.scale > 0 ? search.scale : 0.5 * x
        for _ in 0..<60 {
            let error = log(max(tail(x), 1e-30) / share)
            if abs(error) < 2e-3 { break }
            if error > 0 {
                // The secant through the last two points below, else the expected slope.
                if low > 0, lowError > error { scale = max(scale, (x - low) / (lowError - error)) }
                if high > 0, low > 0 { highError *= 0.5 }
                (low, lowError) = (x, error)
            } else {
                if high > 0, low > 0 { lowError *= 0.5 }
                (high, highError) = (x, error)
            }
            if high == 0 {
                x += max(scale * error, 1e-3 * x)
                scale *= 1.5
            } else {
                if high - low < 1e-4 * high {
                    // A step of the distribution: its upper side is the quantile.
                    x = high
                    break
                }
                let guess = low > 0 ? low + (high - low) * lowError / (lowError - highError) : x + scale * error
                let margin = 0.02 * (high - low)
                x = min(high - margin, max(low + margin, guess))
            }
        }
        search.value = x
        search.scale = max(1e-3 * x, low > 0 && high > low ? (high - low) / max(1e-3, lowError - highError) : scale)
        return x
    }
}
