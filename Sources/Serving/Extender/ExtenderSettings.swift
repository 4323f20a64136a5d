import Baselines
public import Cluster
public import Settings
public import Telemetry
public import Watching

/// What `berth serve` reads from its configuration file. Durations are in seconds.
public struct ExtenderSettings: Configurable, Equatable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system choose.
    public var port = 8686
    /// The trained policy: a checkpoint or a run folder. Empty: the fallback answers everything, and the server never
    /// becomes ready.
    public var policy = ""
    /// A predictor for `filter.risk`: a file that `berth predict train` wrote, with `ignoredFeatures` as of
    /// `RiskFilter.unknownFeatures`. Empty: none.
    public var predictor = ""
    /// Answers when the policy cannot.
    public var fallback = FallbackStrategy.balanced
    /// Answers 10 minus each score: for showing that the scores decide, never for production.
    public var invertScores = false
    /// How long a pod is taken to be on the node that was best for it, unless the watch says otherwise.
    public var assumeSeconds = 5.0
    /// The largest request body; a larger one is refused with status 413.
    public var maximumBodyBytes = 64 << 20
    /// The control interval that the policy was trained with: ages of measurements are relative to it.
    public var interval = 20.0
    /// Most replicas of a service, which the API does not tell.
    public var maximumReplicas = 20
    /// Seed of the jitter in retries.
    public var seed = 0
    /// The cluster to watch.
    public var kubernetes = KubernetesSettings()
    /// How usage is measured.
    public var telemetry = UsageSettings()
    /// The Prometheus server that is asked what services do; without one their rate, errors and latency are missing.
    public var services = ServiceMetricsSettings()
    /// What `/filter` removes.
    public var filter = FilterSettings()

    /// The defaults.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("host", notEmpty: host)
        try require("port", port, in: 0...65_535)
        try require("assumeSeconds", assumeSeconds, in: 0...600)
        try require("maximumBodyBytes", maximumBodyBytes, in: 1_024...(1 << 30))
        try require("interval", interval, above: 0)
        try require("maximumReplicas", maximumReplicas, in: 1...100_000)
        try require("seed", seed, in: 0...)
        try require(
            "filter.risk", filter.risk == nil || !predictor.isEmpty, must: "be left out without a predictor")
        try require("predictor", filter.risk != nil || predictor.isEmpty, must: "be left out without filter.risk")
    }
}

/// What answers when the policy cannot: a placement strategy of Baselines.
public enum FallbackStrategy: String, Codable, Sendable, CaseIterable {
    /// Evens out the load of the nodes, by requests and by what was measured.
    case balanced
    /// Fewest replicas of the pod's service first, then fewest pods.
    case spread
    /// Fullest node first.
    case pack
    /// kube-scheduler's own scoring.
    case `default`

    /// The strategy, ready to place.
    public var policy: any Policy {
        switch self {
        case .balanced: Balanced()
        case .spread: Spread()
        case .pack: Pack()
        case .default: DefaultScheduler()
        }
    }
}

/// What `/filter` removes. kube-scheduler checks requests itself; this is about what is measured and predicted. A node
/// without a fresh measurement always passes, and so do all nodes where otherwise none would remain.
public struct FilterSettings: Configurable, Equatable {
    /// The largest measured CPU use of a node, as a share of what pods may request; absent: no limit.
    public var cpuShare: Double?
    /// The largest measured memory use of a node, as a share of what pods may request; absent: no limit.
    public var memoryShare: Double?
    /// The largest predicted p99 / objective of the pod's service with the pod on the node; absent: no limit. The objective
    /// is the pod's annotation `berth.dev/latency-objective`, or else the predictor's.
    public var risk: Double?

    /// No limits.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("risk", risk, in: 0.01...1_000)
        try require("cpuShare", cpuShare, in: 0.01...100)
        try require("memoryShare", memoryShare, in: 0.01...100)
    }
}
