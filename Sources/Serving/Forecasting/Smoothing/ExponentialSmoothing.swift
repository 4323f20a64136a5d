import Foundation

/// Exponential smoothing with all its numbers, as a state-space model with one source of error (Hyndman et al. 2008).
public struct ExponentialSmoothing: Sendable, Equatable {
    /// Its form.
    public let form: SmoothingForm
    /// Its smoothing parameters.
    public let parameters: SmoothingParameters
    /// The state before the first value.
    public let initial: SmoothingState

    /// A model.
    /// - Throws: `ForecastingError` when the season has another length than the period, a number is not finite, or a
    ///   multiplicative season has effects of 0 or less.
    public init(form: SmoothingForm, parameters: SmoothingParameters, initial: SmoothingState) throws {
        let length = form.seasonality == .none ? 0 : form.period
        guard initial.season.count == length else {
            throw ForecastingError("the initial season needs \(length) effects, found \(initial.season.count)")
        }
        let numbers =
            [
                parameters.level, parameters.trend, parameters.season, parameters.damping, initial.level, initial.trend,
            ] + initial.season
        guard numbers.allSatisfy(\.isFinite) else {
            throw ForecastingError("a smoothing parameter or a part of the initial state is not finite")
        }
        guard form.seasonality != .multiplicative || initial.season.allSatisfy({ $0 > 0 }) else {
            throw ForecastingError("a multiplicative season needs positive effects")
        }
        (self.form, self.parameters, self.initial) = (form, parameters, initial)
    }

    /// What a run over a series leaves.
    public struct Run: Sendable, Equatable {
        /// The expectation of each value before it was seen.
        public let fitted: [Double]
        /// The state after the last value.
        public let state: SmoothingState
        /// The mean of the squared errors; of the relative errors where errors are multiplicative.
        public let variance: Double
        /// The Gaussian log-likelihood at that variance, given the initial state (Hyndman et al. 2008, section 5.1).
        public let logLikelihood: Double
        /// Values that were observed.
        public let count: Int
    }

    /// Runs over a series. A missing value changes no state but the trend's course: it is taken for what was expected.
    /// - Throws: `ForecastingError` when values must be positive and are not, or the recursion leaves the range of
    ///   numbers.
    public func run(over series: TimeSeries) throws -> Run {
        try Self.check(series, form)
        guard let (sums, recursion, fitted) = pass(over: series, keeping: true) else {
            throw ForecastingError(
                "the smoothing recursion leaves the range in which it is defined; the parameters do not suit the "
                    + "series")
        }
        return Run(
            fitted: fitted, state: recursion.state, variance: sums.variance, logLikelihood: sums.logLikelihood,
            count: sums.count)
    }

    static func check(_ series: TimeSeries, _ form: SmoothingForm) throws {
        guard form.needsPositiveValues else { return }
        for (index, value) in series.observations.enumerated() {
            if let value, value <= 0 {
                throw ForecastingError(
                    "value \(index + 1) is \(value), and multiplicative errors or seasons need positive values; take "
                        + "an additive form")
            }
        }
    }

    struct Sums {
        var count = 0
        var squares = 0.0
        var logarithms = 0.0

        var variance: Double { squares / Double(max(1, count)) }
        var logLikelihood: Double {
            -Double(count) / 2 * (log(2 * .pi * variance) + 1) - logarithms
        }
    }

    /// `nil` where a multiplicative error meets an expectation of 0 or less, or numbers overflow.
    func pass(over series: TimeSeries, keeping: Bool) -> (Sums, SmoothingRecursion, [Double])? {
        var recursion = SmoothingRecursion(form, parameters, initial)
        var sums = Sums()
        var fitted: [Double] = []
        if keeping { fitted.reserveCapacity(series.count) }
        for value in series.observations {
            let expected = recursion.expected
            guard expected.isFinite, !form.needsPositiveValues || expected > 0 else { return nil }
            if keeping { fitted.append(expected) }
            guard let value else {
                recursion.update(error: 0)
                continue
            }
            let error = value - expected
            sums.count += 1
            if form.error == .multiplicative {
                sums.squares += (error / expected) * (error / expected)
                sums.logarithms += log(expected)
            } else {
                sums.squares += error * error
            }
            recursion.update(error: error)
        }
        return sums.squares.isFinite ? (sums, recursion, fitted) : nil
    }
}
