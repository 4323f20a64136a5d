/// A stationary ARMA process with innovations of variance 1, its seasonal factors multiplied out, and what is known of
/// it before anything is observed.
///
/// In Harvey's state-space form ("Time Series Models", 2nd edition, 1993, section 4.4) the state has the dimension
/// r = max(p + sP, q + sQ + 1): its first component is the process, and αₜ₊₁ = Tαₜ + Rεₜ₊₁, where T has φ in its first
/// column and ones above its diagonal, and R = (1, θ₁, θ₂, …)′.
struct ARMAProcess {
    /// φ₁ … φᵣ, filled up with zeros.
    let phi: [Double]
    /// 1, θ₁ … θᵣ₋₁, filled up with zeros.
    let loading: [Double]
    /// Those of φ that are not 0.
    let phiTerms: [LagPolynomial.Term]
    /// Those of θ that are not 0.
    let thetaTerms: [LagPolynomial.Term]
    private let order: Int

    /// `nil` when the process is not stationary.
    init?(_ coefficients: ARIMACoefficients, period: Int) {
        let negated = LagPolynomial.product(
            coefficients.autoregressive.map { -$0 }, coefficients.seasonalAutoregressive.map { -$0 }, period: period)
        let theta = LagPolynomial.product(
            coefficients.movingAverage, coefficients.seasonalMovingAverage, period: period)
        guard LagPolynomial.isStationary(coefficients.autoregressive),
            LagPolynomial.isStationary(coefficients.seasonalAutoregressive)
        else { return nil }
        let dimension = max(negated.count, theta.count + 1)
        phi = negated.map { -$0 } + [Double](repeating: 0, count: dimension - negated.count)
        loading = [1] + theta + [Double](repeating: 0, count: dimension - theta.count - 1)
        phiTerms = LagPolynomial.terms(phi)
        thetaTerms = LagPolynomial.terms(Array(loading.dropFirst()))
        order = negated.count
    }

    /// r.
    var dimension: Int { phi.count }

    /// ψ₀ = 1, ψ₁, …: the process as a sum of its innovations (Box and Jenkins 1970, section 3.1).
    func impulseResponse(_ count: Int) -> [Double] {
        var input = [Double](repeating: 0, count: count)
        for index in 0..<min(count, dimension) { input[index] = loading[index] }
        return LagPolynomial.recursion(input, phiTerms)
    }

    /// What the process is expected to be 0, 1, … steps on, from the expected state.
    func continuation(of state: [Double], steps: Int) -> [Double] {
        var input = [Double](repeating: 0, count: steps)
        for index in 0..<min(steps, state.count) { input[index] = state[index] }
        return LagPolynomial.recursion(input, phiTerms)
    }

    /// γ(0) … γ(r): autocovariances. The autoregression's come from the Durbin–Levinson recursion run backwards, in
    /// O(p²) where a system of equations takes O(p³); the moving average sums them. `nil` when rounding makes the
    /// process non-stationary.
    func autocovariances() -> [Double]? {
        guard let (partials, predictors) = PartialAutocorrelations.stepDown(Array(phi[..<order])) else { return nil }
        let squares = partials.map { 1 - $0 * $0 }
        let length = 2 * dimension + 1
        var values = [Double](repeating: 0, count: length)
        var error = squares.reduce(1) { $0 / $1 }
        values[0] = error
        for lag in 1..<length {
            if lag <= order {
                var sum = partials[lag - 1] * error
                let predictor = predictors[lag - 1]
                for index in predictor.indices where predictor[index] != 0 {
                    sum += predictor[index] * values[lag - 1 - index]
                }
                values[lag] = sum
                error *= squares[lag - 1]
            } else {
                values[lag] = phiTerms.reduce(0) { $0 + $1.coefficient * values[lag - $1.lag] }
            }
        }
        let terms = [LagPolynomial.Term(lag: 0, coefficient: 1)] + thetaTerms
        var products: [Int: Double] = [:]
        for left in terms {
            for right in terms { products[left.lag - right.lag, default: 0] += left.coefficient * right.coefficient }
        }
        // In a fixed order: a dictionary's own would make the sums differ from run to run.
        let ordered = products.sorted { $0.key < $1.key }
        let result = (0...dimension).map { lag in ordered.reduce(0) { $0 + $1.value * values[abs(lag - $1.key)] } }
        return result.allSatisfy(\.isFinite) && result[0] > 0 ? result : nil
    }

    /// The covariances of the state with the process, before anything is observed: the first column of the state's
    /// covariance. State i is Σⱼ φⱼ yₜ₊ᵢ₋ⱼ + θⱼ₋₁ εₜ₊ᵢ₋ⱼ₊₁ over j > i.
    func initialColumn() -> [Double]? {
        guard let gamma = autocovariances() else { return nil }
        let psi = impulseResponse(dimension)
        var column = [Double](repeating: 0, count: dimension)
        column[0] = gamma[0]
        for term in phiTerms {
            for index in stride(from: 1, to: term.lag, by: 1) {
                column[index] += term.coefficient * gamma[term.lag - index]
            }
        }
        for term in thetaTerms {
            for index in stride(from: 1, through: term.lag, by: 1) {
                column[index] += term.coefficient * psi[term.lag - index]
            }
        }
        return column
    }

    /// The whole covariance P of the state before anything is observed, row by row, with P = TPT′ + RR′ (what Gardner,
    /// Harvey and Phillips, "Algorithm AS 154", Applied Statistics 29, 1980, solve as a system of r(r+1)/2 equations).
    /// Its first column known, the equation itself gives the rest from the lower right corner on, in O(r²).
    func initialCovariance() -> [Double]? {
        guard let column = initialColumn() else { return nil }
        let count = dimension
        var covariance = [Double](repeating: 0, count: count * count)
        func first(_ index: Int) -> Double { index < count ? column[index] : 0 }
        for row in stride(from: count - 1, through: 0, by: -1) {
            for other in stride(from: count - 1, through: row, by: -1) {
                let corner = other + 1 < count ? covariance[(row + 1) * count + other + 1] : 0
                let value =
                    phi[row] * phi[other] * column[0] + phi[row] * first(other + 1) + phi[other] * first(row + 1)
                    + corner + loading[row] * loading[other]
                covariance[row * count + other] = value
                covariance[other * count + row] = value
            }
        }
        return covariance
    }
}
