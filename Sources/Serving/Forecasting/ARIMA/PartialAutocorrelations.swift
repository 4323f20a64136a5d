/// Stationary autoregressions by their partial autocorrelations, any numbers in (−1, 1) (Monahan, "A note on enforcing
/// stationarity in autoregressive-moving average models", Biometrika 71, 1984; Jones, Technometrics 22, 1980).
enum PartialAutocorrelations {
    /// Fitted partial autocorrelations stay below this, so that a fitted filter still converges.
    static let bound = 0.9999

    /// Stationary coefficients from any real numbers: xₖ / √(1 + xₖ²) are the partial autocorrelations, from which the
    /// Durbin–Levinson recursion makes coefficients.
    static func coefficients(unconstrained: ArraySlice<Double>) -> [Double] {
        var result: [Double] = []
        for value in unconstrained {
            let partial = value.isFinite ? bound * value / (1 + value * value).squareRoot() : bound
            let previous = result
            for index in previous.indices {
                result[index] = previous[index] - partial * previous[previous.count - 1 - index]
            }
            result.append(partial)
        }
        return result
    }

    /// The recursion backwards; `nil` when the coefficients are not those of a stationary autoregression.
    static func ofAutoregression(_ coefficients: [Double]) -> [Double]? {
        stepDown(coefficients)?.partials
    }

    /// The best predictors of the autoregression from its last 0, 1, … values, and the partial autocorrelations.
    static func stepDown(_ coefficients: [Double]) -> (partials: [Double], predictors: [[Double]])? {
        var partials = [Double](repeating: 0, count: coefficients.count)
        var predictors = [[Double]](repeating: [], count: coefficients.count)
        var current = coefficients
        for order in stride(from: coefficients.count, to: 0, by: -1) {
            let partial = current[order - 1]
            guard abs(partial) < 1 else { return nil }
            partials[order - 1] = partial
            if partial == 0 {
                current.removeLast()
            } else {
                let scale = 1 / (1 - partial * partial)
                current = (0..<order - 1).map { (current[$0] + partial * current[order - 2 - $0]) * scale }
            }
            predictors[order - 1] = current
        }
        return (partials, predictors)
    }
}
