/// A series prepared for the filters of an order.
struct DifferencedSeries {
    let order: ARIMAOrder
    /// The series, NaN where it is missing.
    let values: [Double]
    /// δ.
    let differences: [Double]
    /// (1−B)ᵈ (1−Bˢ)ᴰ y, NaN where a value is missing that it needs.
    let differenced: [Double]
    let isComplete: Bool

    /// - Throws: `ForecastingError` for a series too short for the differences, or too long a season for its gaps.
    init(_ series: TimeSeries, order: ARIMAOrder) throws {
        self.order = order
        let lost = order.lostToDifferences
        guard series.count > lost else {
            throw ForecastingError(
                "the series has \(series.count) values, and \(order) needs more than \(lost) for its differences")
        }
        (values, isComplete) = (series.marked, series.isComplete)
        differences = LagPolynomial.differences(order)
        let terms = LagPolynomial.terms(differences)
        differenced = (lost..<values.count).map { [values] index in
            terms.reduce(values[index]) { $0 - $1.coefficient * values[index - $1.lag] }
        }
        let season = order.period
        let state =
            lost + max(order.terms.p + season * order.seasonal.p, order.terms.q + season * order.seasonal.q + 1)
        guard isComplete || state <= ARIMAModel.largestGappedState else {
            throw ForecastingError(
                "\(order) has a state of \(state) numbers, and a series with gaps can be filtered with "
                    + "\(ARIMAModel.largestGappedState) at most; fill the gaps, or take longer intervals")
        }
    }

    /// Sums the differences up: a path of the series from one of the differences, with `last` before it.
    func integrate(_ path: [Double], after last: [Double]) -> [Double] {
        var result = last + path
        let terms = LagPolynomial.terms(differences)
        for index in last.count..<result.count {
            for term in terms { result[index] += term.coefficient * result[index - term.lag] }
        }
        return Array(result[last.count...])
    }
}

/// One of the two filters, run over a series.
enum ARIMAFilter {
    case complete(CompleteFilter, DifferencedSeries)
    case gapped(GappedFilter)

    /// `nil` for coefficients too close to non-stationary.
    init?(_ series: DifferencedSeries, _ coefficients: ARIMACoefficients, regressing: Bool) throws {
        guard let process = ARMAProcess(coefficients, period: series.order.period) else { return nil }
        if series.isComplete {
            guard var filter = CompleteFilter(process) else { return nil }
            filter.filter(series.differenced, regressing: regressing)
            self = .complete(filter, series)
        } else {
            guard
                let filter = try GappedFilter(
                    process, differences: series.differences, values: series.values, regressing: regressing)
            else { return nil }
            self = .gapped(filter)
        }
    }

    var sums: InnovationSums {
        switch self {
        case .complete(let filter, _): filter.sums
        case .gapped(let filter): filter.sums
        }
    }

    func forecast(steps: Int, mean: Double?) -> (points: [Double], variances: [Double]) {
        switch self {
        case .gapped(let filter):
            return filter.forecast(steps: steps, mean: mean)
        case .complete(let filter, let series):
            let last = Array(series.values.suffix(series.differences.count))
            let zeros = [Double](repeating: 0, count: last.count)
            return (
                series.integrate(filter.forecast(steps: steps, mean: mean), after: last),
                filter.forecastVariances(steps: steps) { series.integrate($0, after: zeros) }
            )
        }
    }
}
