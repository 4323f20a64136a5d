/// A seasonal ARIMA model with all its numbers: φ(B) Φ(Bˢ) (wₜ − μ) = θ(B) Θ(Bˢ) εₜ, ε ~ N(0, σ²), where
/// w = (1−B)ᵈ (1−Bˢ)ᴰ y.
///
/// Likelihoods and forecasts are exact, from the Kalman filter of the differenced series (of the series itself where
/// values are missing), conditional on the d + Ds values that the differences take.
public struct ARIMAModel: Sendable, Equatable {
    /// Its order.
    public let order: ARIMAOrder
    /// Its coefficients.
    public let coefficients: ARIMACoefficients
    /// σ², the variance of the innovations.
    public let variance: Double

    /// The longest state with which a series that has gaps is filtered: its covariance is updated at each of them.
    static let largestGappedState = 1500

    /// A model.
    /// - Throws: `ForecastingError` when the numbers of coefficients are not those of the order, one is not finite, the
    ///   autoregression is not stationary, the moving average not invertible, or the variance not positive.
    public init(order: ARIMAOrder, coefficients: ARIMACoefficients, variance: Double) throws {
        let parts = [
            ("autoregressive", coefficients.autoregressive, order.terms.p),
            ("moving-average", coefficients.movingAverage, order.terms.q),
            ("seasonal autoregressive", coefficients.seasonalAutoregressive, order.seasonal.p),
            ("seasonal moving-average", coefficients.seasonalMovingAverage, order.seasonal.q),
        ]
        for (index, (name, values, count)) in parts.enumerated() {
            guard values.count == count else {
                throw ForecastingError("\(order) needs \(count) \(name) coefficients, found \(values.count)")
            }
            let moving = index % 2 == 1
            guard values.allSatisfy(\.isFinite), LagPolynomial.isStationary(moving ? values.map { -$0 } : values)
            else {
                throw ForecastingError(
                    "the \(name) coefficients \(values) are not \(moving ? "invertible" : "stationary"): the "
                        + "polynomial's roots must lie outside the unit circle")
            }
        }
        guard coefficients.mean?.isFinite != false else {
            throw ForecastingError("the mean \(coefficients.mean ?? 0) is not finite")
        }
        guard variance > 0, variance.isFinite else {
            throw ForecastingError("the variance of the innovations must be positive and finite, found \(variance)")
        }
        (self.order, self.coefficients, self.variance) = (order, coefficients, variance)
    }

    /// The exact Gaussian log-likelihood of a series, of those of its values that the differences do not take.
    /// - Throws: `ForecastingError` when the series is too short, or has too many gaps.
    public func logLikelihood(of series: TimeSeries) throws -> Double {
        let sums = try filtered(series).sums
        return sums.logLikelihood(variance: variance, squares: sums.squares(mean: coefficients.mean ?? 0))
    }

    /// What is expected after a series, with the intervals that hold each value with probability `level`, for given
    /// coefficients: what estimating them adds to the errors is not in the intervals.
    /// - Throws: `ForecastingError` when the series is too short or has too many gaps, or for steps below 1 or a level
    ///   outside (0, 1).
    public func forecast(after series: TimeSeries, steps: Int, level: Double = 0.95) throws -> Forecast {
        try Forecast.check(steps: steps, level: level)
        let (points, variances) = try filtered(series).forecast(steps: steps, mean: coefficients.mean)
        return Forecast(
            points: points, standardErrors: variances.map { ($0 * variance).squareRoot() }, level: level)
    }

    /// The model with the variance of largest likelihood for a series, its coefficients as they are: what a model needs
    /// that goes on forecasting after values that it was not fitted to.
    /// - Throws: `ForecastingError` as `logLikelihood(of:)`, and for a series that it fits without any error.
    public func withVariance(of series: TimeSeries) throws -> ARIMAModel {
        let sums = try filtered(series).sums
        return try ARIMAModel(
            order: order, coefficients: coefficients,
            variance: sums.squares(mean: coefficients.mean ?? 0) / Double(max(1, sums.count)))
    }

    private func filtered(_ series: TimeSeries) throws -> ARIMAFilter {
        guard
            let filter = try ARIMAFilter(
                DifferencedSeries(series, order: order), coefficients, regressing: coefficients.mean != nil)
        else {
            throw ForecastingError("the coefficients of \(order) are too close to non-stationary to compute with")
        }
        return filter
    }
}
