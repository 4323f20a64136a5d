import Forecasting
import Randomness

/// The ways to forecast that the command line knows by name.
enum ForecastMethod: String, CaseIterable {
    case arima
    case holtWinters = "holt-winters"
    case seasonalNaive = "seasonal-naive"

    /// A way to forecast, with what it chose once.
    struct Chosen {
        /// The method with its order or form.
        var name: String
        /// Forecasts after a series, estimating anew.
        var forecast: (_ series: TimeSeries, _ steps: Int, _ level: Double) throws -> Forecast
    }

    /// Chooses the order or form by a series; later forecasts keep it and estimate the numbers in it again.
    func choose(_ series: TimeSeries, period: Int, transformation: Transformation, seed: UInt64) throws -> Chosen {
        let transformed = try transformation.applied(to: series)
        let suffix = transformation == .logarithm ? ", log" : ""
        func chosen(
            _ name: String, _ forecast: @escaping (TimeSeries, Int, Double) throws -> Forecast
        ) -> Chosen {
            Chosen(name: name + suffix) { series, steps, level in
                transformation.undone(try forecast(try transformation.applied(to: series), steps, level))
            }
        }
        switch self {
        case .arima:
            let model = try OrderSearch(period: period).fit(transformed).model
            let hasMean = model.coefficients.mean != nil
            return chosen("ARIMA \(model.order)\(hasMean ? " with mean" : "")") { series, steps, level in
                try ARIMAModel.fit(series, order: model.order, hasMean: hasMean).model
                    .forecast(after: series, steps: steps, level: level)
            }
        case .holtWinters:
            let form = try ExponentialSmoothing.select(transformed, period: period).model.form
            return chosen("Holt-Winters, \(form.name)") { series, steps, level in
                // Equal seeds for all origins: no forecast depends on how many were made before it.
                var generator = RandomGenerator(seed: seed)
                return try ExponentialSmoothing.fit(series, form: form).model
                    .forecast(after: series, steps: steps, level: level, generator: &generator)
            }
        case .seasonalNaive:
            let naive = try SeasonalNaive(period: period)
            return chosen("seasonal-naive") { series, steps, level in
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
