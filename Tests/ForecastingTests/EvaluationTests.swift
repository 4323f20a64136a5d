import Forecasting
import Foundation
import Randomness
import Testing

@Suite struct EvaluationTests {
    /// Computed by hand: errors 1, 2 and 3 on 10, 0 is absent, one gap; scale 2.
    @Test func measuresAreTheirDefinitions() throws {
        let training = try TimeSeries([1, 5, 3, 7, 5])
        let forecast = Forecast(
            points: [11, 18, 37, 50], standardErrors: [1, 1, 1, 1], lower: [9, 19, 30, 0], upper: [12, 30, 39, 1],
            level: 0.9)
        let measures = ErrorMeasures(forecast, actual: [10, 20, nil, 40], training: training, period: 2)
        #expect(measures.count == 3)
        #expect(measures.meanAbsoluteError == 13.0 / 3)
        #expect(abs((measures.rootMeanSquaredError ?? 0) - (105.0 / 3).squareRoot()) < 1e-12)
        #expect(abs((measures.meanAbsolutePercentageError ?? 0) - (10 + 10 + 25) / 3) < 1e-12)
        let symmetric = (200.0 / 21 + 400.0 / 38 + 2000.0 / 90) / 3
        #expect(abs((measures.symmetricPercentageError ?? 0) - symmetric) < 1e-12)
        // Differences two apart are all 2.
        #expect(abs((measures.meanAbsoluteScaledError ?? 0) - 13.0 / 6) < 1e-12)
        #expect(measures.coverage == 2.0 / 3)
    }

    @Test func measuresThatAreNotDefinedAreNil() throws {
        let constant = try TimeSeries([2, 2, 2])
        let forecast = Forecast(points: [1], standardErrors: [1], lower: [0], upper: [2], level: 0.5)
        let zero = ErrorMeasures(forecast, actual: [0], training: constant, period: 1)
        #expect(zero.meanAbsolutePercentageError == nil && zero.meanAbsoluteScaledError == nil)
        #expect(zero.meanAbsoluteError == 1 && zero.coverage == 1)
        let none = ErrorMeasures(forecast, actual: [nil], training: constant, period: 1)
        #expect(none.count == 0 && none.coverage == nil && none.rootMeanSquaredError == nil)
    }

    @Test func theNaiveForecastRepeatsTheSeason() throws {
        let series = try TimeSeries(observations: [1, 2, 3, 2, 4, nil])
        let forecast = try SeasonalNaive(period: 3).forecast(after: series, steps: 5)
        // The last value of the season is missing once, so the one of the season before it is taken.
        #expect(forecast.points == [2, 4, 3, 2, 4])
        let variance = (1.0 + 4) / 2
        let expected = [1, 1, 2, 2, 2].map { (variance * $0).squareRoot() }
        #expect(forecast.standardErrors == expected)
        #expect(throws: ForecastingError.self) { try SeasonalNaive(period: 6).forecast(after: series, steps: 1) }
        #expect(throws: ForecastingError.self) { try SeasonalNaive(period: 0) }
    }

    /// No origin sees a value that comes after it, and the last ends with the series.
    @Test func originsSeeOnlyThePast() throws {
        let series = try TimeSeries((0..<30).map(Double.init))
        let rolling = try RollingOrigin(origins: 4, horizon: 5, period: 1)
        var lengths: [Int] = []
        let result = try rolling.evaluate(series) { training in
            lengths.append(training.count)
            let points = (0..<5).map { Double(training.count + $0) }
            return Forecast(points: points, standardErrors: points, lower: points, upper: points, level: 0.9)
        }
        #expect(lengths == [10, 15, 20, 25])
        #expect(result.mean(\.meanAbsoluteError) == 0 && result.coverage == 1 && result.measures.count == 4)
        // Errors of 3 in one window and 4 in the other: the root of the mean of all squares, not the mean of roots.
        let ramp = try RollingOrigin(origins: 2, horizon: 1, period: 1).evaluate(series) { training in
            let point = Double(training.count) + (training.count == 28 ? 3 : 4)
            return Forecast(points: [point], standardErrors: [1], lower: [0], upper: [32], level: 0.9)
        }
        #expect(ramp.rootMeanSquaredError == 12.5.squareRoot())
        #expect(ramp.mean(\.rootMeanSquaredError) == 3.5 && ramp.coverage == 1)
        #expect(throws: ForecastingError.self) {
            try RollingOrigin(origins: 6, horizon: 5, period: 1).firstTraining(series)
        }
    }

    /// 400 series of known coefficients: a 90 % interval misses a value in ten. The standard error of each share is
    /// 1.5 points, and seeds are fixed.
    @Test func intervalsHoldWhatTheyPromise() throws {
        var generator = RandomGenerator(seed: 8)
        let model = try ARIMAModel(
            order: ARIMAOrder(.init(1, 0, 1), seasonal: .init(0, 1, 1), period: 4),
            coefficients: .init(autoregressive: [0.7], movingAverage: [-0.4], seasonalMovingAverage: [-0.6]),
            variance: 1)
        var (given, fitted, smoothed) = ([0, 0], [0, 0], [0, 0])
        let steps = [1, 8]
        for _ in 0..<400 {
            let whole = try Samples.seasonal(128, period: 4, generator: &generator)
            let training = try whole.prefix(120)
            let fit = try ARIMAModel.fit(training, order: model.order).model
            let smoothing = try ExponentialSmoothing.fit(training, form: SmoothingForm(trend: .none)).model
            let forecasts = [
                try model.forecast(after: training, steps: 8, level: 0.9),
                try fit.forecast(after: training, steps: 8, level: 0.9),
                try smoothing.forecast(after: training, steps: 8, level: 0.9, generator: &generator),
            ]
            for (index, step) in steps.enumerated() {
                let value = try #require(whole.observations[119 + step])
                func holds(_ forecast: Forecast) -> Int {
                    value >= forecast.lower[step - 1] && value <= forecast.upper[step - 1] ? 1 : 0
                }
                given[index] += holds(forecasts[0])
                fitted[index] += holds(forecasts[1])
                smoothed[index] += holds(forecasts[2])
            }
        }
        for index in steps.indices {
            #expect((340...380).contains(given[index]), "\(given)")
            // Estimated coefficients add errors that the intervals leave out.
            #expect((330...380).contains(fitted[index]), "\(fitted)")
        }
        // The wrong model for this series, so only near.
        #expect(smoothed[0] > 300, "\(smoothed)")
    }
}
