import Forecasting
import Foundation
import Randomness
import Testing

/// Forecasts whose errors are known on paper.
@Suite struct ClosedFormTests {
    private let series: TimeSeries

    init() throws {
        var generator = RandomGenerator(seed: 1)
        series = try TimeSeries((0..<60).map { _ in 10 + generator.normal() })
    }

    /// Variance σ² (1 − φ²ʰ) / (1 − φ²), mean μ + φʰ (y − μ).
    @Test func anAutoregressionForgetsExponentially() throws {
        let model = try ARIMAModel(
            order: ARIMAOrder(1, 0, 0), coefficients: .init(autoregressive: [0.8], mean: 9), variance: 2.5)
        let forecast = try model.forecast(after: series, steps: 20, level: 0.9)
        let last = try #require(series.observed.last)
        for step in 1...20 {
            let power = pow(0.8, Double(step))
            let error = (2.5 * (1 - power * power) / (1 - 0.64)).squareRoot()
            #expect(abs(forecast.points[step - 1] - (9 + power * (last - 9))) < 1e-12)
            #expect(abs(forecast.standardErrors[step - 1] - error) < 1e-12)
            // 1.6448536269514722 is the normal's 0.95 quantile.
            #expect(abs(forecast.upper[step - 1] - forecast.points[step - 1] - 1.6448536269514722 * error) < 1e-12)
            #expect(abs(forecast.lower[step - 1] - forecast.points[step - 1] + 1.6448536269514722 * error) < 1e-12)
        }
    }

    @Test func aRandomWalkStaysWhereItIs() throws {
        let model = try ARIMAModel(order: ARIMAOrder(0, 1, 0), coefficients: .init(), variance: 4)
        let drifting = try ARIMAModel(order: ARIMAOrder(0, 1, 0), coefficients: .init(mean: 0.5), variance: 4)
        let (still, moved) = (
            try model.forecast(after: series, steps: 9), try drifting.forecast(after: series, steps: 9)
        )
        let last = try #require(series.observed.last)
        for step in 1...9 {
            #expect(abs(still.points[step - 1] - last) < 1e-12)
            #expect(abs(moved.points[step - 1] - last - 0.5 * Double(step)) < 1e-12)
            #expect(abs(still.standardErrors[step - 1] - 2 * Double(step).squareRoot()) < 1e-12)
        }
    }

    /// ARIMA(0,1,1) with θ = α − 1 is simple exponential smoothing: σ² (1 + (h − 1) α²).
    @Test func bothFamiliesMeetInSimpleSmoothing() throws {
        let model = try ARIMAModel(
            order: ARIMAOrder(0, 1, 1), coefficients: .init(movingAverage: [-0.6]), variance: 1)
        let arima = try model.forecast(after: series, steps: 12)
        let smoothing = try ExponentialSmoothing(
            form: SmoothingForm(), parameters: .init(level: 0.4), initial: .init(level: series.observed[0]))
        var generator = RandomGenerator(seed: 0)
        let untouched = generator
        let other = try smoothing.forecast(after: series, steps: 12, generator: &generator)
        #expect(generator == untouched)
        let deviation = try smoothing.run(over: series).variance.squareRoot()
        for step in 0..<12 {
            #expect(abs(arima.points[step] - other.points[step]) < 1e-8)
            let error = (1 + 0.16 * Double(step)).squareRoot()
            #expect(abs(arima.standardErrors[step] - error) < 1e-9)
            #expect(abs(other.standardErrors[step] / deviation - error) < 1e-9)
        }
    }

    @Test func logarithmsAreNeverNegative() throws {
        let small = try TimeSeries(series.observed.map { exp($0 - 12) })
        let logs = try Transformation.logarithm.applied(to: small)
        let model = try ARIMAModel.fit(logs, order: ARIMAOrder(0, 1, 1)).model
        let onLogs = try model.forecast(after: logs, steps: 50)
        let forecast = Transformation.logarithm.undone(onLogs)
        #expect(forecast.lower.allSatisfy { $0 > 0 })
        for step in 0..<50 {
            #expect(abs(log(forecast.upper[step]) - onLogs.upper[step]) < 1e-12)
            #expect(forecast.lower[step] < forecast.points[step] && forecast.points[step] < forecast.upper[step])
        }
        let huge = Forecast(points: [900], standardErrors: [1], lower: [898], upper: [902], level: 0.95)
        #expect(Transformation.logarithm.undone(huge).upper[0].isFinite)
    }
}
