import Prediction

/// A predictor in use, with what belongs to it alone: its cache, and what its drift is measured against.
final class ServedPredictor: Sendable {
    let predictor: LatencyPredictor
    let cache: PredictionCache
    let drift: DriftWatch?

    init(_ predictor: LatencyPredictor, cache: PredictionCache, drift: DriftWatch?) {
        (self.predictor, self.cache, self.drift) = (predictor, cache, drift)
    }
}
