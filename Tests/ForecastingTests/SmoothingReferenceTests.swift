import Forecasting
import Randomness
import TestServers
import Testing

/// Exponential smoothing against statsmodels.
@Suite(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
struct SmoothingReferenceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var error: SmoothingForm.ErrorKind
        var trend: SmoothingForm.Trend
        var seasonality: SmoothingForm.Seasonality
        /// The call of the program below: error, trend, damped_trend and seasonal of statsmodels' ETSModel. Where the
        /// season is multiplicative that model smooths by the new level and not, as it documents, by the expected one;
        /// its older ExponentialSmoothing does.
        var call: String
    }

    static let cases = [
        Case(
            testDescription: "simple", error: .additive, trend: .none, seasonality: .none,
            call: "result('add', None, False, None)"),
        Case(
            testDescription: "Holt", error: .additive, trend: .additive, seasonality: .none,
            call: "result('add', 'add', False, None)"),
        Case(
            testDescription: "damped", error: .multiplicative, trend: .damped, seasonality: .none,
            call: "result('mul', 'add', True, None)"),
        Case(
            testDescription: "seasonal", error: .additive, trend: .none, seasonality: .additive,
            call: "result('add', None, False, 'add')"),
        Case(
            testDescription: "Winters", error: .additive, trend: .additive, seasonality: .additive,
            call: "result('add', 'add', False, 'add')"),
        Case(
            testDescription: "damped Winters", error: .additive, trend: .damped, seasonality: .additive,
            call: "result('add', 'add', True, 'add')"),
        Case(
            testDescription: "multiplicative Winters", error: .additive, trend: .additive,
            seasonality: .multiplicative, call: "winters('add', False)"),
        Case(
            testDescription: "damped multiplicative Winters", error: .multiplicative, trend: .damped,
            seasonality: .multiplicative, call: "winters('mul', True)"),
        Case(
            testDescription: "additive season, multiplicative errors", error: .multiplicative, trend: .additive,
            seasonality: .additive, call: "result('mul', 'add', False, 'add')"),
    ]

    private static let program = """
        import pandas as pd
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel
        y = pd.Series(np.loadtxt(sys.argv[1], delimiter=',', skiprows=1, usecols=1))
        from statsmodels.tsa.api import ExponentialSmoothing
        def smoothed(z, damped):
            model = ExponentialSmoothing(z, trend='add', damped_trend=damped, seasonal='mul', seasonal_periods=12,
                                         initialization_method='known', initial_level=120., initial_trend=1.5,
                                         initial_seasonal=0.89 + 0.02 * np.arange(12))
            fit = model.fit(smoothing_level=.4, smoothing_trend=.05 / .4, smoothing_seasonal=.3,
                            damping_trend=.95 if damped else None, optimized=False)
            return np.asarray(fit.fittedvalues)
        def winters(error, damped):
            expected = smoothed(y, damped)
            e = (y - expected) / (expected if error == 'mul' else 1)
            likelihood = -72 * (np.log(2 * np.pi * np.mean(e**2)) + 1)
            likelihood -= np.sum(np.log(expected)) if error == 'mul' else 0
            # Its forecast leaves the last value out of the season; what it expects of the next value does not.
            z = list(y)
            for _ in range(30):
                z.append(smoothed(np.array(z + [1.]), damped)[-1])
            print(json.dumps(dict(likelihood=[likelihood], variance=[np.mean(e**2)], fitted=list(expected),
                                  points=z[144:])))
        def result(error, trend, damped, seasonal):
            season = np.arange(12) - 5.5 if seasonal else None
            model = ETSModel(y, error=error, trend=trend, damped_trend=damped, seasonal=seasonal,
                             seasonal_periods=12 if seasonal else None, initialization_method='known',
                             initial_level=120., initial_trend=1.5 if trend else None, initial_seasonal=season)
            params = [.4] + ([.05] if trend else []) + ([.3] if seasonal else []) + ([.95] if damped else [])
            fit = model.smooth(params)
            out = dict(likelihood=[fit.llf], fitted=list(fit.fittedvalues), points=list(fit.forecast(30)),
                       variance=[fit.scale])
            if error == 'add':
                out['variances'] = list(fit.get_prediction(start=144, end=173).forecast_variance)
            print(json.dumps(out))

        """

    private static func model(_ test: Case) throws -> ExponentialSmoothing {
        let period = test.seasonality == .none ? 1 : 12
        let season: [Double] =
            switch test.seasonality {
            case .none: []
            case .additive: (0..<12).map { Double($0) - 5.5 }
            case .multiplicative: (0..<12).map { 0.89 + 0.02 * Double($0) }
            }
        return try ExponentialSmoothing(
            form: SmoothingForm(error: test.error, trend: test.trend, seasonality: test.seasonality, period: period),
            parameters: SmoothingParameters(level: 0.4, trend: 0.05, season: 0.3, damping: 0.95),
            initial: SmoothingState(level: 120, trend: 1.5, season: season))
    }

    @Test(arguments: cases)
    func runsAndForecastsAreThoseOfStatsmodels(test: Case) throws {
        let reference = try Reference.values(
            Self.program + test.call, [Samples.airPassengersFile])
        let (model, series) = (try Self.model(test), try Samples.airPassengers())
        let run = try model.run(over: series)
        #expect(Reference.distance([run.logLikelihood], reference["likelihood"]) < 1e-9)
        #expect(Reference.distance([run.variance], reference["variance"]) < 1e-9)
        #expect(Reference.distance(run.fitted, reference["fitted"]) < 1e-9)
        var generator = RandomGenerator(seed: 7)
        let forecast = try model.forecast(after: series, steps: 30, generator: &generator)
        // statsmodels' ExponentialSmoothing forgets the last observation in the season that it belongs to: every twelfth
        // step is then that of a series without it.
        let kept = forecast.points.indices.filter { test.seasonality != .multiplicative || ($0 + 1) % 12 != 0 }
        let points = try #require(reference["points"])
        #expect(points.count == 30)
        #expect(Reference.distance(kept.map { forecast.points[$0] }, kept.map { points[$0] }) < 1e-9)
        if let variances = reference["variances"] {
            #expect(Reference.distance(forecast.standardErrors.map { $0 * $0 }, variances) < 1e-6)
        } else {
            #expect(!model.form.isLinear)
        }
    }

    /// What statsmodels' own tests ask of it: the air series by Holt's method with α = 0.8 and β* = 0.2, the oil series
    /// by simple smoothing with α = 0.2, 0.6, and fitted.
    @Test func theTextbookSeriesAreThoseOfStatsmodelsTests() throws {
        let reference = try Reference.values(
            """
            from statsmodels.tsa.api import Holt, SimpleExpSmoothing
            oil, air = json.loads(sys.argv[1]), json.loads(sys.argv[2])
            how = dict(initialization_method='legacy-heuristic')
            holt = Holt(np.array(air), **how).fit(smoothing_level=.8, smoothing_trend=.2, optimized=False)
            simple = [SimpleExpSmoothing(np.array(oil), **how).fit(a, optimized=False) for a in (.2, .6)]
            best = SimpleExpSmoothing(np.array(oil), initialization_method='estimated').fit()
            print(json.dumps(dict(
                holt=list(holt.forecast(5)), fitted=list(holt.fittedvalues),
                simple=[float(s.forecast(1)[0]) for s in simple], best=[float(best.forecast(1)[0])],
                parameters=[best.params['smoothing_level'], best.params['initial_level']])))
            """, ["\(Samples.oil)", "\(Samples.air)"])
        var generator = RandomGenerator(seed: 0)
        let (oil, air) = (try TimeSeries(Samples.oil), try TimeSeries(Samples.air))
        // Their heuristics start from the first value and the first difference; β = α β*.
        let holt = try ExponentialSmoothing(
            form: SmoothingForm(trend: .additive), parameters: .init(level: 0.8, trend: 0.16),
            initial: .init(level: Samples.air[0], trend: Samples.air[1] - Samples.air[0]))
        let forecast = try holt.forecast(after: air, steps: 5, generator: &generator)
        #expect(Reference.distance(forecast.points, reference["holt"]) < 1e-9)
        #expect(Reference.distance(forecast.points, [43.76, 45.59, 47.43, 49.27, 51.10]) < 2e-4)
        #expect(Reference.distance(try holt.run(over: air).fitted, reference["fitted"]) < 1e-9)
        let simple = try [0.2, 0.6].map { level in
            try ExponentialSmoothing(
                form: SmoothingForm(), parameters: .init(level: level), initial: .init(level: Samples.oil[0])
            ).forecast(after: oil, steps: 1, generator: &generator).points[0]
        }
        #expect(Reference.distance(simple, reference["simple"]) < 1e-9)
        #expect(Reference.distance(simple, [484.802468, 501.837461]) < 1e-8)
        let fit = try ExponentialSmoothing.fit(oil, form: SmoothingForm())
        let found = try fit.model.forecast(after: oil, steps: 1, generator: &generator).points
        #expect(Reference.distance(found, reference["best"]) < 1e-4)
        #expect(Reference.distance(found, [496.493543]) < 1e-4)
        #expect(
            Reference.distance([fit.model.parameters.level, fit.model.initial.level], reference["parameters"]) < 1e-3)
    }

    /// With the same initial season, a fit within the same bounds leaves no larger a sum of squares.
    @Test func fitsAreAsGoodAsThoseOfStatsmodels() throws {
        let series = try Samples.airPassengers()
        let form = try SmoothingForm(trend: .damped, seasonality: .additive, period: 12)
        let fit = try ExponentialSmoothing.fit(series, form: form)
        let reference = try Reference.values(
            """
            import pandas as pd
            from scipy.optimize import minimize
            from statsmodels.tsa.exponential_smoothing.ets import ETSModel
            y = pd.Series(np.loadtxt(sys.argv[1], delimiter=',', skiprows=1, usecols=1))
            season = np.array(json.loads(sys.argv[2]))
            def cost(x):
                a = x[0]
                model = ETSModel(y, error='add', trend='add', damped_trend=True, seasonal='add', seasonal_periods=12,
                                 initialization_method='known', initial_level=x[4], initial_trend=x[5],
                                 initial_seasonal=season)
                return model.smooth([a, a * x[1], (1 - a) * x[2], x[3]]).scale
            e = 1e-6
            bounds = [(e, 1 - e)] * 3 + [(.8, .98), (0, 300), (-20, 20)]
            best = min(minimize(cost, [a, .1, .5, .97, 120, 2], bounds=bounds, method='L-BFGS-B').fun
                       for a in (.1, .3, .7))
            print(json.dumps(dict(variance=[best])))
            """, [Samples.airPassengersFile, "\(fit.model.initial.season)"])
        let best = try #require(reference["variance"]?.first)
        #expect(fit.variance < best * 1.002, "\(fit.variance) \(best)")
    }

    /// Simulated intervals of a linear form's errors agree with its closed form up to what chance leaves.
    @Test func simulationsAgreeWithTheClosedFormWhereErrorsAreSmall() throws {
        // Relative errors of a thousandth or so: multiplicative errors are then additive ones.
        let values = (0..<40).map { 1000 + Double($0 % 3) }
        let series = try TimeSeries(values)
        func forecast(_ error: SmoothingForm.ErrorKind) throws -> Forecast {
            var generator = RandomGenerator(seed: 4)
            return try ExponentialSmoothing(
                form: SmoothingForm(error: error), parameters: .init(level: 0.5), initial: .init(level: 1001)
            ).forecast(after: series, steps: 10, generator: &generator, paths: 20_000)
        }
        let (closed, simulated) = (try forecast(.additive), try forecast(.multiplicative))
        #expect(Reference.distance(simulated.standardErrors, closed.standardErrors) < 0.03)
        #expect(Reference.distance(simulated.points, closed.points) < 1e-12)
        for step in 0..<10 {
            #expect(abs(simulated.lower[step] - closed.lower[step]) < 0.1 * closed.standardErrors[step])
            #expect(abs(simulated.upper[step] - closed.upper[step]) < 0.1 * closed.standardErrors[step])
        }
        #expect(try forecast(.multiplicative) == simulated, "equal seeds give equal intervals")
    }
}
