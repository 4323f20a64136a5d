/// The stepwise search for an ARIMA order by Hyndman and Khandakar ("Automatic time series forecasting: the forecast
/// package for R", Journal of Statistical Software 27, 2008, section 3.2): from four models to whichever neighbour has
/// the smallest AICc, until none is better.
public struct OrderSearch: Sendable, Hashable {
    /// Values in a season; 1 for none.
    public let period: Int
    /// The most terms: p, differences d, q.
    public var most = ARIMAOrder.Terms(5, 2, 5)
    /// The most seasonal terms: P, differences D, Q.
    public var mostSeasonal = ARIMAOrder.Terms(2, 1, 2)
    /// Whether models are compared by their conditional sum of squares, only the chosen one being fitted by maximum
    /// likelihood; `nil` does so for more than 150 values or a season of more than 12, as Hyndman and Khandakar do.
    public var isApproximate: Bool?

    /// Roots closer to the unit circle than this end a model's candidacy, in B for the plain and in Bˢ for the seasonal
    /// factors: it has more terms or fewer differences than the series asks for.
    private static let rootRadius = 1.01

    /// A search.
    /// - Throws: `ForecastingError` for a period below 1.
    public init(period: Int = 1) throws {
        guard period >= 1 else { throw ForecastingError("the period must be 1 or more, found \(period)") }
        self.period = period
    }

    /// One model that was tried.
    private struct Candidate: Hashable {
        var terms: ARIMAOrder.Terms
        var seasonal: ARIMAOrder.Terms
        var hasMean: Bool
    }

    /// Chooses an order for a series and fits it. D is 1 where the seasonal strength is over 0.64, d the number of
    /// differences after which the KPSS test rejects no more.
    /// - Throws: `ForecastingError` when the series is constant, shorter than two seasons, or no model can be fitted.
    public func fit(_ series: TimeSeries) throws -> ARIMAFit {
        guard series.count >= 2 * period else {
            throw ForecastingError(
                "the series has \(series.count) values, less than two seasons of \(period); give a longer series or a "
                    + "shorter period")
        }
        let (d, seasonalD) = differences(series)
        let order = try ARIMAOrder(
            .init(0, d, 0), seasonal: .init(0, seasonalD, 0), period: period)
        try DifferencedSeries(series, order: order).checkVariation(parameters: 1)
        var scores: [Candidate: (score: Double, fit: ARIMAFit)] = [:]
        let approximate = isApproximate ?? (series.count > 150 || period > 12)
        let skipped = min(max(period, most.p), (series.count - order.lostToDifferences) / 4)
        let method = approximate ? ARIMAModel.Method.conditionalSquares(skipped: skipped) : .maximumLikelihood
        func score(_ candidate: Candidate) -> Double {
            if let known = scores[candidate] { return known.score }
            guard let fit = try? fit(candidate, series, method) else {
                return .infinity
            }
            scores[candidate] = (isWellBehaved(fit.model) ? fit.aicc : .infinity, fit)
            return scores[candidate]?.score ?? .infinity
        }
        let start = starts(d: d, seasonalD: seasonalD)
        guard var best = start.map({ ($0, score($0)) }).min(by: { $0.1 < $1.1 }) else { throw failed }
        while let better = neighbours(of: best.0).first(where: { score($0) < best.1 }) {
            best = (better, score(better))
        }
        guard approximate else {
            guard let fit = scores[best.0]?.fit, best.1.isFinite else { throw failed }
            return fit
        }
        // The best by the approximation that the likelihood, too, finds stationary and invertible.
        let ranked = scores.filter { $0.value.score.isFinite }
            .sorted { ($0.value.score, "\($0.key)") < ($1.value.score, "\($1.key)") }
        for (candidate, _) in ranked.prefix(10) {
            if let fit = try? fit(candidate, series, .maximumLikelihood), isWellBehaved(fit.model) { return fit }
        }
        guard let first = ranked.first else { throw failed }
        return try fit(first.key, series, .maximumLikelihood)
    }

    private var failed: ForecastingError {
        ForecastingError(
            "no ARIMA model could be fitted to the series; it may be too short, or have too many gaps for its period")
    }

    private func differences(_ series: TimeSeries) -> (plain: Int, seasonal: Int) {
        var values = series.marked
        var seasonal = 0
        if mostSeasonal.d > 0,
            let strength = Stationarity.seasonalStrength(series, period: period),
            strength > Stationarity.strengthBound
        {
            seasonal = 1
            values = zip(values.dropFirst(period), values).map { $0 - $1 }
        }
        return (Stationarity.differences(values, most: most.d), seasonal)
    }

    private func starts(d: Int, seasonalD: Int) -> [Candidate] {
        let hasMean = d + seasonalD <= 1
        let seasonal = period > 1 ? 1 : 0
        func candidate(_ p: Int, _ q: Int, _ seasonalP: Int, _ seasonalQ: Int, _ hasMean: Bool) -> Candidate {
            Candidate(
                terms: .init(min(p, most.p), d, min(q, most.q)),
                seasonal: .init(
                    min(seasonalP * seasonal, mostSeasonal.p), seasonalD, min(seasonalQ * seasonal, mostSeasonal.q)),
                hasMean: hasMean)
        }
        let models = [
            candidate(2, 2, 1, 1, hasMean), candidate(0, 0, 0, 0, hasMean), candidate(1, 0, 1, 0, hasMean),
            candidate(0, 1, 0, 1, hasMean),
        ]
        return hasMean ? models + [candidate(0, 0, 0, 0, false)] : models
    }

    /// One term more or less of one or two kinds, or the mean put in or left out.
    private func neighbours(of centre: Candidate) -> [Candidate] {
        let singles = [
            (0, 0, 0, -1), (0, 0, 0, 1), (0, 0, -1, 0), (0, 0, 1, 0), (0, 0, -1, -1), (0, 0, 1, 1), (-1, 0, 0, 0),
            (1, 0, 0, 0), (0, -1, 0, 0), (0, 1, 0, 0), (-1, -1, 0, 0), (1, 1, 0, 0),
        ]
        var result = singles.compactMap { p, q, seasonalP, seasonalQ -> Candidate? in
            var next = centre
            next.terms.p += p
            next.terms.q += q
            next.seasonal.p += seasonalP
            next.seasonal.q += seasonalQ
            let isSeasonal = seasonalP != 0 || seasonalQ != 0
            guard (0...most.p).contains(next.terms.p), (0...most.q).contains(next.terms.q),
                (0...mostSeasonal.p).contains(next.seasonal.p), (0...mostSeasonal.q).contains(next.seasonal.q),
                period > 1 || !isSeasonal
            else { return nil }
            return next
        }
        if centre.terms.d + centre.seasonal.d <= 1 {
            var other = centre
            other.hasMean.toggle()
            result.append(other)
        }
        return result
    }

    private func fit(_ candidate: Candidate, _ series: TimeSeries, _ method: ARIMAModel.Method) throws -> ARIMAFit {
        let order = try ARIMAOrder(candidate.terms, seasonal: candidate.seasonal, period: period)
        return try ARIMAModel.fit(series, order: order, hasMean: candidate.hasMean, method: method)
    }

    private func isWellBehaved(_ model: ARIMAModel) -> Bool {
        let coefficients = model.coefficients
        let autoregressive = [coefficients.autoregressive, coefficients.seasonalAutoregressive]
        let moving = [coefficients.movingAverage, coefficients.seasonalMovingAverage].map { $0.map { -$0 } }
        return (autoregressive + moving).allSatisfy { LagPolynomial.isStationary($0, radius: Self.rootRadius) }
    }
}
