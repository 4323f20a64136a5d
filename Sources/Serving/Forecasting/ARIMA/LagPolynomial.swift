/// Polynomials in the lag operator B.
enum LagPolynomial {
    /// One term c·Bᵏ.
    struct Term: Sendable {
        var lag: Int
        var coefficient: Double
    }

    /// (1 + Σ aₖ Bᵏ)(1 + Σ bₖ Bᵏˢ) − 1, as coefficients of B, B², …
    static func product(_ plain: [Double], _ seasonal: [Double], period: Int) -> [Double] {
        var result = [Double](repeating: 0, count: plain.count + seasonal.count * period)
        for (index, value) in plain.enumerated() { result[index] += value }
        for (season, factor) in seasonal.enumerated() {
            let shift = (season + 1) * period
            result[shift - 1] += factor
            for (index, value) in plain.enumerated() { result[shift + index] += factor * value }
        }
        return result
    }

    /// δ₁, δ₂, … with (1−B)ᵈ (1−Bˢ)ᴰ = 1 − Σ δₖ Bᵏ.
    static func differences(_ order: ARIMAOrder) -> [Double] {
        var result: [Double] = []
        for _ in 0..<order.terms.d { result = product(result, [-1], period: 1) }
        for _ in 0..<order.seasonal.d { result = product(result, [-1], period: order.period) }
        return result.map { -$0 }
    }

    /// The terms that are not 0.
    static func terms(_ coefficients: [Double]) -> [Term] {
        coefficients.enumerated().compactMap { $1 == 0 ? nil : Term(lag: $0 + 1, coefficient: $1) }
    }

    /// xₖ + Σ cⱼ yₖ₋ⱼ for k = 0, 1, …, with nothing before the first.
    static func recursion(_ input: [Double], _ terms: [Term]) -> [Double] {
        var output = input
        for index in output.indices {
            for term in terms where term.lag <= index {
                output[index] += term.coefficient * output[index - term.lag]
            }
        }
        return output
    }

    /// Whether every root of 1 − Σ φₖ zᵏ lies outside the circle of this radius.
    static func isStationary(_ coefficients: [Double], radius: Double = 1) -> Bool {
        var scale = 1.0
        let scaled = coefficients.map { value in
            scale *= radius
            return value * scale
        }
        return PartialAutocorrelations.ofAutoregression(scaled) != nil
    }
}
