/// The Kalman filter of an ARIMA process some of whose values are missing.
///
/// The state has the last d + Ds values before the ARMA process's own (Harvey 1993, section 4.4; Durbin and Koopman,
/// "Time Series Analysis by State Space Methods", 2nd edition, 2012, section 3.4), so that a missing value costs one
/// observation and not each difference that it is in. It starts after the first d + Ds values in a row that were all
/// observed: given those, the likelihood is exact, and without gaps it is that of the differenced series. A step costs
/// O(N²) for a state of N; once nothing is left of the covariance but the next innovation, O(N) until the next gap.
struct GappedFilter {
    private let transition: ARIMATransition
    private let start: Int
    private let length: Int
    private var covariance: [Double]
    /// True while the state after the last value is known exactly, so that its predicted covariance is RR′.
    private var isKnown = false
    private var state: [Double]
    private var regressorState: [Double]
    private(set) var sums = InnovationSums()

    /// Filters a series, NaN where it is missing, and ends with the state that is expected after it; `nil` when the
    /// process is too close to non-stationary.
    /// - Throws: `ForecastingError` where it cannot start.
    init?(_ process: ARMAProcess, differences: [Double], values: [Double], regressing: Bool) throws {
        let lags = differences.count
        guard let start = Self.start(values, lags: lags) else {
            throw ForecastingError(
                "the series has nowhere \(lags) values in a row without a gap and one after them, which its "
                    + "differences need; fill gaps, take fewer differences or a shorter period")
        }
        guard let initial = process.initialCovariance() else { return nil }
        transition = ARIMATransition(process, differences: differences)
        (self.start, length) = (start, values.count)
        let (total, count) = (transition.count, process.dimension)
        covariance = [Double](repeating: 0, count: total * total)
        for row in 0..<count {
            for column in 0..<count {
                covariance[(lags + row) * total + lags + column] = initial[row * count + column]
            }
        }
        state = (0..<lags).map { values[start - 1 - $0] } + [Double](repeating: 0, count: count)
        regressorState = [Double](repeating: 0, count: total)
        let regressor = regressing ? self.regressor(extending: 0) : []
        for index in start..<values.count {
            if values[index].isNaN {
                forget()
            } else {
                observe(values[index], regressing ? regressor[index] : nil)
            }
            predict(regressing: regressing)
        }
    }

    /// The index after the first `lags` values in a row that are all there.
    private static func start(_ values: [Double], lags: Int) -> Int? {
        var run = 0
        for (index, value) in values.enumerated() {
            if run >= lags { return index }
            run = value.isNaN ? 0 : run + 1
        }
        return nil
    }

    /// What a mean of 1 adds to the series: its differences are 1 from the start on.
    private func regressor(extending steps: Int) -> [Double] {
        LagPolynomial.recursion((0..<length + steps).map { $0 < start ? 0 : 1 }, transition.differences)
    }

    private mutating func observe(_ value: Double, _ regressor: Double?) {
        var variance = 1.0
        let gain: [Double]
        if isKnown {
            gain = transition.loading
        } else {
            (gain, variance) = transition.observed(covariance)
        }
        let innovation = value - transition.expected(state)
        let regressorInnovation = regressor.map { $0 - transition.expected(regressorState) } ?? 0
        sums.add(innovation, regressorInnovation, variance: variance)
        for row in gain.indices {
            state[row] += gain[row] * innovation / variance
            regressorState[row] += gain[row] * regressorInnovation / variance
        }
        guard !isKnown else { return }
        let total = gain.count
        var largest = 0.0
        covariance.withUnsafeMutableBufferPointer { covariance in
            gain.withUnsafeBufferPointer { gain in
                for row in 0..<total {
                    let factor = gain[row] / variance
                    for column in 0..<total { covariance[row * total + column] -= factor * gain[column] }
                    largest = max(largest, abs(covariance[row * total + row]))
                }
            }
        }
        isKnown = largest < 1e-12
    }

    /// Nothing was observed: what was predicted is all that is known.
    private mutating func forget() {
        guard isKnown else { return }
        isKnown = false
        transition.innovationCovariance(into: &covariance)
    }

    private mutating func predict(regressing: Bool) {
        state = transition.moved(state)
        if regressing { regressorState = transition.moved(regressorState) }
        if !isKnown { transition.move(&covariance) }
    }

    /// Expected values of the next steps at a mean of the differences, and the variances of their errors.
    func forecast(steps: Int, mean: Double?) -> (points: [Double], variances: [Double]) {
        var filter = self
        filter.forget()
        var constants: ArraySlice<Double> = []
        if let mean {
            constants = regressor(extending: steps)[length...].map { $0 * mean }[...]
            for index in filter.state.indices { filter.state[index] -= mean * filter.regressorState[index] }
        }
        var points: [Double] = []
        var variances: [Double] = []
        for _ in 0..<steps {
            points.append(filter.transition.expected(filter.state) + (constants.popFirst() ?? 0))
            variances.append(filter.transition.observed(filter.covariance).variance)
            filter.predict(regressing: false)
        }
        return (points, variances)
    }
}
