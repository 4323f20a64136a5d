import Foundation

/// Exponential smoothing fitted to a series.
public struct SmoothingFit: Sendable, Equatable {
    /// The model.
    public let model: ExponentialSmoothing
    /// The mean of the squared errors (relative ones where errors are multiplicative).
    public let variance: Double
    /// Its log-likelihood, given its initial state.
    public let logLikelihood: Double
    /// Values that were observed.
    public let count: Int

    /// Akaike's criterion, corrected for short series; parameters, initial state and variance all count. Infinite where
    /// the series is too short for the correction. Comparable among forms of exponential smoothing only, not with ARIMA.
    public var aicc: Double {
        let parameters = Double(model.form.parameterCount + model.form.stateCount + 1)
        let count = Double(count)
        guard count > parameters + 1 else { return .infinity }
        return 2 * parameters - 2 * logLikelihood + 2 * parameters * (parameters + 1) / (count - parameters - 1)
    }
}

extension ExponentialSmoothing {
    /// Fits smoothing parameters and the initial level and trend to a series: the smallest sum of squared one-step
    /// errors, for multiplicative errors the largest likelihood. Parameters stay in the usual region of Hyndman et al.
    /// (2008, section 2.3), 0 < α < 1, 0 < β < α, 0 < γ < 1 − α, and 0.8 < φ < 0.98. The initial season is that of
    /// their heuristics and not optimised: a season of 1,440 values would be 1,440 parameters.
    /// - Throws: `ForecastingError` when the series is too short (3 values, two seasons), does not vary, or has values
    ///   of 0 or less where they must be positive.
    public static func fit(_ series: TimeSeries, form: SmoothingForm) throws -> SmoothingFit {
        try check(series, form)
        let start = try SmoothingState.heuristic(series, form)
        let values = series.observed
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let spread = (squares / Double(values.count)).squareRoot()
        guard spread > 1e-12 * abs(mean), spread > 0 else {
            throw ForecastingError("all values are \(values[0]); a constant series has nothing random to fit")
        }
        let layout = Layout(form: form, start: start, spread: spread)
        func objective(_ point: [Double]) -> Double {
            guard let model = try? layout.model(point), let (sums, _, _) = model.pass(over: series, keeping: false)
            else { return .infinity }
            let unit = form.error == .additive ? spread * spread : 1
            return (log(max(sums.variance / unit, 1e-300)) + 2 * sums.logarithms / Double(max(1, sums.count))) / 2
        }
        // The surface has more than one valley; where a multiplicative form fails at one start, another may do.
        let found = layout.starts.map { BFGS(iterations: 300).minimum(from: $0, of: objective) }
            .min { $0.value < $1.value }
        guard let found, found.value.isFinite else {
            throw ForecastingError(
                "no smoothing parameters keep the expected values positive; take an additive form for this series")
        }
        let model = try layout.model(found.point)
        let run = try model.run(over: series)
        return SmoothingFit(
            model: model, variance: run.variance, logLikelihood: run.logLikelihood, count: run.count)
    }

    /// Unbounded numbers as parameters and an initial state.
    private struct Layout {
        var form: SmoothingForm
        var start: SmoothingState
        var spread: Double

        /// α, then what there is of β, γ and φ, each as the logit of its place in its range; then the distance of level
        /// and trend from the heuristics', in units of the series' spread.
        var starts: [[Double]] {
            [(0.3, 0.1), (0.8, 0.1), (0.05, 0.02)].map { level, share in
                var point = [logit(level)]
                if form.trend != .none { point.append(logit(share)) }
                if form.seasonality != .none { point.append(logit(share)) }
                if form.trend == .damped { point.append(logit(0.8)) }
                return point + [Double](repeating: 0, count: form.trend == .none ? 1 : 2)
            }
        }

        private func logit(_ share: Double) -> Double { log(share / (1 - share)) }

        func model(_ point: [Double]) throws -> ExponentialSmoothing {
            var rest = point[...]
            func next() -> Double { rest.popFirst() ?? 0 }
            func share() -> Double { min(max(1 / (1 + exp(-next())), 1e-6), 1 - 1e-6) }
            var parameters = SmoothingParameters(level: share())
            if form.trend != .none { parameters.trend = parameters.level * share() }
            if form.seasonality != .none { parameters.season = (1 - parameters.level) * share() }
            if form.trend == .damped { parameters.damping = 0.8 + 0.18 * share() }
            var state = start
            state.level += spread * next()
            if form.trend != .none { state.trend += spread / 10 * next() }
            return try ExponentialSmoothing(form: form, parameters: parameters, initial: state)
        }
    }
}
