/// The forecast that nothing changes but the season: each value is what it was a season before. What any other model
/// has to beat (Hyndman and Athanasopoulos 2021, section 5.2).
public struct SeasonalNaive: Sendable, Hashable {
    /// Values in a season; 1 repeats the last value.
    public let period: Int

    /// - Throws: `ForecastingError` for a period below 1.
    public init(period: Int) throws {
        guard period >= 1 else { throw ForecastingError("the period must be 1 or more, found \(period)") }
        self.period = period
    }

    /// The last observed value at the same place in the season. The errors' variance is σ² times the number of seasons
    /// since it, where σ² is the mean squared difference between values a season apart.
    /// - Throws: `ForecastingError` when a place was never observed, no two values are a season apart, or steps or level
    ///   are out of range.
    public func forecast(after series: TimeSeries, steps: Int, level: Double = 0.95) throws -> Forecast {
        try Forecast.check(steps: steps, level: level)
        let values = series.observations
        let differences = zip(values.dropFirst(period), values).compactMap { later, earlier -> Double? in
            guard let later, let earlier else { return nil }
            return later - earlier
        }
        guard !differences.isEmpty else {
            throw ForecastingError(
                "the series has \(values.count) values, none of them a season of \(period) after another one")
        }
        let variance = differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count)
        var (points, errors): ([Double], [Double]) = ([], [])
        for step in 0..<steps {
            var seasons = step / period + 1
            var index = values.count + step - seasons * period
            while index >= 0, values[index] == nil { (index, seasons) = (index - period, seasons + 1) }
            guard index >= 0, let value = values[index] else {
                throw ForecastingError(
                    "value \(step % period + 1) of the season of \(period) after the series was never observed")
            }
            points.append(value)
            errors.append((variance * Double(seasons)).squareRoot())
        }
        return Forecast(points: points, standardErrors: errors, level: level)
    }
}
