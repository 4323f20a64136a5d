extension SmoothingState {
    /// Initial states by the heuristics of Hyndman et al. (2008, section 2.6.1): the season is the mean distance (or
    /// ratio) of each place in the first five seasons from a centred moving average, normalised to a sum of 0 (a mean of
    /// 1); level and trend are those of a straight line through the first ten values, or the first season if that is
    /// longer, once the season is taken out. Missing values are left out.
    /// - Throws: `ForecastingError` for a series of less than two seasons, with a place in the season that was never
    ///   observed, or with less than three observed values.
    static func heuristic(_ series: TimeSeries, _ form: SmoothingForm) throws -> SmoothingState {
        guard series.observed.count >= 3 else {
            throw ForecastingError("exponential smoothing needs 3 values or more, found \(series.observed.count)")
        }
        let season = form.seasonality == .none ? [] : try self.season(series, form)
        let length = max(10, form.period)
        var points: [(x: Double, y: Double)] = []
        for (index, value) in series.observations.enumerated() where points.count < length {
            guard let value else { continue }
            switch form.seasonality {
            case .none: points.append((Double(index + 1), value))
            case .additive: points.append((Double(index + 1), value - season[index % form.period]))
            case .multiplicative: points.append((Double(index + 1), value / season[index % form.period]))
            }
        }
        let count = Double(points.count)
        let (meanX, meanY) = (points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count)
        guard form.trend != .none else { return SmoothingState(level: meanY, season: season) }
        let products = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
        let squares = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        let slope = products / squares
        return SmoothingState(level: meanY - slope * meanX, trend: slope, season: season)
    }

    private static func season(_ series: TimeSeries, _ form: SmoothingForm) throws -> [Double] {
        let period = form.period
        guard series.count >= 2 * period else {
            throw ForecastingError(
                "the series has \(series.count) values, and a season of \(period) needs two seasons, \(2 * period)")
        }
        let first = Array(series.marked.prefix(5 * period))
        let trend = MovingAverage.centred(first, period: period)
        let isRatio = form.seasonality == .multiplicative
        var effects = try SeasonalMeans.of(
            zip(first, trend).map { isRatio ? $0 / $1 : $0 - $1 }, period: period)
        let mean = effects.reduce(0, +) / Double(period)
        for index in effects.indices {
            effects[index] = isRatio ? effects[index] / mean : effects[index] - mean
        }
        return effects
    }
}
