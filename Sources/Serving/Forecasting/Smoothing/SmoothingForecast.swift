import Foundation
public import Randomness

extension ExponentialSmoothing {
    /// What is expected after a series. Where the form is linear, the errors' variance is σ² (1 + Σ cⱼ²) with
    /// cⱼ = α + β (φ + … + φʲ) + γ·[j is a multiple of the period] (Hyndman et al. 2008, table 6.2). Other forms go on
    /// `paths` times with normal errors drawn from `generator`; bounds are quantiles of the paths, points what the
    /// recursion gives without errors.
    /// - Parameters:
    ///   - series: the values, from the first on that `initial` precedes.
    ///   - steps: how far.
    ///   - level: probability of the intervals, in (0, 1).
    ///   - generator: draws the errors; untouched by linear forms.
    ///   - paths: how many, 100 or more.
    /// - Throws: `ForecastingError` as `run(over:)`, and for steps, level or paths out of range.
    public func forecast(
        after series: TimeSeries, steps: Int, level: Double = 0.95, generator: inout RandomGenerator,
        paths: Int = 5000
    ) throws -> Forecast {
        try Forecast.check(steps: steps, level: level)
        let run = try run(over: series)
        var recursion = SmoothingRecursion(form, parameters, run.state)
        let points = (0..<steps).map { _ in
            defer { recursion.update(error: 0) }
            return recursion.expected
        }
        guard !form.isLinear else {
            return Forecast(
                points: points, standardErrors: effects(steps).map { ($0 * run.variance).squareRoot() }, level: level)
        }
        guard paths >= 100 else { throw ForecastingError("intervals need 100 simulated paths or more, found \(paths)") }
        return try simulated(points, run, level: level, generator: &generator, paths: paths)
    }

    /// 1, 1 + c₁², 1 + c₁² + c₂², …
    private func effects(_ steps: Int) -> [Double] {
        let damping = form.trend == .damped ? parameters.damping : 1
        let trend = form.trend == .none ? 0 : parameters.trend
        var (sum, power, powers) = (1.0, 1.0, 0.0)
        return (0..<steps).map { step in
            guard step > 0 else { return 1 }
            power *= damping
            powers += power
            var effect = parameters.level + trend * powers
            if form.seasonality != .none, step % form.period == 0 { effect += parameters.season }
            sum += effect * effect
            return sum
        }
    }

    private func simulated(
        _ points: [Double], _ run: Run, level: Double, generator: inout RandomGenerator, paths: Int
    ) throws -> Forecast {
        let deviation = run.variance.squareRoot()
        var values = [[Double]](repeating: [], count: points.count)
        for _ in 0..<paths {
            var recursion = SmoothingRecursion(form, parameters, run.state)
            for step in points.indices {
                let expected = recursion.expected
                let error = deviation * generator.normal() * (form.error == .multiplicative ? expected : 1)
                recursion.update(error: error)
                // A path that has left the range of numbers says nothing any more.
                if expected.isFinite { values[step].append(expected + error) }
            }
        }
        var (errors, lower, upper): ([Double], [Double], [Double]) = ([], [], [])
        for step in points.indices {
            let sorted = values[step].filter(\.isFinite).sorted()
            guard sorted.count >= paths / 2, points[step].isFinite else {
                throw ForecastingError(
                    "the forecast \(step + 1) steps on has no finite variance; take an additive form or fewer steps")
            }
            let mean = sorted.reduce(0, +) / Double(sorted.count)
            let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            errors.append((squares / Double(sorted.count - 1)).squareRoot())
            lower.append(Statistics.quantile((1 - level) / 2, of: sorted))
            upper.append(Statistics.quantile((1 + level) / 2, of: sorted))
        }
        return Forecast(points: points, standardErrors: errors, lower: lower, upper: upper, level: level)
    }
}
