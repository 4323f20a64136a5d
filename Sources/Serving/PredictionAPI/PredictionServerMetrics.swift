import CoreMetrics
import Monitoring

/// What the prediction server counts.
struct PredictionServerMetrics: Sendable {
    /// Upper bounds in seconds for what takes microseconds.
    static let buckets = [
        0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
    ]

    private let factory: any MetricsFactory
    private let rows: Counter
    private let predictionSeconds: CoreMetrics.Timer
    private let ready: Gauge

    private static let help = [
        "berth_predictor_requests_total": "Requests by path and HTTP status.",
        "berth_predictor_request_duration_seconds": "Time to answer a request, body included.",
        "berth_predictor_prediction_duration_seconds": "Time in the trees for a request's rows.",
        "berth_predictor_rows_total": "Rows predicted.",
        "berth_predictor_ready": "Whether a predictor is loaded.",
    ]

    init(registry: PrometheusRegistry) {
        factory = registry
        for (name, text) in Self.help { registry.describe(name, text) }
        for name in ["berth_predictor_request_duration_seconds", "berth_predictor_prediction_duration_seconds"] {
            registry.setBuckets(Self.buckets, for: name)
        }
        rows = Counter(label: "berth_predictor_rows_total", factory: registry)
        predictionSeconds = CoreMetrics.Timer(
            label: "berth_predictor_prediction_duration_seconds", factory: registry)
        ready = Gauge(label: "berth_predictor_ready", factory: registry)
        ready.record(1)
    }

    func countRequest(path: String, status: Int, nanoseconds: Int64) {
        Counter(
            label: "berth_predictor_requests_total", dimensions: [("path", path), ("code", "\(status)")],
            factory: factory
        ).increment()
        CoreMetrics.Timer(
            label: "berth_predictor_request_duration_seconds", dimensions: [("path", path)], factory: factory
        ).recordNanoseconds(nanoseconds)
    }

    func countPredictions(_ count: Int, nanoseconds: Int64) {
        rows.increment(by: count)
        predictionSeconds.recordNanoseconds(nanoseconds)
    }
}
