import Foundation

/// A model fitted to a series by maximum likelihood.
public struct ARIMAFit: Sendable, Equatable {
    /// The model; its variance is the maximum-likelihood estimate, Σ v²/F over the number of values.
    public let model: ARIMAModel
    /// The logarithm of the likelihood at the maximum. NaN in fits that only minimise the conditional sum of squares.
    public let logLikelihood: Double
    /// Values that it is the likelihood of: observed, and not taken by the differences.
    public let count: Int

    /// Estimated numbers, the variance among them.
    public var parameterCount: Int { model.order.coefficientCount + (model.coefficients.mean == nil ? 0 : 1) + 1 }

    /// Akaike's criterion.
    public var aic: Double { 2 * Double(parameterCount) - 2 * logLikelihood }

    /// Akaike's criterion corrected for short series (Hurvich and Tsai, Biometrika 76, 1989); infinite where the series
    /// is too short for the correction.
    public var aicc: Double {
        let (parameters, count) = (Double(parameterCount), Double(count))
        guard count > parameters + 1 else { return .infinity }
        return aic + 2 * parameters * (parameters + 1) / (count - parameters - 1)
    }
}

extension ARIMAModel {
    /// How a model is fitted.
    public enum Method: Sendable, Hashable {
        /// Exact maximum likelihood.
        case maximumLikelihood
        /// The smallest conditional sum of squares, `logLikelihood` that of its innovations as if they were independent;
        /// the first `skipped` are left out, the same for all models that are compared.
        case conditionalSquares(skipped: Int)
    }

    /// Fits a model to a series.
    ///
    /// Both polynomials go through their partial autocorrelations (Monahan 1984), so that every point the optimiser
    /// (BFGS) tries is stationary and invertible; the variance and the mean have closed forms and are no part of the
    /// search. It starts from the smallest conditional sum of squares.
    /// - Parameters:
    ///   - series: the values.
    ///   - order: the order.
    ///   - hasMean: whether the differenced series has a mean; needs at most one difference, seasonal ones included.
    ///   - method: the likelihood or the sum of squares.
    /// - Throws: `ForecastingError` when the series is too short, does not vary once its differences are taken, or has
    ///   too many gaps, and for a mean beside two or more differences.
    public static func fit(
        _ series: TimeSeries, order: ARIMAOrder, hasMean: Bool = false, method: Method = .maximumLikelihood
    ) throws -> ARIMAFit {
        guard !hasMean || order.terms.d + order.seasonal.d <= 1 else {
            throw ForecastingError(
                "\(order) takes two or more differences; a mean of those would be a quadratic trend, leave it out")
        }
        let differenced = try DifferencedSeries(series, order: order)
        try differenced.checkVariation(parameters: order.coefficientCount + (hasMean ? 2 : 1))
        let scale = differenced.scale
        func objective(_ sums: InnovationSums?) -> Double {
            guard let sums, sums.count > 0 else { return .infinity }
            let squares = max(sums.leastSquares / Double(sums.count) / (scale * scale), 1e-300)
            return (log(squares) + sums.logarithms / Double(sums.count)) / 2
        }
        let start = [Double](repeating: 0.1, count: order.coefficientCount)
        var skipped = 0
        if case .conditionalSquares(let count) = method { skipped = count }
        let conditional = ConditionalSquares(series: differenced, regressing: hasMean, skipped: skipped)
        let first = BFGS().minimum(from: start) { point in
            objective(conditional.sums(ARIMACoefficients(unconstrained: point, order: order)))
        }
        if case .conditionalSquares = method {
            let coefficients = ARIMACoefficients(unconstrained: first.point, order: order)
            guard let sums = conditional.sums(coefficients) else { throw Self.failed(order) }
            return try fit(order, coefficients, sums)
        }
        func sums(_ point: [Double]) throws -> InnovationSums? {
            let coefficients = ARIMACoefficients(unconstrained: point, order: order)
            return try ARIMAFilter(differenced, coefficients, regressing: hasMean)?.sums
        }
        // Says at once what is wrong with the series; later points can only fail numerically.
        _ = try sums(start)
        // A sum of squares that runs to the edge of invertibility is a bad place to start from.
        let point = first.point.map { min(max($0, -3), 3) }
        let found = BFGS().minimum(from: point) { objective(try? sums($0)) }
        guard found.value.isFinite, let result = try sums(found.point) else { throw Self.failed(order) }
        return try fit(order, ARIMACoefficients(unconstrained: found.point, order: order), result)
    }

    private static func fit(
        _ order: ARIMAOrder, _ coefficients: ARIMACoefficients, _ sums: InnovationSums
    ) throws -> ARIMAFit {
        var coefficients = coefficients
        coefficients.mean = sums.mean
        let variance = sums.leastSquares / Double(max(1, sums.count))
        guard variance > 0 else {
            throw ForecastingError("\(order) fits the series without any error; it has nothing random to forecast")
        }
        return ARIMAFit(
            model: try ARIMAModel(order: order, coefficients: coefficients, variance: variance),
            logLikelihood: sums.logLikelihood(variance: variance, squares: sums.leastSquares), count: sums.count)
    }

    private static func failed(_ order: ARIMAOrder) -> ForecastingError {
        ForecastingError("no coefficients of \(order) could be found for the series; try fewer terms")
    }
}

extension ARIMACoefficients {
    /// Stationary and invertible coefficients from any numbers: p, q, P and Q of them in this order.
    init(unconstrained point: [Double], order: ARIMAOrder) {
        var rest = point[...]
        func next(_ count: Int) -> [Double] {
            defer { rest = rest.dropFirst(count) }
            return PartialAutocorrelations.coefficients(unconstrained: rest.prefix(count))
        }
        self.init(
            autoregressive: next(order.terms.p), movingAverage: next(order.terms.q).map { -$0 },
            seasonalAutoregressive: next(order.seasonal.p), seasonalMovingAverage: next(order.seasonal.q).map { -$0 })
    }
}

extension DifferencedSeries {
    /// The largest distance of a difference from their mean; the unit of sums of squares.
    var scale: Double {
        let observed = differenced.filter { !$0.isNaN }
        let mean = observed.reduce(0, +) / Double(max(1, observed.count))
        return observed.reduce(0) { max($0, abs($1 - mean)) }
    }

    /// - Throws: `ForecastingError` for fewer differences than numbers to estimate, or differences that are all equal.
    func checkVariation(parameters: Int) throws {
        let observed = differenced.count { !$0.isNaN }
        guard observed > parameters else {
            throw ForecastingError(
                "the series has \(values.count) values, of which \(order) leaves \(observed) to estimate "
                    + "\(parameters) numbers from; give a longer series, or fewer terms and differences")
        }
        let size = values.reduce(0) { $1.isNaN ? $0 : max($0, abs($1)) }
        guard scale > 1e-12 * size, scale.isFinite else {
            throw ForecastingError(
                "the series is constant once \(order) has taken its differences; there is nothing random to fit, "
                    + "and a forecast goes on as the series does")
        }
    }
}
