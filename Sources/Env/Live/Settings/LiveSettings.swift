public import LoadGeneration
public import Settings
public import Telemetry
public import Watching
public import Workloads

/// A live cluster as an environment's backend: what runs in it, how it is measured, and what must not happen.
public struct LiveSettings: Configurable, Equatable {
    /// The cluster.
    public var kubernetes = KubernetesSettings()
    /// The namespace of the episodes. It is made, and removed with everything in it: never one that exists already.
    public var namespace = "berth-episode"
    /// Length of the control interval in seconds.
    public var interval = 20.0
    /// Intervals that pass before an episode begins, so that it begins in steady operation and with measurements: two, as
    /// in the simulator, since what a load was before is known after the second only.
    public var warmup = 2
    /// Who binds the episodes' pods.
    public var placement = PlacementOwner.environment
    /// The services.
    public var services: [LiveServiceSettings] = []
    /// How nodes and pods are measured.
    public var usage = UsageSettings()
    /// The Prometheus server that says what the services do, in place of the load generator: a policy then sees what it
    /// would see in production. Reward and figures of an episode are the load generator's all the same.
    public var serviceMetrics = ServiceMetricsSettings()
    /// Interference that every episode meets, by the episode's time: stress-ng pods in its namespace.
    public var interferencePlan = InterferencePlan()
    /// What must not happen.
    public var guards = GuardSettings()
    /// Seconds that the workload may take to become ready at the start of an episode.
    public var readySeconds = 180.0
    /// Seconds without an answer of the API server after which an episode ends, truncated.
    public var patience = 60.0
    /// A file to which every action and its outcome is appended, one JSON object a line. Empty: none.
    public var auditLog = ""
    /// A file to which is appended what the cluster told Berth and what was decided on it, one JSON object a line, for
    /// `RecordedCluster` to play again. Empty: none.
    public var recording = ""

    /// An episode without services; `services` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        if let problem = Self.obstacle(toNamespace: namespace) {
            try require("namespace", false, must: problem)
        }
        try require("interval", interval, in: 1...3600)
        try require("warmup", warmup, in: 0...100)
        try require("services", notEmpty: services)
        try require("readySeconds", readySeconds, in: 1...3600)
        try require("patience", patience, in: 1...3600)
    }

    /// What a namespace must be that it is not; `nil` for one that may be made and removed.
    static func obstacle(toNamespace text: String) -> String? {
        // An RFC 1123 label.
        guard text.wholeMatch(of: /[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/) != nil else {
            return "be a DNS label such as berth-episode"
        }
        return ["default", "kube-system", "kube-public", "kube-node-lease"].contains(text)
            ? "be a namespace of the episodes' own: it is removed at the end" : nil
    }
}

/// Who binds pods to nodes in the episodes of a live cluster.
public enum PlacementOwner: String, Sendable, Codable, CaseIterable {
    /// The environment: the pods carry its scheduler name, and every placement is a decision.
    case environment
    /// The cluster's default scheduler: the environment is not asked.
    case defaultScheduler
}

/// Where a service's requests go.
public enum LoadRoute: String, Sendable, Codable, CaseIterable {
    /// To the addresses of the ready pods, each as likely as any other. This machine must reach the pod network.
    case pods
    /// To the cluster address of the Service, which spreads connections. This machine must reach the service network.
    case service
}

/// One service of a live cluster.
public struct LiveServiceSettings: Configurable, Equatable {
    /// A YAML file with one Deployment, and what it needs: config maps, a Service, a disruption budget. The Deployment's
    /// annotation `berth.dev/latency-objective` is the latency objective, such as "100ms".
    public var manifest = ""
    /// The port that requests go to.
    public var port = 80
    /// The path that requests ask for.
    public var path = "/"
    /// Where requests go.
    public var route = LoadRoute.pods
    /// Replicas at the start of an episode.
    public var replicas = 2
    /// Fewest replicas.
    public var minimumReplicas = 1
    /// Most replicas.
    public var maximumReplicas = 8
    /// Bounds that resizing keeps, as multiples of the first CPU request.
    public var resizeBounds = ValueRange(0.5, 2)
    /// The load; targets, duration, seed and objective are the episode's.
    public var load = LoadSettings()

    /// A service on port 80; `manifest` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("manifest", notEmpty: manifest)
        try require("port", port, in: 1...65_535)
        try require("path", path.hasPrefix("/"), must: "start with '/'")
        try require("minimumReplicas", minimumReplicas, in: 0...10_000)
        try require("maximumReplicas", maximumReplicas, in: max(1, minimumReplicas)...10_000)
        try require("replicas", replicas, in: max(1, minimumReplicas)...maximumReplicas)
        try require("resizeBounds", resizeBounds, above: 0)
        try require("resizeBounds", resizeBounds.lower <= 1 && resizeBounds.upper >= 1, must: "include 1")
        try require("load.targets", load.targets.isEmpty, must: "be left out: the service's replicas are the targets")
    }
}

/// What must not happen to a live cluster, whatever a policy decides.
public struct GuardSettings: Configurable, Equatable {
    /// Most evictions in a control interval.
    public var evictionsPerInterval = 1
    /// Whether scaling, resizing and evicting are refused for a service none of whose load, latency and CPU use is
    /// measured.
    public var needsMeasurements = true
    /// Whether actions are only checked by the API server and not carried out. The services, their first replicas and
    /// their load are there all the same.
    public var dryRun = false

    /// One eviction an interval, and nothing blindly.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("evictionsPerInterval", evictionsPerInterval, in: 0...1000)
    }
}
