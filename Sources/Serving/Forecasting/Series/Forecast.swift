/// What a model expects of the values after a series.
public struct Forecast: Sendable, Equatable {
    /// The point forecasts: the median of what is expected, which for a model without a transformation is its mean.
    public var points: [Double]
    /// Standard deviations of the forecasts' errors; of the logarithms, where the model forecasts those.
    public var standardErrors: [Double]
    /// Lower bounds of the prediction intervals.
    public var lower: [Double]
    /// Upper bounds of the prediction intervals.
    public var upper: [Double]
    /// The probability with which each interval is to hold the value, in (0, 1).
    public var level: Double

    /// A forecast put together by hand; all four arrays have an element for each step.
    public init(points: [Double], standardErrors: [Double], lower: [Double], upper: [Double], level: Double) {
        (self.points, self.standardErrors, self.lower) = (points, standardErrors, lower)
        (self.upper, self.level) = (upper, level)
    }

    /// Intervals of normally distributed errors.
    init(points: [Double], standardErrors: [Double], level: Double) {
        let quantile = Normal.quantile((1 + level) / 2)
        let bounds = zip(points, standardErrors)
        self.init(
            points: points, standardErrors: standardErrors, lower: bounds.map { $0 - quantile * $1 },
            upper: bounds.map { $0 + quantile * $1 }, level: level)
    }

    /// Checks what every forecast is asked for.
    static func check(steps: Int, level: Double) throws {
        guard steps > 0, steps <= 1_000_000 else {
            throw ForecastingError("a forecast needs 1 to 1,000,000 steps, found \(steps)")
        }
        guard level > 0, level < 1 else {
            throw ForecastingError("the level of an interval lies between 0 and 1, as 0.95 does; found \(level)")
        }
    }
}
