import Forecasting
import TestServers
import Testing

/// Likelihoods and forecasts at given coefficients, against statsmodels.
@Suite(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
struct ARIMAReferenceTests {
    static let prologue = """
        from statsmodels.tsa.statespace.sarimax import SARIMAX
        y = np.log(np.loadtxt(sys.argv[1], delimiter=',', skiprows=1, usecols=1))
        def result(order, seasonal, params, gaps=(), steps=30, trend=None):
            z = y.copy()
            z[list(gaps)] = np.nan
            d = order[1] + seasonal[1]
            model = SARIMAX(z, order=order, seasonal_order=seasonal, trend=trend, use_exact_diffuse=d > 0)
            forecast = model.smooth(params).get_forecast(steps)
            simple = SARIMAX(z, order=order, seasonal_order=seasonal, trend=trend, simple_differencing=True)
            print(json.dumps(dict(likelihood=[simple.loglike(params)], points=list(forecast.predicted_mean),
                                  errors=list(forecast.se_mean))))

        """

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var program: String
        var order: ARIMAOrder.Terms
        var seasonal: ARIMAOrder.Terms
        var coefficients: ARIMACoefficients
        var variance: Double
        var gaps: [Int] = []
    }

    static let cases = [
        Case(
            testDescription: "airline", program: "result((0,1,1), (0,1,1,12), [-.4, -.55, .0013])",
            order: .init(0, 1, 1), seasonal: .init(0, 1, 1),
            coefficients: .init(movingAverage: [-0.4], seasonalMovingAverage: [-0.55]), variance: 0.0013),
        Case(
            testDescription: "all terms", program: "result((2,1,2), (1,1,2,12), [.3,.2,-.5,.1,.2,-.4,-.1,.0015])",
            order: .init(2, 1, 2), seasonal: .init(1, 1, 2),
            coefficients: .init(
                autoregressive: [0.3, 0.2], movingAverage: [-0.5, 0.1], seasonalAutoregressive: [0.2],
                seasonalMovingAverage: [-0.4, -0.1]), variance: 0.0015),
        Case(
            testDescription: "mean", program: "result((2,0,1), (1,0,0,12), [5.4*.2*.6,.5,.3,-.2,.4,.01], trend='c')",
            order: .init(2, 0, 1), seasonal: .init(1, 0, 0),
            coefficients: .init(
                autoregressive: [0.5, 0.3], movingAverage: [-0.2], seasonalAutoregressive: [0.4], mean: 5.4),
            variance: 0.01),
        Case(
            testDescription: "drift", program: "result((1,1,0), (0,0,1,12), [.01*.7,.3,.5,.008], trend='c')",
            order: .init(1, 1, 0), seasonal: .init(0, 0, 1),
            coefficients: .init(autoregressive: [0.3], seasonalMovingAverage: [0.5], mean: 0.01), variance: 0.008),
        Case(
            testDescription: "two differences", program: "result((1,2,2), (0,0,0,0), [.2,-.9,.1,.01])",
            order: .init(1, 2, 2), seasonal: .init(0, 0, 0),
            coefficients: .init(autoregressive: [0.2], movingAverage: [-0.9, 0.1]), variance: 0.01),
        Case(
            testDescription: "close to the unit circle",
            program: "result((1,0,1), (1,0,1,12), [5.4*.01*.05,.99,-.3,.95,-.6,.002], trend='c')",
            order: .init(1, 0, 1), seasonal: .init(1, 0, 1),
            coefficients: .init(
                autoregressive: [0.99], movingAverage: [-0.3], seasonalAutoregressive: [0.95],
                seasonalMovingAverage: [-0.6], mean: 5.4), variance: 0.002),
    ]

    private static func model(_ test: Case) throws -> ARIMAModel {
        let period = test.seasonal == .init(0, 0, 0) ? 1 : 12
        return try ARIMAModel(
            order: ARIMAOrder(test.order, seasonal: test.seasonal, period: period), coefficients: test.coefficients,
            variance: test.variance)
    }

    @Test(arguments: cases)
    func likelihoodsAndForecastsAreThoseOfStatsmodels(test: Case) throws {
        let reference = try Reference.values(Self.prologue + test.program, [Samples.airPassengersFile])
        let (model, series) = (try Self.model(test), try Samples.logAirPassengers())
        #expect(Reference.distance([try model.logLikelihood(of: series)], reference["likelihood"]) < 1e-8)
        let forecast = try model.forecast(after: series, steps: 30)
        #expect(Reference.distance(forecast.points, reference["points"]) < 1e-7)
        #expect(Reference.distance(forecast.standardErrors, reference["errors"]) < 1e-6)
    }

    static let gapped = [
        Case(
            testDescription: "stationary, gaps everywhere",
            program:
                "result((2,0,1), (1,0,0,12), [5.4*.2*.6,.5,.3,-.2,.4,.01], (0,3,30,31,32,140,143), trend='c')",
            order: .init(2, 0, 1), seasonal: .init(1, 0, 0),
            coefficients: .init(
                autoregressive: [0.5, 0.3], movingAverage: [-0.2], seasonalAutoregressive: [0.4], mean: 5.4),
            variance: 0.01, gaps: [0, 3, 30, 31, 32, 140, 143]),
        Case(
            testDescription: "differenced, a gap at the end",
            program: "result((1,1,1), (0,1,1,12), [.3,-.5,-.4,.0015], (30,31,32,80,140,143))",
            order: .init(1, 1, 1), seasonal: .init(0, 1, 1),
            coefficients: .init(autoregressive: [0.3], movingAverage: [-0.5], seasonalMovingAverage: [-0.4]),
            variance: 0.0015, gaps: [30, 31, 32, 80, 140, 143]),
        Case(
            testDescription: "drift, a whole season gone",
            program: "result((1,1,0), (0,0,1,12), [.01*.7,.3,.5,.008], range(60, 75), trend='c')",
            order: .init(1, 1, 0), seasonal: .init(0, 0, 1),
            coefficients: .init(autoregressive: [0.3], seasonalMovingAverage: [0.5], mean: 0.01), variance: 0.008,
            gaps: Array(60..<75)),
    ]

    @Test(arguments: gapped)
    func gapsAreFilteredAsByStatsmodels(test: Case) throws {
        let reference = try Reference.values(Self.prologue + test.program, [Samples.airPassengersFile])
        let series = try Samples.without(test.gaps, Samples.logAirPassengers())
        let model = try Self.model(test)
        if test.order.d == 0 {
            #expect(Reference.distance([try model.logLikelihood(of: series)], reference["likelihood"]) < 1e-8)
        }
        let forecast = try model.forecast(after: series, steps: 30)
        #expect(Reference.distance(forecast.points, reference["points"]) < 1e-7)
        #expect(Reference.distance(forecast.standardErrors, reference["errors"]) < 1e-6)
    }

    /// statsmodels differences gaps into more gaps, so the likelihood of a differenced series with gaps is compared with
    /// the definition: the Gaussian density of what was observed after the first 13 values, given those.
    @Test func theLikelihoodWithGapsIsTheDensityOfWhatIsThere() throws {
        let reference = try Reference.values(
            """
            from scipy.stats import multivariate_normal
            from statsmodels.tsa.arima_process import arma_acovf
            from scipy.linalg import toeplitz
            y = np.log(np.loadtxt(sys.argv[1], delimiter=',', skiprows=1, usecols=1))
            n, m = len(y), 13
            theta = np.polymul(np.r_[1, -.5], np.r_[1, np.zeros(11), -.4])
            cov = toeplitz(arma_acovf([1, -.3], theta, n - m, sigma2=.0015))
            delta = np.polymul([1, -1], np.r_[1, np.zeros(11), -1])
            D = np.zeros((n - m, n))
            for i in range(n - m):
                D[i, i:i + m + 1] = delta[::-1]
            A = np.linalg.inv(D[:, m:])
            mean = A @ (-D[:, :m] @ y[:m])
            keep = np.setdiff1d(np.arange(n - m), np.array([30, 31, 32, 80, 140, 143]) - m)
            S = (A @ cov @ A.T)[np.ix_(keep, keep)]
            print(json.dumps(dict(likelihood=[multivariate_normal(mean[keep], S).logpdf(y[m:][keep])])))
            """, [Samples.airPassengersFile])
        let test = Self.gapped[1]
        let series = try Samples.without(test.gaps, Samples.logAirPassengers())
        let likelihood = try Self.model(test).logLikelihood(of: series)
        #expect(Reference.distance([likelihood], reference["likelihood"]) < 1e-7)
    }
}
