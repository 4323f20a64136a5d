/// Forecasts from several points of a series, each made from nothing but what lies before it (Tashman, "Out-of-sample
/// tests of forecasting accuracy", International Journal of Forecasting 16, 2000).
public struct RollingOrigin: Sendable, Hashable {
    /// How many forecasts.
    public let origins: Int
    /// Steps of each; the next one starts where it ends, and the last one ends with the series.
    public let horizon: Int
    /// The season of MASE's scale.
    public let period: Int

    /// - Throws: `ForecastingError` for numbers below 1.
    public init(origins: Int, horizon: Int, period: Int) throws {
        guard origins > 0, horizon > 0, period > 0 else {
            throw ForecastingError(
                "origins, horizon and period must be 1 or more, found \(origins), \(horizon) and \(period)")
        }
        (self.origins, self.horizon, self.period) = (origins, horizon, period)
    }

    /// What a model's forecasts came to.
    public struct Result: Sendable, Equatable {
        /// The measures at each origin, the earliest first; origins after which nothing was observed are left out.
        public let measures: [ErrorMeasures]

        /// The mean of a measure over the origins; `nil` where one of them lacks it.
        public func mean(_ measure: (ErrorMeasures) -> Double?) -> Double? {
            let values = measures.compactMap(measure)
            guard !values.isEmpty, values.count == measures.count else { return nil }
            return values.reduce(0, +) / Double(values.count)
        }

        /// Root of the mean squared error over all values.
        public var rootMeanSquaredError: Double? {
            let count = measures.reduce(0) { $0 + $1.count }
            guard count > 0 else { return nil }
            let squares = measures.reduce(0) { sum, measure in
                let error = measure.rootMeanSquaredError ?? 0
                return sum + error * error * Double(measure.count)
            }
            return (squares / Double(count)).squareRoot()
        }

        /// Share of all values within their intervals.
        public var coverage: Double? {
            let count = measures.reduce(0) { $0 + $1.count }
            guard count > 0 else { return nil }
            return measures.reduce(0) { $0 + ($1.coverage ?? 0) * Double($1.count) } / Double(count)
        }
    }

    /// The number of values before the first origin.
    /// - Throws: `ForecastingError` when the series is too short.
    public func firstTraining(_ series: TimeSeries) throws -> Int {
        let first = series.count - origins * horizon
        guard first > 0 else {
            throw ForecastingError(
                "the series has \(series.count) values, and \(origins) forecasts of \(horizon) steps need more than "
                    + "\(origins * horizon)")
        }
        return first
    }

    /// Evaluates one way to forecast.
    /// - Parameters:
    ///   - series: all values.
    ///   - forecast: forecasts `horizon` steps after the series that it is given.
    /// - Throws: `ForecastingError` for a series too short, and what `forecast` throws.
    public func evaluate(_ series: TimeSeries, forecast: (TimeSeries) throws -> Forecast) throws -> Result {
        let first = try firstTraining(series)
        let measures = try (0..<origins).map { origin in
            let start = first + origin * horizon
            let training = try series.prefix(start)
            return ErrorMeasures(
                try forecast(training), actual: Array(series.observations[start..<start + horizon]),
                training: training, period: period)
        }
        return Result(measures: measures.filter { $0.count > 0 })
    }
}
