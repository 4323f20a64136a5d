import Forecasting
import Randomness

/// The ways to forecast that the command line knows by name.
enum ForecastMethod: String, CaseIterable {
    case arima
    case holtWinters = "holt-winters"
    case seasonalNaive = "seasonal-naive"

    /// A way to forecast, with its numbers.
    struct Fitted {
        /// The method with its order or form.
        var name: String
        /// Forecasts after a series, estimating nothing again but the variance of its errors.
        var forecast: (_ series: TimeSeries, _ steps: Int, _ level: Double) throws -> Forecast
    }

    /// Chooses the order or form by a series and estimates the numbers in it.
    func fit(_ series: TimeSeries, period: Int, transformation: Transformation, seed: UInt64) throws -> Fitted {
        let transformed = try transformation.applied(to: series)
        let suffix = transformation == .logarithm ? ", log" : ""
        func fitted(
            _ name: String, _ forecast: @escaping (TimeSeries, Int, Double) throws -> Forecast
        ) -> Fitted {
            Fitted(name: name + suffix) { series, steps, level in
                transformation.undone(try forecast(try transformation.applied(to: series), steps, level))
            }
        }
        switch self {
        case .arima:
            let model = try OrderSearch(period: period).fit(transformed).model
            let mean = model.coefficients.mean == nil ? "" : " with mean"
            return fitted("ARIMA \(model.order)\(mean)") { series, steps, level in
                // The other two take their errors' variance from all values before the forecast as well.
                try model.withVariance(of: series).forecast(after: series, steps: steps, level: level)
            }
        case .holtWinters:
            let model = try ExponentialSmoothing.select(transformed, period: period).model
            return fitted("Holt-Winters, \(model.form.name)") { series, steps, level in
                // Equal seeds for all origins: no forecast depends on how many were made before it.
                var generator = RandomGenerator(seed: seed)
                return try model.forecast(after: series, steps: steps, level: level, generator: &generator)
            }
        case .seasonalNaive:
            let naive = try SeasonalNaive(period: period)
            return fitted("seasonal-naive") { series, steps, level in
                try naive.forecast(after: series, steps: steps, level: level)
            }
        }
    }
}

extension SmoothingForm {
    /// As in `damped trend, additive season`.
    fileprivate var name: String {
        let trend =
            switch trend {
            case .none: "no trend"
            case .additive: "trend"
            case .damped: "damped trend"
            }
        switch seasonality {
        case .none: return trend
        case .additive: return trend + ", additive season"
        case .multiplicative: return trend + ", multiplicative season"
        }
    }
}
