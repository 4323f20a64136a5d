/// Which exponential smoothing it is, in the classification of Hyndman, Koehler, Ord and Snyder ("Forecasting with
/// Exponential Smoothing: The State Space Approach", 2008, section 2.5).
public struct SmoothingForm: Sendable, Hashable {
    /// How errors enter.
    public enum ErrorKind: Sendable, Hashable {
        /// y = ŷ + ε: errors of the same size at any level.
        case additive
        /// y = ŷ (1 + ε): errors in proportion to what is expected. Needs positive values.
        case multiplicative
    }

    /// How the level moves on.
    public enum Trend: Sendable, Hashable {
        /// It does not: simple exponential smoothing.
        case none
        /// By the trend each step: Holt's method.
        case additive
        /// By a trend that is multiplied by φ each step (Gardner and McKenzie 1985).
        case damped
    }

    /// How the season enters.
    public enum Seasonality: Sendable, Hashable {
        /// It does not.
        case none
        /// Added to the level: Winters' additive method.
        case additive
        /// Multiplied with the level: Winters' multiplicative method. Needs positive values.
        case multiplicative
    }

    /// How errors enter.
    public let error: ErrorKind
    /// How the level moves on.
    public let trend: Trend
    /// How the season enters.
    public let seasonality: Seasonality
    /// Values in a season; 1 without.
    public let period: Int

    /// A form.
    /// - Throws: `ForecastingError` for a season with a period below 2, or a period without a season.
    public init(
        error: ErrorKind = .additive, trend: Trend = .none, seasonality: Seasonality = .none, period: Int = 1
    ) throws {
        guard (seasonality == .none) == (period == 1), period >= 1, period <= 100_000 else {
            throw ForecastingError(
                "a season needs a period of 2 to 100,000, and no season a period of 1; found \(period)")
        }
        (self.error, self.trend, self.seasonality, self.period) = (error, trend, seasonality, period)
    }

    /// True where the variance of forecasts has a closed form: class 1 of Hyndman et al. (2008, table 6.1).
    public var isLinear: Bool { error == .additive && seasonality != .multiplicative }

    /// True where values must be positive.
    public var needsPositiveValues: Bool { error == .multiplicative || seasonality == .multiplicative }

    /// Smoothing parameters that are estimated.
    var parameterCount: Int {
        1 + (trend == .none ? 0 : 1) + (trend == .damped ? 1 : 0) + (seasonality == .none ? 0 : 1)
    }

    /// Numbers in the state; a season's last one follows from the others.
    var stateCount: Int { 1 + (trend == .none ? 0 : 1) + (seasonality == .none ? 0 : period - 1) }
}
