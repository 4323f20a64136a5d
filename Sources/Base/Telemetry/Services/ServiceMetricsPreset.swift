/// Whose metrics tell what services do. docs/service-metrics.md has each preset's queries.
public enum ServiceMetricsPreset: String, Sendable, Codable, CaseIterable {
    /// The ingress-nginx controller: `nginx_ingress_controller_requests`,
    /// `nginx_ingress_controller_request_duration_seconds`.
    case ingressNginx = "ingress-nginx"
    /// Istio's sidecars: `istio_requests_total`, `istio_request_duration_milliseconds`.
    case istio
    /// Linkerd's sidecars: `response_total`, `response_latency_ms`, the time to the first byte.
    case linkerd
    /// Traefik: `traefik_service_requests_total`, `traefik_service_request_duration_seconds`.
    case traefik
    /// Envoy: `envoy_cluster_upstream_rq_total`, `envoy_cluster_upstream_rq_time`.
    case envoy
    /// The service's own histogram `http_request_duration_seconds`, with the status in the label `code`.
    case histogram
    /// None: the user writes the queries.
    case own

    /// The names that the preset stands for; `nil` for the user's own queries.
    var names: ServiceMetricNames? {
        switch self {
        // `exported_` stands before labels that the scraped controller's own would hide.
        case .ingressNginx:
            ServiceMetricNames(
                requests: "nginx_ingress_controller_requests", outcome: "status",
                durations: "nginx_ingress_controller_request_duration_seconds",
                selector: #"exported_namespace="{namespace}",exported_service="{service}""#)
        // Both ends of a request report it.
        case .istio:
            ServiceMetricNames(
                requests: "istio_requests_total", outcome: "response_code",
                durations: "istio_request_duration_milliseconds", unit: 1e-3,
                selector: #"reporter="destination",destination_workload_namespace="{namespace}","#
                    + #"destination_workload="{service}""#)
        case .linkerd:
            ServiceMetricNames(
                requests: "response_total", outcome: "classification", failure: "failure",
                durations: "response_latency_ms", unit: 1e-3,
                selector: #"direction="inbound",namespace="{namespace}",deployment="{service}""#)
        case .traefik:
            ServiceMetricNames(
                requests: "traefik_service_requests_total", outcome: "code",
                durations: "traefik_service_request_duration_seconds",
                selector: #"service=~"{namespace}-{service}-[^-@]+@kubernetes(crd)?""#)
        // Requests are counted when they are sent, answers when they come: their counts differ for a while.
        case .envoy:
            ServiceMetricNames(
                requests: "envoy_cluster_upstream_rq_total", answers: "envoy_cluster_upstream_rq_xx",
                outcome: "envoy_response_code_class", failure: "5",
                durations: "envoy_cluster_upstream_rq_time", unit: 1e-3,
                selector: #"envoy_cluster_name=~"{namespace}_{service}_[0-9]+""#)
        case .histogram:
            ServiceMetricNames(
                requests: nil, outcome: "code", durations: "http_request_duration_seconds",
                selector: #"namespace="{namespace}",service="{service}""#)
        case .own: nil
        }
    }
}

/// How the latencies are counted.
public enum HistogramKind: String, Sendable, Codable, CaseIterable {
    /// In series of cumulative buckets, `..._bucket{le="..."}`.
    case classic
    /// In native histograms, one series each. Those with custom buckets, which Prometheus makes of classic ones when
    /// told to, are not meant: beyond their last bound the server returns the bound.
    case native
}

/// Under which names a project exports what services do.
struct ServiceMetricNames {
    /// The counter of requests; `nil` where the histogram counts them.
    var requests: String?
    /// The counter that tells failures apart, where `requests` does not.
    var answers: String?
    /// Its label that does.
    var outcome: String
    /// A regular expression of the label's values that are failures.
    var failure = "5.."
    /// The histogram of latencies.
    var durations: String
    /// Seconds in one unit of the latencies.
    var unit = 1.0
    /// What picks a service's series, with {namespace} and {service}.
    var selector: String

    /// The queries for services that `selector` picks.
    func queries(selector: String, histograms: HistogramKind) -> ServiceQueries {
        let isNative = histograms == .native
        func series(_ name: String?, _ matcher: String = "") -> String {
            "\(name ?? durations + (isNative ? "" : "_count")){\(selector)\(matcher)}"
        }
        func rate(_ name: String?, _ matcher: String = "") -> String {
            let sum = "sum(rate(\(series(name, matcher))[{window}]))"
            return name == nil && isNative ? "histogram_count(\(sum))" : sum
        }
        let answers = answers ?? requests
        let failed = #",\#(outcome)=~"\#(failure)""#
        // Series without the label say nothing of failures.
        let all = rate(answers, #",\#(outcome)!="""#)
        return ServiceQueries(
            newest: "max(timestamp(\(series(requests))))",
            requestRate: rate(requests),
            // A series of failures begins with the first one: none is 0 failures, one of a single sample has no rate.
            errorShare: "(\(rate(answers, failed)) or 0 * \(all) unless sum(\(series(answers, failed)))) / \(all)",
            buckets: isNative ? "" : "sum by (le) (rate(\(durations)_bucket{\(selector)}[{window}]))",
            quantile: isNative
                ? "histogram_quantile({quantile}, sum(rate(\(durations){\(selector)}[{window}])))" : "",
            unit: unit)
    }
}

/// The queries for what a service does, with placeholders; an empty one is not asked.
struct ServiceQueries {
    var newest: String
    var requestRate: String
    var errorShare: String
    var buckets: String
    var quantile: String
    /// Seconds in one unit of the buckets' bounds and the quantiles.
    var unit: Double
}
