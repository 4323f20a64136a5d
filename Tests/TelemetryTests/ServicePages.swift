import Foundation
import Telemetry

/// Pages of metrics as the projects behind the presets export them, of services whose latencies are exponentially
/// distributed: of a mean m, the share exp(-t / m) of the requests takes longer than t.
///
/// Names, labels and buckets:
/// - ingress-nginx: https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/
/// - Istio: https://istio.io/latest/docs/reference/config/metrics/
/// - Linkerd: https://linkerd.io/2/reference/proxy-metrics/
/// - Traefik: https://doc.traefik.io/traefik/observability/metrics/overview/
/// - Envoy: https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats
/// - histogram: https://pkg.go.dev/github.com/prometheus/client_golang/prometheus/promhttp#InstrumentHandlerDuration
struct ServicePages {
    /// What a service is like.
    enum Kind: String, CaseIterable {
        /// An eighth of its requests fails.
        case web
        /// More than a hundredth of its requests takes longer than the last bound.
        case slow
        /// It had requests once.
        case idle
        /// No request ever failed, so there is no series of failures.
        case clean
    }

    static let requestsPerSecond = 40.0
    let preset: ServiceMetricsPreset
    let kind: Kind

    /// Bounds in the unit of the preset's histogram.
    var bounds: [Double] {
        switch preset {
        case .ingressNginx, .histogram, .own: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
        case .traefik: [0.1, 0.3, 1.2, 5]
        case .linkerd:
            [
                1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000,
                20_000, 30_000, 40_000, 50_000,
            ]
        case .istio, .envoy:
            [
                0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000,
                1_800_000, 3_600_000,
            ]
        }
    }

    /// Seconds in that unit.
    var unit: Double {
        switch preset {
        case .istio, .linkerd, .envoy: 1e-3
        default: 1
        }
    }

    /// Mean latency in seconds: of the slow service such that 3 % of its requests are beyond the last bound.
    var mean: Double { kind == .slow ? (bounds.last ?? 0) * unit / 3.5 : 0.06 }

    /// Labels that the scraping server adds.
    var targetLabels: [String: String] {
        switch preset {
        case .linkerd: ["namespace": "shop", "deployment": kind.rawValue]
        case .histogram, .own: ["namespace": "shop", "service": kind.rawValue]
        case .ingressNginx: ["namespace": "ingress-nginx", "service": "controller"]
        default: ["namespace": "edge"]
        }
    }

