import Foundation

/// What a likelihood is made of: sums over the innovations of a filter whose own innovations have variance 1, of the
/// series and of the regressor that carries the mean.
struct InnovationSums {
    /// How many values were filtered.
    var count = 0
    /// Σ log F.
    var logarithms = 0.0
    /// Σ v²/F of the series.
    var squares = 0.0
    /// Σ v x/F of the series and the regressor.
    var products = 0.0
    /// Σ x²/F of the regressor.
    var regressorSquares = 0.0

    mutating func add(_ innovation: Double, _ regressor: Double, variance: Double) {
        count += 1
        logarithms += log(variance)
        add(innovation, regressor, over: variance)
    }

    mutating func add(_ innovation: Double, _ regressor: Double, over variance: Double) {
        squares += innovation * innovation / variance
        products += innovation * regressor / variance
        regressorSquares += regressor * regressor / variance
    }

    /// The mean of largest likelihood: generalised least squares. `nil` without a regressor.
    var mean: Double? { regressorSquares > 0 ? products / regressorSquares : nil }

    /// Σ v²/F at that mean.
    var leastSquares: Double {
        guard let mean else { return squares }
        return max(0, squares - mean * products)
    }

    /// Σ v²/F at a given mean.
    func squares(mean: Double) -> Double { squares - 2 * mean * products + mean * mean * regressorSquares }

    /// The Gaussian log-likelihood (Harvey 1993, equation 3.4.5).
    func logLikelihood(variance: Double, squares: Double) -> Double {
        -(Double(count) * log(2 * .pi * variance) + logarithms + squares / variance) / 2
    }
}
