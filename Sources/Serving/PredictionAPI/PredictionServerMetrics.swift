import CoreMetrics
import Drift
import Monitoring

/// What the prediction server counts.
struct PredictionServerMetrics: Sendable {
    /// Upper bounds in seconds for what takes microseconds.
    static let buckets = [
        0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
    ]

    /// What requests for predictions are sent to.
    enum Path: String, Sendable, CaseIterable {
        case predict = "/predict"
        case infer = "/v2/models/MODEL/infer"

        /// The path that a route's requests are counted under; `nil` for those that are not counted.
        init?(endpoint: String) {
            switch endpoint {
            case "/predict": self = .predict
            case "/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer": self = .infer
            default: return nil
            }
        }
    }

    private let factory: any MetricsFactory
    // Looked up once: by name that takes about as long as a prediction.
    private let answered: [Path: Counter]
    private let requestSeconds: [Path: CoreMetrics.Timer]
    private let rows: Counter
    private let predictionSeconds: CoreMetrics.Timer
    private let ready: Gauge
    private let redisConnected: Gauge
    private let redisFailures: Counter
    private let driftLevel: Gauge
    private let lookups: [CacheKey.Kind: [String: Counter]]

    private static let help = [
        "berth_predictor_requests_total": "Requests by path and HTTP status.",
        "berth_predictor_request_duration_seconds": "Time to answer a request, body included.",
        "berth_predictor_prediction_duration_seconds": "Time in the trees for a request's rows.",
        "berth_predictor_rows_total": "Rows predicted.",
        "berth_predictor_ready": "Whether a predictor is loaded.",
        "berth_predictor_info": "1 for the version of the predictor in use.",
        "berth_predictor_events_total": "Events by kind: see /events.",
        "berth_predictor_cache_lookups_total": "Rows by what they asked for and where the answer was found.",
        "berth_predictor_redis_connected": "Whether there is a connection to Redis.",
        "berth_predictor_redis_failures_total": "Times that Redis did not answer or could not be reached.",
        "berth_predictor_drift_level": "Drift of the rows asked about: 0 none, 1 moderate, 2 severe.",
        "berth_predictor_feature_drift_level": "Drift of a feature: 0 none, 1 moderate, 2 severe.",
        "berth_predictor_feature_drift":
            "Population stability index (psi), Kullback-Leibler (kl) and Jensen-Shannon divergence (js) of a feature.",
    ]

    init(registry: PrometheusRegistry) {
        factory = registry
        for (name, text) in Self.help { registry.describe(name, text) }
        for name in ["berth_predictor_request_duration_seconds", "berth_predictor_prediction_duration_seconds"] {
            registry.setBuckets(Self.buckets, for: name)
        }
        answered = Dictionary(
            uniqueKeysWithValues: Path.allCases.map { ($0, Self.requests($0, 200, registry)) })
        requestSeconds = Dictionary(
            uniqueKeysWithValues: Path.allCases.map { path in
                (
                    path,
                    CoreMetrics.Timer(
                        label: "berth_predictor_request_duration_seconds", dimensions: [("path", path.rawValue)],
                        factory: registry)
                )
            })
        rows = Counter(label: "berth_predictor_rows_total", factory: registry)
        predictionSeconds = CoreMetrics.Timer(
            label: "berth_predictor_prediction_duration_seconds", factory: registry)
        ready = Gauge(label: "berth_predictor_ready", factory: registry)
        ready.record(1)
        redisConnected = Gauge(label: "berth_predictor_redis_connected", factory: registry)
        redisFailures = Counter(label: "berth_predictor_redis_failures_total", factory: registry)
        driftLevel = Gauge(label: "berth_predictor_drift_level", factory: registry)
        lookups = Dictionary(
            uniqueKeysWithValues: CacheKey.Kind.allCases.map { kind in
                let counters = ["memory", "redis", "none"].map { found in
                    (
                        found,
                        Counter(
                            label: "berth_predictor_cache_lookups_total",
                            dimensions: [("kind", kind.rawValue), ("found", found)], factory: registry)
                    )
                }
                return (kind, Dictionary(uniqueKeysWithValues: counters))
            })
    }

    func setVersion(_ version: String, before old: String?) {
        func gauge(_ version: String) -> Gauge {
            Gauge(label: "berth_predictor_info", dimensions: [("version", version)], factory: factory)
        }
        if let old { gauge(old).record(0) }
        gauge(version).record(1)
    }

    func countEvent(_ kind: EventLog.Kind) {
        Counter(label: "berth_predictor_events_total", dimensions: [("kind", kind.rawValue)], factory: factory)
            .increment()
    }

    /// - Parameter found: "memory", "redis" or "none".
    func countCache(_ kind: CacheKey.Kind, _ found: String, _ rows: Int) {
        if rows > 0 { lookups[kind]?[found]?.increment(by: rows) }
    }

    func countRedisFailure() { redisFailures.increment() }

    func update(_ redis: RedisStore?) { redisConnected.record(redis?.isConnected == true ? 1 : 0) }

    /// Sets the gauges of drift; `nil` where none is known.
    func update(_ report: DriftReport?, features: [String]) {
        driftLevel.record(report?.level.rawValue ?? 0)
        for (index, name) in features.enumerated() {
            let drift = report?.features[index]
            Gauge(
                label: "berth_predictor_feature_drift_level", dimensions: [("feature", name)], factory: factory
            ).record(drift?.level.rawValue ?? 0)
            let figures = [
                ("psi", drift?.figures.populationStability), ("kl", drift?.figures.kullbackLeibler),
                ("js", drift?.figures.jensenShannon),
            ]
            for (figure, value) in figures {
                Gauge(
                    label: "berth_predictor_feature_drift", dimensions: [("feature", name), ("figure", figure)],
                    factory: factory
                ).record(value ?? .nan)
            }
        }
    }

    func countRequest(_ path: Path, status: Int, nanoseconds: Int64) {
        if status == 200 {
            answered[path]?.increment()
        } else {
            Self.requests(path, status, factory).increment()
        }
        requestSeconds[path]?.recordNanoseconds(nanoseconds)
    }

    private static func requests(_ path: Path, _ status: Int, _ factory: any MetricsFactory) -> Counter {
        Counter(
            label: "berth_predictor_requests_total", dimensions: [("path", path.rawValue), ("code", "\(status)")],
            factory: factory)
    }

    func countPredictions(_ count: Int, nanoseconds: Int64) {
        rows.increment(by: count)
        predictionSeconds.recordNanoseconds(nanoseconds)
    }
}
