/// How far forecasts were from what came. Missing values are left out; a measure that is not defined is `nil`.
public struct ErrorMeasures: Sendable, Equatable {
    /// Values that were compared.
    public let count: Int
    /// Mean absolute error.
    public let meanAbsoluteError: Double?
    /// Root of the mean squared error.
    public let rootMeanSquaredError: Double?
    /// Mean absolute percentage error, in %; `nil` where a value is 0.
    public let meanAbsolutePercentageError: Double?
    /// Symmetric mean absolute percentage error, mean of 200 |y − ŷ| / (|y| + |ŷ|), in % (Makridakis, International
    /// Journal of Forecasting 9, 1993); a pair of zeros has none.
    public let symmetricPercentageError: Double?
    /// Mean absolute scaled error: the mean absolute error over that of the seasonal-naive forecast one step on within
    /// the training series (Hyndman and Koehler, "Another look at measures of forecast accuracy", International Journal
    /// of Forecasting 22, 2006). `nil` where that is 0 or has no value.
    public let meanAbsoluteScaledError: Double?
    /// Share of the values within the intervals.
    public let coverage: Double?

    /// Compares a forecast with what came, the first of both being the same step. What is beyond the shorter is left out.
    /// - Parameters:
    ///   - forecast: the forecast.
    ///   - actual: what came; `nil` where it was not observed.
    ///   - training: the series that the forecast was made after; gives the scale of MASE.
    ///   - period: the season of that scale; below 1 counts as 1.
    public init(_ forecast: Forecast, actual: [Double?], training: TimeSeries, period: Int) {
        let scale = Self.scale(training, period: max(1, period))
        var errors: [Double] = []
        var (percentages, symmetric): ([Double?], [Double]) = ([], [])
        var within = 0
        for (step, value) in actual.prefix(forecast.points.count).enumerated() {
            guard let value else { continue }
            let point = forecast.points[step]
            let error = abs(value - point)
            errors.append(error)
            percentages.append(value == 0 ? nil : 100 * error / abs(value))
            if abs(value) + abs(point) > 0 { symmetric.append(200 * error / (abs(value) + abs(point))) }
            if value >= forecast.lower[step], value <= forecast.upper[step] { within += 1 }
        }
        count = errors.count
        let whole = percentages.compactMap(\.self)
        meanAbsoluteError = Self.mean(errors)
        rootMeanSquaredError = Self.mean(errors.map { $0 * $0 })?.squareRoot()
        meanAbsolutePercentageError = whole.count == errors.count ? Self.mean(whole) : nil
        symmetricPercentageError = Self.mean(symmetric)
        meanAbsoluteScaledError = scale.flatMap { scale in Self.mean(errors).map { $0 / scale } }
        coverage = errors.isEmpty ? nil : Double(within) / Double(errors.count)
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The mean absolute difference between values a season apart; `nil` when there are none or it is 0.
    public static func scale(_ series: TimeSeries, period: Int) -> Double? {
        let differences = zip(series.observations.dropFirst(max(1, period)), series.observations)
            .compactMap { later, earlier in later.flatMap { later in earlier.map { abs(later - $0) } } }
        return mean(differences).flatMap { $0 > 0 ? $0 : nil }
    }
}
