/// How fast level, trend and season follow the errors, in the error-correction form of Hyndman et al. (2008). The
/// component form of older texts has β* = β / α and γ* = γ / (1 − α).
public struct SmoothingParameters: Sendable, Equatable {
    /// α, of the level.
    public var level: Double
    /// β, of the trend; without one it has no effect.
    public var trend: Double
    /// γ, of the season; without one it has no effect.
    public var season: Double
    /// φ, by which a damped trend is multiplied each step; other trends take 1.
    public var damping: Double

    /// Parameters.
    public init(level: Double, trend: Double = 0, season: Double = 0, damping: Double = 1) {
        (self.level, self.trend, self.season, self.damping) = (level, trend, season, damping)
    }
}

/// What exponential smoothing remembers of the past.
public struct SmoothingState: Sendable, Equatable {
    /// l.
    public var level: Double
    /// b, per step; 0 without a trend.
    public var trend: Double
    /// The season's effects on the next `period` values, in their order; empty without a season.
    public var season: [Double]

    /// A state.
    public init(level: Double, trend: Double = 0, season: [Double] = []) {
        (self.level, self.trend, self.season) = (level, trend, season)
    }
}
