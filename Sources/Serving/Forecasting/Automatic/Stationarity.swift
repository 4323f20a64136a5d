/// How often a series has to be differenced before an ARMA model suits it.
public enum Stationarity {
    /// The statistic of Kwiatkowski, Phillips, Schmidt and Shin ("Testing the null hypothesis of stationarity against
    /// the alternative of a unit root", Journal of Econometrics 54, 1992, equation 13) for stationarity around a level,
    /// with Bartlett weights over `lags` autocovariances. Over 0.463 (their table 1), stationarity is rejected at 5 %.
    /// Missing values are left out. `nil` where the series is constant, has less than three values or no more than
    /// `lags`, or `lags` is negative.
    public static func kpss(_ series: TimeSeries, lags: Int) -> Double? {
        statistic(series.observed, lags: lags)
    }

    static let criticalValue = 0.463

    static func statistic(_ values: [Double], lags: Int) -> Double? {
        guard values.count >= 3, lags >= 0, lags < values.count else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let errors = values.map { $0 - mean }
        var (sum, squares) = (0.0, 0.0)
        for error in errors {
            sum += error
            squares += sum * sum
        }
        var variance = errors.reduce(0) { $0 + $1 * $1 }
        guard variance > 1e-24 * mean * mean * count, variance > 0 else { return nil }
        for lag in stride(from: 1, through: lags, by: 1) {
            let weight = 1 - Double(lag) / Double(lags + 1)
            var product = 0.0
            for index in lag..<errors.count { product += errors[index] * errors[index - lag] }
            variance += 2 * weight * product
        }
        guard variance > 0 else { return nil }
        return squares / count / variance
    }

    /// Differences, 0 to `most`, after which the test no longer rejects stationarity, with ⌊3√n / 13⌋ lags as Hyndman
    /// and Khandakar (2008) take them.
    static func differences(_ values: [Double], most: Int) -> Int {
        var values = values
        for count in 0..<most {
            let rest = values.filter { !$0.isNaN }
            let lags = Int(3 * Double(rest.count).squareRoot() / 13)
            guard let value = statistic(rest, lags: lags), value > criticalValue else { return count }
            values = zip(values.dropFirst(), values).map { $0 - $1 }
        }
        return most
    }

    /// How much of a series without its trend is season: max(0, 1 − Var(R) / Var(S + R)), from 0 to 1 (Wang, Smith and
    /// Hyndman, "Characteristic-based clustering for time series data", Data Mining and Knowledge Discovery 13, 2006).
    /// The trend is the centred moving average, S the mean of each place in the season and R the rest: classical
    /// decomposition, where the forecast package takes STL. `nil` for less than two seasons, a place that was never
    /// observed, or a series that is all trend.
    public static func seasonalStrength(_ series: TimeSeries, period: Int) -> Double? {
        guard period > 1, series.count >= 2 * period else { return nil }
        let values = series.marked
        let rest = zip(values, MovingAverage.centred(values, period: period)).map { $0 - $1 }
        guard let season = try? SeasonalMeans.of(rest, period: period) else { return nil }
        let irregular = rest.enumerated().map { $1 - season[$0 % period] }
        guard let whole = variance(rest), let unexplained = variance(irregular), whole > 0 else { return nil }
        return max(0, 1 - unexplained / whole)
    }

    /// The strength over which a series is differenced over its season (Hyndman and Athanasopoulos 2021, section 9.1).
    static let strengthBound = 0.64

    private static func variance(_ values: [Double]) -> Double? {
        let finite = values.filter(\.isFinite)
        guard finite.count > 1 else { return nil }
        let mean = finite.reduce(0, +) / Double(finite.count)
        return finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(finite.count - 1)
    }
}
