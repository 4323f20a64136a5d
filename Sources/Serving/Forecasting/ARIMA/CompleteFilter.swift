/// The Kalman filter of a stationary ARMA process none of whose values is missing, in O(r) a step.
///
/// Without gaps the state's covariance changes by a matrix of rank one each step, Pₜ₊₁ − Pₜ = Lₜ Mₜ Lₜ′, and only the
/// gain K = TPZ′, the innovation's variance F, L and M need be carried along (Morf, Sidhu and Kailath, "Some new
/// algorithms for recursive estimation in constant, linear, discrete-time systems", IEEE Transactions on Automatic
/// Control 19, 1974; Pearlman, "An algorithm for the exact likelihood of a high-order autoregressive-moving average
/// process", Biometrika 67, 1980). Where a season has 1,440 values, P would have two million.
struct CompleteFilter {
    private let process: ARMAProcess
    private var gain: [Double]
    private var increment: [Double]
    private var weight: Double
    private var variance: Double
    /// The expected state, given what was filtered.
    private var state: [Double]
    /// The same of the regressor, which is 1 throughout.
    private var regressorState: [Double]
    private(set) var sums = InnovationSums()
    /// True once the gain changes no more.
    private var isSteady = false

    /// Before the first value; `nil` when the process is too close to non-stationary.
    init?(_ process: ARMAProcess) {
        guard let column = process.initialColumn(), column[0] > 0 else { return nil }
        self.process = process
        let count = process.dimension
        gain = (0..<count).map { process.phi[$0] * column[0] + ($0 + 1 < count ? column[$0 + 1] : 0) }
        (increment, variance, weight) = (gain, column[0], -1 / column[0])
        state = [Double](repeating: 0, count: count)
        regressorState = state
    }

    /// Filters values of which none is NaN.
    mutating func filter(_ values: [Double], regressing: Bool) {
        for (index, value) in values.enumerated() {
            let innovation = value - state[0]
            let regressor = regressing ? 1 - regressorState[0] : 0
            sums.add(innovation, regressor, variance: variance)
            update(&state, innovation)
            if regressing { update(&regressorState, regressor) }
            if !isSteady {
                advance()
                if index % 16 == 0 { isSteady = remainder < 1e-15 }
            }
        }
    }

    /// α ← Tα + K v/F.
    private func update(_ state: inout [Double], _ innovation: Double) {
        let (first, last, factor) = (state[0], state.count - 1, innovation / variance)
        state.withUnsafeMutableBufferPointer { state in
            process.phi.withUnsafeBufferPointer { phi in
                gain.withUnsafeBufferPointer { gain in
                    for index in 0..<last {
                        state[index] = phi[index] * first + state[index + 1] + gain[index] * factor
                    }
                    state[last] = phi[last] * first + gain[last] * factor
                }
            }
        }
    }

    /// F ← F + Ml², K ← K + Ml·TL, L ← TL − (l/F)K, M ← M + M²l²/F₋, where l is the first component of L.
    private mutating func advance() {
        let (first, last) = (increment[0], increment.count - 1)
        let step = weight * first
        let next = variance + step * first
        let share = first / next
        increment.withUnsafeMutableBufferPointer { increment in
            process.phi.withUnsafeBufferPointer { phi in
                gain.withUnsafeMutableBufferPointer { gain in
                    for index in 0...last {
                        let moved = phi[index] * first + (index < last ? increment[index + 1] : 0)
                        gain[index] += step * moved
                        increment[index] = moved - share * gain[index]
                    }
                }
            }
        }
        weight += step * step / variance
        variance = next
    }

    /// The largest variance that is still to leave the state.
    private var remainder: Double {
        var largest = 0.0
        for value in increment { largest = max(largest, value * value) }
        return largest * -weight
    }

    /// Expected values of the next steps at a mean.
    func forecast(steps: Int, mean: Double?) -> [Double] {
        guard let mean else { return process.continuation(of: state, steps: steps) }
        let state = zip(state, regressorState).map { $0 - mean * $1 }
        return process.continuation(of: state, steps: steps).map { $0 + mean }
    }

    /// The variances of the errors of forecasts 1, 2, … steps on, of the sums that `integrate` makes of forecasts.
    ///
    /// The covariance of the state falls to RR′ for an invertible process, by all increments that are still to come:
    /// P = RR′ − Σ LML′. RR′ gives the sum of squared ψ-weights, each increment what it is after as many steps.
    func forecastVariances(steps: Int, integrate: ([Double]) -> [Double]) -> [Double] {
        var sum = 0.0
        var variances = integrate(process.impulseResponse(steps)).map { weight -> Double in
            sum += weight * weight
            return sum
        }
        var filter = self
        // Each step costs about this many operations; a root next to the unit circle would take ever more.
        let cost = process.dimension + steps * (process.phiTerms.count + 2)
        for _ in 0..<max(1000, 1_000_000_000 / cost) {
            guard filter.remainder > 1e-15 else { break }
            let effect = integrate(process.continuation(of: filter.increment, steps: steps))
            for step in 0..<steps { variances[step] -= filter.weight * effect[step] * effect[step] }
            filter.advance()
        }
        return variances
    }
}
