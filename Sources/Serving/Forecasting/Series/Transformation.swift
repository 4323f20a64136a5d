import Foundation

/// What is done to a series before a model sees it (Box and Cox, "An analysis of transformations", Journal of the Royal
/// Statistical Society B 26, 1964; λ = 1 and λ = 0).
public enum Transformation: Sendable, Hashable {
    /// Nothing.
    case none
    /// Natural logarithms: errors grow with the level, and no forecast is negative.
    case logarithm

    /// The transformed series; missing values stay missing.
    /// - Throws: `ForecastingError` for a logarithm of 0 or less.
    public func applied(to series: TimeSeries) throws -> TimeSeries {
        guard self == .logarithm else { return series }
        return try TimeSeries(
            observations: series.observations.enumerated().map { index, value in
                guard let value else { return nil }
                guard value > 0 else {
                    throw ForecastingError(
                        "value \(index + 1) is \(value), which has no logarithm; add a constant, take longer "
                            + "intervals, mark it as missing, or do without the logarithm")
                }
                return log(value)
            })
    }

    /// A forecast of the transformed series as one of the series itself. Quantiles go through a monotone function
    /// unchanged, so bounds keep their level and points become medians (not means); standard errors stay as they are.
    /// A forecast beyond the largest number is the largest number.
    public func undone(_ forecast: Forecast) -> Forecast {
        guard self == .logarithm else { return forecast }
        func back(_ values: [Double]) -> [Double] { values.map { min(exp($0), .greatestFiniteMagnitude) } }
        return Forecast(
            points: back(forecast.points), standardErrors: forecast.standardErrors, lower: back(forecast.lower),
            upper: back(forecast.upper), level: forecast.level)
    }
}
