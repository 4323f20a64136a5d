import Forecasting
import Randomness
import TestServers
import Testing

@Suite struct ARIMAFitTests {
    private static func airline() throws -> ARIMAOrder {
        try ARIMAOrder(.init(0, 1, 1), seasonal: .init(0, 1, 1), period: 12)
    }

    /// The figures of R's arima for log(AirPassengers), as its documentation and many textbooks print them.
    @Test func theAirlineModelHasItsPublishedCoefficients() throws {
        let fit = try ARIMAModel.fit(Samples.logAirPassengers(), order: Self.airline())
        let coefficients = fit.model.coefficients
        #expect(abs(coefficients.movingAverage[0] + 0.4018324) < 1e-3)
        #expect(abs(coefficients.seasonalMovingAverage[0] + 0.5569342) < 1e-3)
        #expect(abs(fit.model.variance.squareRoot() - 0.0367167) < 1e-4)
        #expect(abs(fit.logLikelihood - 244.69651) < 1e-3)
        #expect(abs(fit.aic + 483.39) < 0.01 && fit.count == 131)
        #expect(abs(try fit.model.logLikelihood(of: Samples.logAirPassengers()) - fit.logLikelihood) < 1e-9)
    }

    /// Fitted to the first ten years, the model takes its variance from the last two as well; no other is as likely.
    @Test func theVarianceFollowsTheSeries() throws {
        let series = try Samples.logAirPassengers()
        let model = try ARIMAModel.fit(series.prefix(120), order: Self.airline()).model
        #expect(abs(try model.withVariance(of: series.prefix(120)).variance / model.variance - 1) < 1e-9)
        let moved = try model.withVariance(of: series)
        #expect(moved.coefficients == model.coefficients && moved.variance != model.variance)
        for factor in [0.98, 1.02] {
            let other = try ARIMAModel(
                order: model.order, coefficients: model.coefficients, variance: factor * moved.variance)
            #expect(try other.logLikelihood(of: series) < moved.logLikelihood(of: series))
        }
    }

    /// No fit may be worse than the best that statsmodels finds.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func fitsAreAsLikelyAsThoseOfStatsmodels() throws {
        let reference = try Reference.values(
            """
            from statsmodels.tsa.statespace.sarimax import SARIMAX
            y = np.log(np.loadtxt(sys.argv[1], delimiter=',', skiprows=1, usecols=1))
            z = y.copy()
            z[[20, 55, 56, 100]] = np.nan
            def best(z, order, seasonal, trend=None):
                model = SARIMAX(z, order=order, seasonal_order=seasonal, trend=trend, simple_differencing=True)
                return max(model.fit(disp=0, maxiter=500, method=m).llf for m in ('lbfgs', 'bfgs', 'powell'))
            print(json.dumps(dict(likelihoods=[
                best(y, (2,1,1), (0,1,1,12)), best(y, (1,1,0), (1,0,1,12)),
                best(y, (1,0,1), (1,0,0,12), 'c'), best(z, (1,0,1), (1,0,0,12), 'c')])))
            """, [Samples.airPassengersFile])
        let series = try Samples.logAirPassengers()
        let gapped = try Samples.without([20, 55, 56, 100], series)
        func fit(_ series: TimeSeries, _ terms: ARIMAOrder.Terms, _ seasonal: ARIMAOrder.Terms, _ mean: Bool) throws
            -> Double
        {
            try ARIMAModel.fit(series, order: ARIMAOrder(terms, seasonal: seasonal, period: 12), hasMean: mean)
                .logLikelihood
        }
        let found = [
            try fit(series, .init(2, 1, 1), .init(0, 1, 1), false),
            try fit(series, .init(1, 1, 0), .init(1, 0, 1), false),
            try fit(series, .init(1, 0, 1), .init(1, 0, 0), true),
            try fit(gapped, .init(1, 0, 1), .init(1, 0, 0), true),
        ]
        let expected = try #require(reference["likelihoods"])
        for (likelihood, best) in zip(found, expected) { #expect(likelihood > best - 1e-2, "\(found) \(expected)") }
    }

    /// Both filters, on one series: a value missing before all others takes nothing away.
    @Test func bothFiltersAgree() throws {
        let series = try Samples.logAirPassengers()
        let padded = try TimeSeries(observations: [nil] + series.observations)
        let order = try ARIMAOrder(.init(2, 1, 1), seasonal: .init(1, 0, 1), period: 12)
        let (fit, other) = (
            try ARIMAModel.fit(series, order: order, hasMean: true),
            try ARIMAModel.fit(padded, order: order, hasMean: true)
        )
        #expect(abs(fit.logLikelihood - other.logLikelihood) < 1e-5)
        #expect(abs(try fit.model.logLikelihood(of: padded) - fit.logLikelihood) < 1e-7)
        let (one, two) = (
            try fit.model.forecast(after: series, steps: 30), try fit.model.forecast(after: padded, steps: 30)
        )
        #expect(Reference.distance(one.points, two.points) < 1e-9)
        #expect(Reference.distance(one.standardErrors, two.standardErrors) < 1e-7)
    }

    /// A season of a day of minutes: a dense filter would update two million covariances 10,000 times.
    @Test(arguments: [24, 1440])
    func longSeriesFindTheirCoefficients(period: Int) throws {
        var generator = RandomGenerator(seed: 11)
        let series = try Samples.seasonal(10_000, period: period, generator: &generator)
        let order = try ARIMAOrder(.init(1, 0, 1), seasonal: .init(0, 1, 1), period: period)
        let model = try ARIMAModel.fit(series, order: order).model
        #expect(abs(model.coefficients.autoregressive[0] - 0.7) < 0.06)
        #expect(abs(model.coefficients.movingAverage[0] + 0.4) < 0.08)
        #expect(abs(model.coefficients.seasonalMovingAverage[0] + 0.6) < 0.06)
        #expect(abs(model.variance - 1) < 0.06)
        let forecast = try model.forecast(after: series, steps: 2 * period)
        #expect(forecast.standardErrors.allSatisfy { $0 > 0.9 && $0 < 2 })
    }

    @Test func theSearchFindsTheAirlineModel() throws {
        for approximate in [true, false] {
            var search = try OrderSearch(period: 12)
            search.isApproximate = approximate
            let fit = try search.fit(Samples.logAirPassengers())
            #expect(fit.model.order == (try Self.airline()))
            // auto.arima of R's forecast package prints AICc = -483.21.
            #expect(abs(fit.aicc + 483.21) < 0.01)
        }
    }

    @Test func theSearchTakesNoTermsForNoise() throws {
        var generator = RandomGenerator(seed: 4)
        let noise = try TimeSeries((0..<400).map { _ in 50 + generator.normal() })
        let fit = try OrderSearch().fit(noise)
        #expect(fit.model.order.terms.d == 0 && fit.model.order.coefficientCount <= 1)
        #expect(abs((fit.model.coefficients.mean ?? 0) - 50) < 0.3)
        var sum = 0.0
        let walk = try TimeSeries(
            (0..<400).map { _ in
                sum += generator.normal()
                return sum
            })
        #expect(try OrderSearch().fit(walk).model.order.terms.d == 1)
    }
}
