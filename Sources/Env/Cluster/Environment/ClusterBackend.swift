/// A cluster that actions are applied to: simulated or live.
public protocol ClusterBackend {
    /// What is known now. Applying an action shows in it at once.
    var snapshot: ClusterSnapshot { get }

    /// Starts an episode.
    /// - Parameter seed: decides everything that is random in a simulated episode.
    mutating func reset(seed: UInt64) throws

    /// Applies an action that takes no time.
    /// - Precondition: `action` is not `advance`.
    /// - Returns: `nil` when it was carried out, otherwise why not (a refusal is not an error: a disruption budget may
    ///   have been used up by others meanwhile).
    mutating func apply(_ action: ClusterAction) throws -> ActionObstacle?

    /// Lets one control interval pass.
    /// - Returns: what truly happened in it, measured without lag or noise where that is possible.
    mutating func advance() throws -> IntervalReport
}

/// What happened in one control interval.
public struct IntervalReport: Sendable, Equatable, Codable {
    /// Length in seconds.
    public var duration: Double
    /// What happened to each service's requests, in the snapshot's order.
    public var services: [ServiceInterval]
    /// What the requests of each service met on each node that answered some, by service and then node; `nil` where the
    /// backend does not tell nodes apart.
    public var nodes: [NodeInterval]?
    /// Integral over the interval of the cores requested by bound replicas of the services, in core-seconds.
    public var requestedCoreSeconds: Double
    /// Integral over the interval of the allocatable cores of all nodes that are up, in core-seconds.
    public var allocatableCoreSeconds: Double
    /// Pods of services that were evicted since the interval before, by action or by the cluster itself.
    public var evictions: Int
    /// Replicas created or removed since the interval before, evictions aside.
    public var replicaChanges: Int
    /// Replicas waiting for a node at the end.
    public var pendingReplicas: Int
    /// When the episode cannot go on: why.
    public var failure: String?

    /// A report of an interval of `duration` seconds in which nothing happened.
    public init(duration: Double, services: [ServiceInterval] = []) {
        self.duration = duration
        self.services = services
        requestedCoreSeconds = 0
        allocatableCoreSeconds = 0
        evictions = 0
        replicaChanges = 0
        pendingReplicas = 0
    }
}

/// What the requests of one service that were sent to replicas on one node met in a control interval.
public struct NodeInterval: Sendable, Hashable, Codable {
    /// Index of the service in the snapshot.
    public var service: Int
    /// Index of the node in the snapshot.
    public var node: Int
    /// Requests that the node's replicas answered, that timed out there, or that had no answer at the interval's end.
    public var requests = 0.0
    /// Median of their latencies in seconds, those without an answer by their age.
    public var latencyP50 = 0.0
    /// 95th percentile, likewise.
    public var latencyP95 = 0.0
    /// 99th percentile, likewise.
    public var latencyP99 = 0.0

    /// A service on a node, without requests.
    public init(service: Int, node: Int) { (self.service, self.node) = (service, node) }
}

/// What happened to one service's requests in a control interval.
public struct ServiceInterval: Sendable, Hashable, Codable {
    /// Requests that arrived.
    public var arrived = 0.0
    /// Requests answered. Over time completed + rejected + timed out is what arrived; in an interval it is more when
    /// requests of earlier ones died with their replica and too few were answered in this one to make up for them.
    public var completed = 0.0
    /// Requests rejected because no replica was ready or its queue was full, and those that died with their replica:
    /// the latter may have arrived in an earlier interval, so that more can be rejected than arrived.
    public var rejected = 0.0
    /// Requests given up on after the service's time-out.
    public var timedOut = 0.0
    /// Requests over the latency objective: answered late, rejected, timed out, or still queued for longer than the
    /// objective at the end.
    public var overObjective = 0.0
    /// Median latency of the requests that arrived, in seconds; `nil` when none did.
    public var latencyP50: Double?
    /// 95th percentile, likewise.
    public var latencyP95: Double?
    /// 99th percentile, likewise.
    public var latencyP99: Double?

    /// An interval without requests.
    public init() {}
}
