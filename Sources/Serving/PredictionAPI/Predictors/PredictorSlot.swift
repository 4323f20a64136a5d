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
    private let logger: Logger

    /// - Throws: `PredictionError` where the predictor's drift is to be watched and cannot be.
    init(
        _ predictor: LatencyPredictor, _ settings: PredictionServerSettings, metrics: PredictionServerMetrics,
        events: EventLog, logger: Logger
    ) throws {
        (self.settings, self.metrics, self.events, self.logger) = (settings, metrics, events, logger)
        served = Mutex(try Self.serve(predictor, settings, metrics, logger))
        metrics.setVersion(predictor.version, before: nil)
    }

    /// The predictor in use.
    var current: ServedPredictor { served.withLock { $0 } }
    /// Its version.
    var version: String { current.predictor.version }

    /// Takes another predictor into use, unless it is the one in use.
    /// - Parameter reason: why, for the event.
    /// - Throws: `PredictionError` where its drift is to be watched and cannot be; the old one stays.
    func swap(to predictor: LatencyPredictor, because reason: String) throws {
        guard predictor.version != version else { return }
        let new = try Self.serve(predictor, settings, metrics, logger)
        let old = served.withLock { served in
            let old = served
            served = new
            return old
        }
        metrics.setVersion(predictor.version, before: old.predictor.version)
        events.record(.swap, "\(predictor.version) in place of \(old.predictor.version): \(reason)")
    }

    private static func serve(
        _ predictor: LatencyPredictor, _ settings: PredictionServerSettings, _ metrics: PredictionServerMetrics,
        _ logger: Logger
    ) throws -> ServedPredictor {
        let redis = settings.cache.redis.map {
            RedisStore($0, version: predictor.version, metrics: metrics, logger: logger)
        }
        let cache = PredictionCache(
            settings.cache, memory: MemoryStore(capacity: settings.cache.entries), redis: redis, metrics: metrics)
        do {
            return ServedPredictor(
                predictor, cache: cache,
                drift: try settings.drift.map { try DriftWatch(predictor.profile.reference, $0) })
        } catch let error as DriftError {
            throw PredictionError(
                "the drift of predictor \(predictor.version) cannot be watched: \(error); leave drift out to do without"
            )
        }
    }
}
