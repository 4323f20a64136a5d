import Forecasting
import Randomness
import Testing

/// What cannot be forecast is refused with a reason, and nothing crashes.
@Suite struct HostileInputTests {
    private static let constant = [Double](repeating: 7, count: 60)
    private static let line = (0..<60).map(Double.init)

    private static func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func seriesOfNothingAndNaN() throws {
        #expect(Self.message { _ = try TimeSeries([]) }.contains("no values"))
        #expect(Self.message { _ = try TimeSeries(observations: [nil, nil]) }.contains("no values"))
        #expect(Self.message { _ = try TimeSeries([1, .nan]) }.contains("value 2 of 2 is nan"))
        #expect(Self.message { _ = try TimeSeries([.infinity]) }.contains("value 1 of 1 is inf"))
        #expect(Self.message { _ = try TimeSeries([1]).prefix(2) }.contains("the series has 1"))
    }

    @Test func ordersOutOfRange() {
        #expect(Self.message { _ = try ARIMAOrder(-1, 0, 0) }.contains("out of range"))
        #expect(Self.message { _ = try ARIMAOrder(0, 4, 0) }.contains("out of range"))
        #expect(Self.message { _ = try ARIMAOrder(.init(0, 0, 0), seasonal: .init(1, 0, 0)) }.contains("period of 2"))
        #expect(Self.message { _ = try ARIMAOrder(.init(0, 0, 0), period: 0) }.contains("found 0"))
    }

    @Test func coefficientsThatMakeNoModel() throws {
        let order = try ARIMAOrder(1, 0, 1)
        func message(_ autoregressive: [Double], _ moving: [Double], _ variance: Double) -> String {
            Self.message {
                _ = try ARIMAModel(
                    order: order, coefficients: .init(autoregressive: autoregressive, movingAverage: moving),
                    variance: variance)
            }
        }
        #expect(message([0.5], [0.5], 1) == "no error")
        #expect(message([1], [0.5], 1).contains("not stationary"))
        #expect(message([0.5], [-1.2], 1).contains("not invertible"))
        #expect(message([0.5], [], 1).contains("needs 1 moving-average"))
        #expect(message([.nan], [0.5], 1).contains("not stationary"))
        #expect(message([0.5], [0.5], 0).contains("positive"))
    }

    @Test(arguments: [
        ([7, 7, 7, 7, 7, 7, 7, 7, 7, 7], 1, "constant"),
        ([1, 2], 1, "too short"),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1, "constant once"),
        ([1, 2, 3, 2, 1], 12, "less than two seasons"),
    ])
    func theSearchRefuses(values: [Double], period: Int, reason: String) throws {
        let series = try TimeSeries(values)
        #expect(Self.message { _ = try OrderSearch(period: period).fit(series) }.contains(reason))
    }

    @Test func fitsRefuseWhatTheyCannotFit() throws {
        let (constant, line) = (try TimeSeries(Self.constant), try TimeSeries(Self.line))
        let seasonal = try ARIMAOrder(.init(0, 1, 1), seasonal: .init(0, 1, 1), period: 60)
        func arima(_ series: TimeSeries, _ order: ARIMAOrder, mean: Bool = false) -> String {
            Self.message { _ = try ARIMAModel.fit(series, order: order, hasMean: mean) }
        }
        #expect(arima(constant, try ARIMAOrder(1, 0, 0)).contains("constant"))
        #expect(arima(line, try ARIMAOrder(1, 1, 0)).contains("constant once"))
        #expect(arima(line, seasonal).contains("needs more than 61"))
        #expect(arima(line, try ARIMAOrder(1, 2, 0), mean: true).contains("two or more differences"))
        #expect(arima(try TimeSeries([1, 2, 4]), try ARIMAOrder(2, 1, 2)).contains("leaves 2"))
        let scattered = try TimeSeries(observations: (0..<60).map { $0 % 3 == 0 ? nil : Double($0 % 7) })
        #expect(
            arima(scattered, try ARIMAOrder(.init(0, 0, 1), seasonal: .init(0, 1, 0), period: 12))
                .contains("12 values in a row"))
        let long = try TimeSeries(observations: [nil] + (0..<9000).map { Double($0 % 17) })
        let day = try ARIMAOrder(.init(1, 0, 0), seasonal: .init(1, 1, 0), period: 1440)
        #expect(arima(long, day).contains("fill the gaps"))
    }

    /// Lines and seasons without any noise but rounding's: what is fitted is finite, or refused.
    @Test func seriesWithoutNoise() throws {
        let season = (0..<80).map { Double([3, 1, 4, 1, 5, 9, 2, 6][$0 % 8]) }
        for values in [season, Self.line, season.map { $0 * 1e-200 }, season.map { $0 * 1e150 }] {
            let series = try TimeSeries(values)
            if let fit = try? OrderSearch(period: 8).fit(series) {
                #expect(try fit.model.forecast(after: series, steps: 9).points.allSatisfy(\.isFinite))
            }
            if let fit = try? ExponentialSmoothing.select(series, period: 8) {
                var generator = RandomGenerator(seed: 0)
                let forecast = try? fit.model.forecast(after: series, steps: 9, generator: &generator)
                #expect(forecast?.points.allSatisfy(\.isFinite) != false)
            }
        }
    }

    @Test func smoothingRefusesWhatItCannotFit() throws {
        func fit(_ values: [Double?], _ form: SmoothingForm) -> String {
            Self.message { _ = try ExponentialSmoothing.fit(TimeSeries(observations: values), form: form) }
        }
        let seasonal = try SmoothingForm(seasonality: .additive, period: 24)
        let ratio = try SmoothingForm(seasonality: .multiplicative, period: 4)
        #expect(fit(Self.constant, try SmoothingForm()).contains("constant"))
        #expect(fit([1, 2], try SmoothingForm()).contains("3 values"))
        #expect(fit(Array(Self.line.prefix(40)), seasonal).contains("two seasons, 48"))
        #expect(fit(Self.line, ratio).contains("value 1 is 0.0"))
        let gap = (0..<60).map { $0 % 24 == 5 ? nil : Double($0 % 24) }
        #expect(fit(gap, seasonal).contains("value 6 of the season"))
        #expect(Self.message { _ = try SmoothingForm(seasonality: .additive) }.contains("period"))
        #expect(Self.message { _ = try SmoothingForm(period: 4) }.contains("period"))
        let model = Self.message {
            _ = try ExponentialSmoothing(form: ratio, parameters: .init(level: 0.1), initial: .init(level: 1))
        }
        #expect(model.contains("needs 4 effects"))
    }

    @Test func forecastsOutOfRange() throws {
        let model = try ARIMAModel(order: ARIMAOrder(0, 1, 0), coefficients: .init(), variance: 1)
        let series = try TimeSeries(Self.line)
        #expect(Self.message { _ = try model.forecast(after: series, steps: 0) }.contains("found 0"))
        for level in [0, 1, -0.5, Double.nan] {
            let message = Self.message { _ = try model.forecast(after: series, steps: 1, level: level) }
            #expect(message.contains("between 0 and 1"))
        }
        #expect(
            Self.message { _ = try model.forecast(after: TimeSeries([1]), steps: 1) }.contains("needs more than 1"))
    }

    @Test func zerosHaveNoLogarithm() throws {
        let series = try TimeSeries(observations: [3, nil, 0])
        #expect(Self.message { _ = try Transformation.logarithm.applied(to: series) }.contains("value 3 is 0.0"))
    }
}
