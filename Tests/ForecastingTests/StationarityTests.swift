import Forecasting
import TestServers
import Testing

@Suite(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
struct StationarityTests {
    @Test func theStatisticsAreThoseOfStatsmodels() throws {
        let reference = try Reference.values(
            """
            from statsmodels.tsa.stattools import kpss
            from statsmodels.tsa.seasonal import seasonal_decompose
            y = np.log(np.loadtxt(sys.argv[1], delimiter=',', skiprows=1, usecols=1))
            def strength(z, period):
                parts = seasonal_decompose(z, period=period)
                return 1 - np.nanvar(parts.resid, ddof=1) / np.nanvar(parts.resid + parts.seasonal, ddof=1)
            print(json.dumps(dict(
                kpss=[kpss(y, 'c', nlags=k)[0] for k in (0, 2, 9)],
                strength=[strength(y, 12), max(0, strength(y, 7))])))
            """, [Samples.airPassengersFile])
        let series = try Samples.logAirPassengers()
        let statistics = try [0, 2, 9].map { try #require(Stationarity.kpss(series, lags: $0)) }
        #expect(Reference.distance(statistics, reference["kpss"]) < 1e-10)
        let strengths = try [12, 7].map { try #require(Stationarity.seasonalStrength(series, period: $0)) }
        #expect(Reference.distance(strengths, reference["strength"], floor: 1e-3) < 1e-9)
    }

    @Test func whatIsNotDefinedIsNil() throws {
        let constant = try TimeSeries([Double](repeating: 3, count: 30))
        #expect(Stationarity.kpss(constant, lags: 2) == nil)
        #expect(Stationarity.seasonalStrength(constant, period: 5) == nil)
        let series = try Samples.airPassengers()
        #expect(Stationarity.kpss(series, lags: -1) == nil)
        #expect(Stationarity.kpss(series, lags: 144) == nil)
        #expect(Stationarity.seasonalStrength(series, period: 1) == nil)
        #expect(Stationarity.seasonalStrength(series, period: 73) == nil)
    }
}
