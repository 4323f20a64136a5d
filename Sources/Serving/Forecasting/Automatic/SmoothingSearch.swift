extension ExponentialSmoothing {
    /// The form of smallest AICc among those without trend, with a trend and with a damped one; with a season of the
    /// period for each, added or, where every value is positive, multiplied together with multiplicative errors
    /// (Hyndman, Koehler, Snyder and Grose, International Journal of Forecasting 18, 2002). For series too short for the
    /// correction the fewest parameters win.
    /// - Throws: `ForecastingError` as `fit(_:form:)`, when no form can be fitted.
    public static func select(_ series: TimeSeries, period: Int) throws -> SmoothingFit {
        var forms: [SmoothingForm] = []
        for trend in [SmoothingForm.Trend.none, .additive, .damped] {
            guard period > 1 else {
                forms.append(try SmoothingForm(trend: trend))
                continue
            }
            forms.append(try SmoothingForm(trend: trend, seasonality: .additive, period: period))
            guard series.observed.allSatisfy({ $0 > 0 }) else { continue }
            forms.append(
                try SmoothingForm(
                    error: .multiplicative, trend: trend, seasonality: .multiplicative, period: period))
        }
        var best: SmoothingFit?
        var problem: (any Error)?
        for form in forms {
            do {
                let fit = try fit(series, form: form)
                if best.map({ fit.aicc < $0.aicc }) ?? true { best = fit }
            } catch {
                problem = problem ?? error
            }
        }
        if let best { return best }
        throw problem ?? ForecastingError("no form of exponential smoothing could be fitted")
    }
}
