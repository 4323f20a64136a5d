import Cluster
import Randomness
import Workloads

/// Everything that changes in an episode.
struct EpisodeState: Sendable, Codable {
    /// Keeps the snapshot. Its pods and `loads` are in the same order.
    var builder: SnapshotBuilder
    /// Seconds since the episode began.
    var time = 0.0
    /// Seconds that the actions since the last interval have taken: what they began begins so much later.
    var actionTime = 0.0
    var isRunning = false
    var nodes: [NodeModel] = []
    var services: [ServiceModel] = []
    /// The load of each service.
    var curves: [LoadCurve] = []
    /// What the pods of the snapshot do, in the same order.
    var loads: [PodLoad] = []
    var interference: InterferenceProcess?
    var jobsStarted = 0
    var nextPodID = 1
    /// Times of pods, nodes, arrivals and actions, each from a generator of its own.
    var lifecycleGenerator = RandomGenerator(seed: 0)
    var nodeGenerator = RandomGenerator(seed: 0)
    var arrivalGenerator = RandomGenerator(seed: 0)
    var actionGenerator = RandomGenerator(seed: 0)
    var telemetry = TelemetryState()
    /// Since the last report.
    var evictions = 0
    var replicaChanges = 0

    init(_ settings: SimulatorSettings) {
        builder = SnapshotBuilder(interval: settings.interval, maximumAge: settings.telemetry.maximumAge)
    }

    var snapshot: ClusterSnapshot {
        _read { yield builder.snapshot }
    }
}

/// A node's hardware and what became of it.
struct NodeModel: Sendable, Codable {
    var cores: Double
    var speed: Double
    var memory: Double
    var cache: Double
    var bandwidth: Double
    var reserved: Resources
    /// Losses per second.
    var lossRate: Double
    /// When it is lost next; negative for never.
    var lostAt = -1.0
    /// When it returns; negative while it is up.
    var returnsAt = -1.0
    /// When its replicas are replaced; negative for not.
    var replacedAt = -1.0
    /// Batch jobs on it.
    var jobs = 0
    /// What happened in the interval so far.
    var truth = NodeTruth()
    /// Core-seconds counted by the ends of the last intervals, newest first.
    var counted = SIMD4<Double>(repeating: 0)

    var isUp: Bool { returnsAt < 0 }
}

/// What happened on a node in an interval so far, as integrals over time.
struct NodeTruth: Sendable, Codable {
    var cpu = 0.0
    var memory = 0.0
    var bandwidth = 0.0
    var missRatio = 0.0
    var instructionsPerCycle = 0.0
}

/// What there is to measure on a node beside its counters.
struct NodeSample: Sendable, Codable {
    var memory = 0.0
    var bandwidth = 0.0
    var missRatio = 0.0
    var instructionsPerCycle = 0.0
}

/// A service's parameters and what became of it. Holds no reference, so that a copy costs nothing.
struct ServiceModel: Sendable, Codable {
    var serviceTime: ServiceTime
    var meanServiceTime: Double
    var timeOut: Double
    var queueLimit: Double
    var workers: Double
    var memoryUse: Double
    var maximumUnavailable: Double
    var startup: Double
    var startupVariation: Double
    var termination: Double
    var cpuSensitivity: Double
    var cacheSensitivity: Double
    var bandwidthSensitivity: Double
    var cache: Double
    var bandwidthPerCore: Double
    var baseRate: Double
    var rateNoise: Double
    var podsCreated = 0
    /// Of the last interval with answers; where the next search starts.
    var latencies: LatencyQuantiles
    /// Requests reported as answered that died with their replica since, and for which no answers of later intervals
    /// have been taken off yet.
    var neverAnswered = 0.0

    // Of the current placement (see `regroup`).
    var ready = 0
    var boundCores = 0.0

    /// Whether its CPU request is changed in place.
    var resizesInPlace = true
    /// Counts the templates that replicas were made from.
    var generation = 0
    /// Whether replicas of older templates are being replaced.
    var isRollingOut = false

    // Of the current interval.
    var rate = 0.0
    var rejected = 0.0
    var timedOut = 0.0
    /// Requests lost from the queues of replicas that died, and those of them that had not been over the objective.
    var killed = 0.0
    var killedInTime = 0.0
}

/// What a pod does to its node, and when its phase changes.
struct PodLoad: Sendable, Codable {
    /// Index of its service; negative for a batch job.
    var service: Int
    /// Index of its node; negative while pending.
    var node = -1
    var isReady = false
    /// When it becomes ready, is gone, or ends; negative for never.
    var changesAt = -1.0
    /// CPU weight, in cores requested; cgroups give at least 2 shares of 1024 for a core.
    var weight: Double
    /// Cores that it can use at most.
    var limit: Double
    /// Bytes of cache that it touches when it is busy.
    var cache: Double
    /// Memory traffic in bytes/s per core that it uses.
    var bandwidthPerCore: Double
    /// Memory in bytes.
    var memory: Double
    var queue = ReplicaQueue()

    // Of the current stretch of time.
    /// Cores that it wants on average.
    var demand = 0.0
    /// Cores that it has while it is busy.
    var capacity = 0.0
    /// Its service time / the service time alone.
    var slowdown = 1.0
    /// Core-seconds used in the interval so far.
    var used = 0.0
    /// Core-seconds counted by the ends of the last intervals, newest first; negative while it did not run.
    var counted = SIMD4<Double>(repeating: -1)
    /// The template that it was made from.
    var generation = 0

    static let leastWeight = 2.0 / 1024
}

/// Memory that is kept between intervals so that a step allocates nothing; holds no state.
struct Scratch: Sendable {
    var mixtures: [LatencyMixture] = []
    /// The same by node too: service times nodes plus node. Only where reports say so.
    var nodeMixtures: [LatencyMixture] = []
    /// Indices into the pods, grouped by node.
    var order: [Int] = []
    /// Where each node's group begins; one more than there are nodes.
    var starts: [Int] = []
    /// Whether the groups no longer fit the pods, or the number of replicas that a service desires has changed.
    var isStale = true
    /// Whether a node may have run out of memory since that was looked at.
    var isMemoryUnknown = true
    /// Whether services' disruption budgets may have changed since they were worked out.
    var areBudgetsUnknown = true
    /// When the next pod changes its phase; infinite for never.
    var nextChange = Double.infinity
    /// When the next batch jobs arrive; the beginning of time where that is not known.
    var nextJobs = -Double.infinity
    var allocatableCores = 0.0
    var sharing = ReusedArray<CoreClaim>()
    /// The scrapes of counters that fell due in the interval.
    var scrapes = ReusedArray<CounterScrape>()
    /// Which of them arrive of each node: bit n for scrape n.
    var arriving: [UInt64] = []
}
