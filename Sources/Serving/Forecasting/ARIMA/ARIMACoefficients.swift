/// The coefficients of φ(B) Φ(Bˢ) (wₜ − μ) = θ(B) Θ(Bˢ) εₜ, where w = (1−B)ᵈ (1−Bˢ)ᴰ y, φ(B) = 1 − φ₁B − …, and
/// θ(B) = 1 + θ₁B + …: the signs of R and statsmodels.
public struct ARIMACoefficients: Sendable, Equatable {
    /// φ₁ … φₚ.
    public var autoregressive: [Double]
    /// θ₁ … θ_q.
    public var movingAverage: [Double]
    /// Φ₁ … Φ_P.
    public var seasonalAutoregressive: [Double]
    /// Θ₁ … Θ_Q.
    public var seasonalMovingAverage: [Double]
    /// μ, the mean of the differenced series: the mean of the series itself without differences, its drift per step
    /// with one, its growth per season with one seasonal difference. `nil` for a model without.
    public var mean: Double?

    /// Coefficients.
    public init(
        autoregressive: [Double] = [], movingAverage: [Double] = [], seasonalAutoregressive: [Double] = [],
        seasonalMovingAverage: [Double] = [], mean: Double? = nil
    ) {
        (self.autoregressive, self.movingAverage) = (autoregressive, movingAverage)
        (self.seasonalAutoregressive, self.seasonalMovingAverage) = (seasonalAutoregressive, seasonalMovingAverage)
        self.mean = mean
    }
}
