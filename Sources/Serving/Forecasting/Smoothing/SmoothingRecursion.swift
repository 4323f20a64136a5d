/// The recursion of exponential smoothing (Hyndman et al. 2008, tables 2.2 and 2.3). States follow the error y − ŷ in
/// the same way whether errors are additive or multiplicative.
struct SmoothingRecursion {
    let parameters: SmoothingParameters
    let damping: Double
    let hasTrend: Bool
    let seasonality: SmoothingForm.Seasonality
    private(set) var level: Double
    private(set) var trend: Double
    private(set) var season: [Double]
    /// Where in `season` the next value's effect is.
    private(set) var place = 0

    init(_ form: SmoothingForm, _ parameters: SmoothingParameters, _ state: SmoothingState) {
        self.parameters = parameters
        hasTrend = form.trend != .none
        damping = form.trend == .damped ? parameters.damping : 1
        seasonality = form.seasonality
        (level, trend, season) = (state.level, hasTrend ? state.trend : 0, state.season)
    }

    var state: SmoothingState {
        SmoothingState(level: level, trend: trend, season: Array(season[place...] + season[..<place]))
    }

    /// What is expected next.
    var expected: Double {
        let base = level + damping * trend
        switch seasonality {
        case .none: return base
        case .additive: return base + season[place]
        case .multiplicative: return base * season[place]
        }
    }

    /// Takes the error of what was expected; 0 for a value that was not observed.
    mutating func update(error: Double) {
        let base = level + damping * trend
        var share = error
        switch seasonality {
        case .none: break
        case .additive:
            season[place] += parameters.season * error
        case .multiplicative:
            share = error / season[place]
            season[place] += parameters.season * error / base
        }
        level = base + parameters.level * share
        if hasTrend { trend = damping * trend + parameters.trend * share }
        if seasonality != .none { place = place + 1 == season.count ? 0 : place + 1 }
    }
}
