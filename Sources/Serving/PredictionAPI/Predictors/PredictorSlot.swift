import Drift
import Logging
import Prediction
import Synchronization

/// The predictor in use, which may be replaced at any time: a request is answered by the one that was there when it began.
final class PredictorSlot: Sendable {
    private let served: Mutex<ServedPredictor>
    private let settings: PredictionServerSettings
    private let metrics: PredictionServerMetrics
    private let events: EventLog
    /// The Redis server; `nil` for none.
    let redis: RedisStore?

    /// - Throws: `PredictionError` where the settings ask for drift and the predictor's cannot be watched.
    init(
        _ predictor: LatencyPredictor, _ settings: PredictionServerSettings, metrics: PredictionServerMetrics,
        events: EventLog, logger: Logger
    ) throws {
        (self.settings, self.metrics, self.events) = (settings, metrics, events)
        redis = settings.cache.redis.map { RedisStore($0, metrics: metrics, logger: logger) }
        served = Mutex(try Self.prepare(predictor, settings, redis, metrics))
        metrics.setVersion(predictor.version, before: nil)
    }

    /// The predictor in use.
    var current: ServedPredictor { served.withLock { $0 } }
    /// Its version.
    var version: String { current.predictor.version }

    /// Takes another predictor into use, unless it is the one in use.
    /// - Parameter reason: why, for the event.
    /// - Throws: `PredictionError` where the settings ask for drift and its cannot be watched; the old one stays.
    func swap(to predictor: LatencyPredictor, because reason: String) throws {
        guard predictor.version != version else { return }
        exchange(with: try prepare(predictor), because: reason)
    }

    /// A predictor that can be taken into use.
    /// - Throws: `PredictionError` where the settings ask for drift and its cannot be watched.
    func prepare(_ predictor: LatencyPredictor) throws -> ServedPredictor {
        try Self.prepare(predictor, settings, redis, metrics)
    }

    /// Takes a prepared predictor into use.
    func exchange(with new: ServedPredictor, because reason: String) {
        let old = served.withLock { served in
            let old = served
            served = new
            return old
        }
        metrics.setVersion(new.predictor.version, before: old.predictor.version)
        events.record(
            .swap,
            "\(new.predictor.version) in place of \(old.predictor.version): \(reason)"
                + (settings.drift == nil ? "" : "; drift is now measured against its training rows"))
    }

    private static func prepare(
        _ predictor: LatencyPredictor, _ settings: PredictionServerSettings, _ redis: RedisStore?,
        _ metrics: PredictionServerMetrics
    ) throws -> ServedPredictor {
        let cache = PredictionCache(settings.cache, redis: redis, version: predictor.version, metrics: metrics)
        do {
            return ServedPredictor(
                predictor, cache: cache, drift: try settings.drift.map { try DriftWatch(predictor, $0) })
        } catch let error as DriftError {
            throw PredictionError(
                .settings,
                "the drift of predictor \(predictor.version) cannot be watched: \(error); "
                    + "leave drift out to serve without it")
        }
    }
}
