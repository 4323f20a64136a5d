/// The matrices T, Z and R of an ARIMA process whose state is its last d + Ds values and the ARMA process's state, as
/// the few numbers in them that are not 0.
struct ARIMATransition {
    /// δ: how the last values enter the next one.
    let differences: [LagPolynomial.Term]
    /// R, with zeros for the values.
    let loading: [Double]
    private let phi: [Double]
    private let lags: Int

    init(_ process: ARMAProcess, differences: [Double]) {
        (lags, phi) = (differences.count, process.phi)
        self.differences = LagPolynomial.terms(differences)
        loading = [Double](repeating: 0, count: lags) + process.loading
    }

    /// N.
    var count: Int { loading.count }

    /// Z s: the value that the state makes.
    func expected(_ state: [Double]) -> Double {
        differences.reduce(state[lags]) { $0 + $1.coefficient * state[$1.lag - 1] }
    }

    /// P Z′ and Z P Z′.
    func observed(_ covariance: [Double]) -> (gain: [Double], variance: Double) {
        var gain = Array(covariance[lags * count..<(lags + 1) * count])
        for term in differences {
            let offset = (term.lag - 1) * count
            for index in gain.indices { gain[index] += term.coefficient * covariance[offset + index] }
        }
        return (gain, expected(gain))
    }

    /// T s.
    func moved(_ state: [Double]) -> [Double] {
        var result = state
        state.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                if let source = source.baseAddress, let target = target.baseAddress { move(source, to: target) }
            }
        }
        return result
    }

    private func move(_ source: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>) {
        let first = source[lags]
        if lags > 0 {
            var next = first
            for term in differences { next += term.coefficient * source[term.lag - 1] }
            target[0] = next
            for lag in 1..<max(1, lags) { target[lag] = source[lag - 1] }
        }
        let last = phi.count - 1
        for index in 0..<last { target[lags + index] = phi[index] * first + source[lags + index + 1] }
        target[lags + last] = phi[last] * first
    }

    /// P ← TPT′ + RR′.
    func move(_ covariance: inout [Double]) {
        let total = count
        var half = covariance
        covariance.withUnsafeMutableBufferPointer { covariance in
            half.withUnsafeMutableBufferPointer { half in
                guard let source = covariance.baseAddress, let target = half.baseAddress else { return }
                // P is symmetric: T times each of its rows is the transpose of TP.
                for row in 0..<total { move(UnsafePointer(source + row * total), to: target + row * total) }
                for row in 0..<total {
                    for column in 0..<row {
                        (half[row * total + column], half[column * total + row]) = (
                            half[column * total + row], half[row * total + column]
                        )
                    }
                }
                for row in 0..<total { move(UnsafePointer(target + row * total), to: source + row * total) }
            }
        }
        addInnovation(to: &covariance)
    }

    /// RR′.
    func innovationCovariance(into covariance: inout [Double]) {
        for index in covariance.indices { covariance[index] = 0 }
        addInnovation(to: &covariance)
    }

    private func addInnovation(to covariance: inout [Double]) {
        let entries = loading.indices.filter { loading[$0] != 0 }
        for row in entries {
            for column in entries { covariance[row * count + column] += loading[row] * loading[column] }
        }
    }
}
