import CoreMetrics
import Monitoring

/// What the extender counts.
struct ExtenderMetrics: Sendable {
    private let factory: any MetricsFactory
    private let fallbacks: [PlacementScorer.FallbackReason: Counter]
    let unknownNodes: Counter
    let filteredNodes: Counter
    let decisionSeconds: CoreMetrics.Timer
    let scrapes: Counter
    let failedScrapes: Counter
    let serviceReads: Counter
    let failedServiceReads: Counter
    private let nodes: Gauge
    private let pods: Gauge
    private let assumedPods: Gauge
    private let measuredNodes: Gauge
    private let services: Gauge
    private let measuredServices: Gauge
    private let policyLoaded: Gauge
    private let ready: Gauge

    private static let help = [
        "berth_extender_requests_total": "Requests by verb and HTTP status.",
        "berth_extender_request_duration_seconds": "Time to answer a request, body included.",
        "berth_extender_decision_duration_seconds": "Time to score the nodes of a prioritize request.",
        "berth_extender_fallbacks_total": "Requests that the fallback strategy answered, by reason.",
        "berth_extender_unknown_nodes_total": "Nodes asked about that were not known.",
        "berth_extender_filtered_nodes_total": "Nodes that a filter request removed.",
        "berth_extender_policy_loaded": "Whether a policy is loaded.",
        "berth_extender_ready": "Whether nodes and pods are listed and a policy is loaded.",
        "berth_extender_nodes": "Nodes known.",
        "berth_extender_pods": "Unfinished pods known.",
        "berth_extender_assumed_pods": "Pods taken to be on the node that was best for them.",
        "berth_extender_measured_nodes": "Nodes with a fresh measurement of CPU use.",
        "berth_extender_services": "Services whose pods have been asked about.",
        "berth_extender_measured_services": "Services with a fresh request rate and p99.",
        "berth_telemetry_scrapes_total": "Scrapes of kubelets' cadvisor, by result.",
        "berth_telemetry_service_reads_total": "Times that Prometheus was asked what services do, by result.",
        "berth_reflector_lists_total": "Complete lists taken from the API server, by kind.",
        "berth_reflector_watches_total": "Watches started, by kind.",
        "berth_reflector_failures_total": "Lists and watches that failed, by kind.",
    ]

    init(registry: PrometheusRegistry) {
        factory = registry
        for (name, text) in Self.help { registry.describe(name, text) }
        fallbacks = Dictionary(
            uniqueKeysWithValues: PlacementScorer.FallbackReason.allCases.map { reason in
                (
                    reason,
                    Counter(
                        label: "berth_extender_fallbacks_total", dimensions: [("reason", reason.rawValue)],
                        factory: registry)
                )
            })
        unknownNodes = Counter(label: "berth_extender_unknown_nodes_total", factory: registry)
        filteredNodes = Counter(label: "berth_extender_filtered_nodes_total", factory: registry)
        decisionSeconds = CoreMetrics.Timer(label: "berth_extender_decision_duration_seconds", factory: registry)
        scrapes = Counter(label: "berth_telemetry_scrapes_total", dimensions: [("result", "ok")], factory: registry)
        failedScrapes = Counter(
            label: "berth_telemetry_scrapes_total", dimensions: [("result", "failed")], factory: registry)
        serviceReads = Counter(
            label: "berth_telemetry_service_reads_total", dimensions: [("result", "ok")], factory: registry)
        failedServiceReads = Counter(
            label: "berth_telemetry_service_reads_total", dimensions: [("result", "failed")], factory: registry)
        nodes = Gauge(label: "berth_extender_nodes", factory: registry)
        pods = Gauge(label: "berth_extender_pods", factory: registry)
        assumedPods = Gauge(label: "berth_extender_assumed_pods", factory: registry)
        measuredNodes = Gauge(label: "berth_extender_measured_nodes", factory: registry)
        services = Gauge(label: "berth_extender_services", factory: registry)
        measuredServices = Gauge(label: "berth_extender_measured_services", factory: registry)
        policyLoaded = Gauge(label: "berth_extender_policy_loaded", factory: registry)
        ready = Gauge(label: "berth_extender_ready", factory: registry)
    }

    func countRequest(verb: String, status: Int, nanoseconds: Int64) {
        Counter(
            label: "berth_extender_requests_total", dimensions: [("verb", verb), ("code", "\(status)")],
            factory: factory
        ).increment()
        CoreMetrics.Timer(
            label: "berth_extender_request_duration_seconds", dimensions: [("verb", verb)], factory: factory
        ).recordNanoseconds(nanoseconds)
    }

    func countFallback(_ reason: PlacementScorer.FallbackReason) {
        fallbacks[reason]?.increment()
    }

    func countReflector(_ what: String, kind: String) {
        Counter(label: "berth_reflector_\(what)_total", dimensions: [("kind", kind)], factory: factory).increment()
    }

    /// Sets the gauges from the scorer's present state.
    func update(from scorer: PlacementScorer) {
        let size = scorer.size
        nodes.record(size.nodes)
        pods.record(size.pods)
        assumedPods.record(size.assumed)
        measuredNodes.record(size.measured)
        services.record(size.services)
        measuredServices.record(size.measuredServices)
        policyLoaded.record(scorer.hasPolicy ? 1 : 0)
        ready.record(scorer.hasPolicy && scorer.hasSynced ? 1 : 0)
    }
}