    /// The page after `seconds`.
    func page(after seconds: Double) -> String {
        let total = kind == .idle ? 1_000 : 1_000 + Self.requestsPerSecond * seconds
        var lines: [String] = []
        for (isFailure, share) in kind == .clean ? [(false, 1.0)] : [(false, 7.0 / 8), (true, 1.0 / 8)] {
            let count = total * share
            switch preset {
            case .ingressNginx:
                let labels =
                    #"controller_class="k8s.io/ingress-nginx",controller_namespace="ingress-nginx","#
                    + #"controller_pod="c-0",host="a.example",ingress="i",method="GET",namespace="shop",path="/","#
                    + #"service="\#(kind)",status="\#(isFailure ? 503 : 200)""#
                lines.append("nginx_ingress_controller_requests{\(labels)} \(count)")
                lines += histogram("nginx_ingress_controller_request_duration_seconds", labels, count)
            case .istio:
                for (reporter, factor) in [("destination", 1.0), ("source", 3.0)] {
                    let labels =
                        #"reporter="\#(reporter)",source_workload="front",destination_workload="\#(kind)","#
                        + #"destination_workload_namespace="shop",request_protocol="http","#
                        + #"response_code="\#(isFailure ? 500 : 200)",response_flags="-""#
                    lines.append("istio_requests_total{\(labels)} \(count * factor)")
                    lines += histogram("istio_request_duration_milliseconds", labels, count * factor)
                }
            case .linkerd:
                for (direction, factor) in [("inbound", 1.0), ("outbound", 3.0)] {
                    let labels = #"direction="\#(direction)",tls="true",status_code="\#(isFailure ? 500 : 200)""#
                    let outcome = #"classification="\#(isFailure ? "failure" : "success")""#
                    lines.append("response_total{\(labels),\(outcome)} \(count * factor)")
                    lines += histogram("response_latency_ms", labels, count * factor)
                }
            case .traefik:
                let labels =
                    #"code="\#(isFailure ? 502 : 200)",method="GET",protocol="http","#
                    + #"service="shop-\#(kind)-80@kubernetes""#
                lines.append("traefik_service_requests_total{\(labels)} \(count)")
                lines += histogram("traefik_service_request_duration_seconds", labels, count)
            case .envoy:
                let cluster = #"envoy_cluster_name="shop_\#(kind)_80""#
                let labels = #"envoy_response_code_class="\#(isFailure ? 5 : 2)",\#(cluster)"#
                lines.append("envoy_cluster_upstream_rq_xx{\(labels)} \(count)")
                if !isFailure {
                    lines.append("envoy_cluster_upstream_rq_total{\(cluster)} \(total)")
                    lines += histogram("envoy_cluster_upstream_rq_time", cluster, total)
                }
            case .histogram, .own:
                lines += histogram(
                    "http_request_duration_seconds", #"code="\#(isFailure ? 500 : 200)",method="get""#, count)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func histogram(_ name: String, _ labels: String, _ count: Double) -> [String] {
        var lines = bounds.map { bound in
            let below = count * share(below: bound * unit)
            return "\(name)_bucket{\(labels),le=\"\(bound)\"} \(below)"
        }
        lines.append("\(name)_bucket{\(labels),le=\"+Inf\"} \(count)")
        lines.append("\(name)_sum{\(labels)} \(count * mean / unit)")
        lines.append("\(name)_count{\(labels)} \(count)")
        return lines
    }

    private func share(below seconds: Double) -> Double { 1 - exp(-seconds / mean) }

    /// The true quantile, its bucket, and what linear interpolation inside it gives.
    func quantile(_ share: Double) -> (seconds: Double, expected: LatencyQuantile?) {
        let seconds = -mean * log(1 - share)
        guard kind != .idle, let upper = bounds.map({ $0 * unit }).first(where: { $0 >= seconds }) else {
            return (seconds, nil)
        }
        let lower = bounds.map { $0 * unit }.last { $0 < seconds } ?? 0
        let (below, above) = (self.share(below: lower), self.share(below: upper))
        let inside = (share - below) / (above - below)
        return (seconds, LatencyQuantile(seconds: lower + (upper - lower) * inside, bucket: lower...upper))
    }
}

/// A page with a native histogram, as protocol buffers
/// (https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto).
enum NativeHistogramPage {
    static let type =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

    /// `http_request_duration_seconds` of which a quarter failed: 60 % of the requests in (1/64, 1/32], 36 % in
    /// (1/32, 1/16], 4 % in (1/16, 1/8].
    /// - Parameter hundreds: requests in hundreds.
    static func page(hundreds: Int) -> [UInt8] {
        let metrics = [("200", 3), ("500", 1)].flatMap { code, factor in
            let label = text(1, "code") + text(2, code)
            return message(4, message(1, label) + message(7, histogram(hundreds * factor)))
        }
        let family = text(1, "http_request_duration_seconds") + field(3, 4) + metrics
        return varint(family.count) + family
    }

    private static func histogram(_ hundreds: Int) -> [UInt8] {
        let counts = [60 * hundreds, 36 * hundreds, 4 * hundreds]
        // Schema 0: bucket i ends at 2^i. Each count is given by its difference from the one before.
        let span = field(1, zigzag(-5)) + field(2, 3)
        let differences = zip(counts, [0] + counts).map { field(13, zigzag($0 - $1)) }
        let parts: [[UInt8]] = [
            field(1, 100 * hundreds), double(2, Double(hundreds)), field(5, zigzag(0)), double(6, 1e-9), field(7, 0),
            message(12, span),
        ]
        return (parts + differences).flatMap { $0 }
    }

    private static func zigzag(_ value: Int) -> Int { value >= 0 ? 2 * value : -2 * value - 1 }

    private static func varint(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value % 128 + 128)] + varint(value / 128)
    }

    private static func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }

    private static func message(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(bytes.count) + bytes
    }

    private static func text(_ number: Int, _ value: String) -> [UInt8] { message(number, Array(value.utf8)) }

    private static func double(_ number: Int, _ value: Double) -> [UInt8] {
        varint(number << 3 | 1) + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
}
