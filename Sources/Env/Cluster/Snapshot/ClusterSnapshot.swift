public import Windows

/// Everything a policy may know about a cluster at one moment.
///
/// `SnapshotBuilder` makes it, for the simulator, a live cluster and the extender alike; one encoder turns it into
/// features. Nodes and services keep their index for the whole episode; pods come and go and are named by `Pod.id`.
public struct ClusterSnapshot: Sendable, Equatable, Codable {
    /// The present: seconds since a simulated episode began, or since 1970 on a real cluster.
    public var time: Double
    /// Length of the control interval in seconds.
    public var interval: Double
    /// The nodes, those that are lost or cordoned too.
    public var nodes: [Node]
    /// The services whose replicas are under control.
    public var services: [Service]
    /// All pods that have not finished, in no particular order: pending ones are queued by `created`, then `id`.
    public var pods: [Pod]

    /// A snapshot of these parts.
    public init(time: Double = 0, interval: Double = 20, nodes: [Node] = [], services: [Service] = [], pods: [Pod] = [])
    {
        self.time = time
        self.interval = interval
        self.nodes = nodes
        self.services = services
        self.pods = pods
    }

    /// Index of the pod with this id; `nil` when there is none. Cost: O(pods).
    public func podIndex(_ id: Int) -> Int? { pods.firstIndex { $0.id == id } }

    /// Why `pod` cannot run on the node at `index`; `nil` when it can. Cost: O(1).
    public func obstacle(for pod: Pod, on index: Int) -> PlacementObstacle? {
        let node = nodes[index]
        guard node.isSchedulable else { return .unschedulable }
        guard node.podCount < node.maximumPods else { return .podLimit }
        let free = node.allocatable - node.requested
        guard pod.requests.cpu <= 0 || pod.requests.cpu <= free.cpu + 1e-9 else { return .cpu }
        guard pod.requests.memory <= 0 || pod.requests.memory <= free.memory + 1 else { return .memory }
        return nil
    }
}

/// Why a pod cannot run on a node.
public enum PlacementObstacle: String, Sendable, Codable {
    /// The node is lost, not ready, cordoned or tainted.
    case unschedulable = "node is not schedulable"
    /// The node has as many pods as it may have.
    case podLimit = "too many pods"
    /// The requested CPU does not fit beside what is requested already.
    case cpu = "insufficient cpu"
    /// The requested memory does not fit beside what is requested already.
    case memory = "insufficient memory"
}

/// A node and what is known about it.
public struct Node: Sendable, Hashable, Codable {
    /// Unique name.
    public var name: String
    /// What pods may request in all.
    public var allocatable: Resources
    /// Most pods that may run at once.
    public var maximumPods: Int
    /// False when the node is lost, not ready, cordoned or tainted against ordinary pods: nothing may be placed there.
    public var isSchedulable: Bool
    /// Peak memory bandwidth in bytes/s, where it is known.
    public var peakMemoryBandwidth: Double?
    /// Sum of the requests of the pods bound to it, terminating ones too.
    public var requested = Resources()
    /// Number of pods bound to it.
    public var podCount = 0
    /// CPU in use by everything on the node, in cores, mean over the window.
    public var cpuUsage: Measured?
    /// Memory in use by everything on the node, in bytes.
    public var memoryUsage: Measured?
    /// Memory traffic in bytes/s, mean over the window (PCM).
    public var memoryBandwidth: Measured?
    /// Last-level cache misses / references, 0 to 1 (PCM).
    public var cacheMissRatio: Measured?
    /// Instructions per cycle (PCM).
    public var instructionsPerCycle: Measured?

    /// A node without pods of which nothing has been measured.
    public init(
        name: String, allocatable: Resources, maximumPods: Int = 110, isSchedulable: Bool = true,
        peakMemoryBandwidth: Double? = nil
    ) {
        self.name = name
        self.allocatable = allocatable
        self.maximumPods = maximumPods
        self.isSchedulable = isSchedulable
        self.peakMemoryBandwidth = peakMemoryBandwidth
    }
}

/// A service: replicas of one pod template behind one address, with an objective for its latency.
public struct Service: Sendable, Hashable, Codable {
    /// Unique name.
    public var name: String
    /// Desired number of replicas.
    public var replicas: Int
    /// Fewest replicas that may be desired.
    public var minimumReplicas: Int
    /// Most replicas that may be desired.
    public var maximumReplicas: Int
    /// What each new replica requests.
    public var requests: Resources
    /// Most CPU cores a replica may use; `nil` for no limit.
    public var cpuLimit: Double?
    /// Bounds of the CPU request that `resize` keeps, in cores.
    public var cpuRequestRange: ClosedRange<Double>
    /// How its CPU request is changed.
    public var resizing: ResizeMode
    /// The latency that a request should not exceed, in seconds.
    public var latencyObjective: Double
    /// Ready replicas that its disruption budget lets go now.
    public var disruptionsAllowed: Int
    /// Requests arriving per second, mean over the window.
    public var arrivalRate: Measured?
    /// Requests arriving per second, mean over the window before that one: tells a rising load from a falling one.
    public var previousArrivalRate: Measured?
    /// Requests answered per second, mean over the window.
    public var throughput: Measured?
    /// Requests rejected or timed out / requests arrived, 0 to 1.
    public var errorShare: Measured?
    /// Median latency over the window, in seconds.
    public var latencyP50: Measured?
    /// 95th percentile of latency over the window, in seconds.
    public var latencyP95: Measured?
    /// 99th percentile of latency over the window, in seconds.
    public var latencyP99: Measured?
    /// CPU in use by all its replicas, in cores, mean over the window.
    public var cpuUsage: Measured?

    /// A service of which nothing has been measured.
    public init(
        name: String, replicas: Int, minimumReplicas: Int = 1, maximumReplicas: Int, requests: Resources,
        cpuLimit: Double? = nil, cpuRequestRange: ClosedRange<Double>? = nil, resizing: ResizeMode = .inPlace,
        latencyObjective: Double, disruptionsAllowed: Int = 1
    ) {
        self.name = name
        self.replicas = replicas
        self.minimumReplicas = minimumReplicas
        self.maximumReplicas = maximumReplicas
        self.requests = requests
        self.cpuLimit = cpuLimit
        self.cpuRequestRange = cpuRequestRange ?? requests.cpu...requests.cpu
        self.resizing = resizing
        self.latencyObjective = latencyObjective
        self.disruptionsAllowed = disruptionsAllowed
    }
}

/// How a service's replicas come to request another amount.
public enum ResizeMode: String, Sendable, Hashable, Codable {
    /// Running replicas are changed where they are, if their nodes have room.
    case inPlace
    /// New replicas replace the old ones, a few at a time: they have to be placed and to start.
    case rollout
}

/// A pod that has not finished.
public struct Pod: Sendable, Hashable, Codable {
    /// Where a pod is in its life.
    public enum Phase: String, Sendable, Codable {
        /// Not bound to a node yet.
        case pending
        /// Bound, not ready yet.
        case starting
        /// Ready: a replica takes requests.
        case ready
        /// Takes no new requests and will be gone soon.
        case terminating
    }

    /// Unique in the episode; never reused.
    public var id: Int
    /// Unique name.
    public var name: String
    /// Index of the service that it is a replica of; `nil` for any other pod.
    public var service: Int?
    /// Index of its node; `nil` while pending.
    public var node: Int?
    /// Where it is in its life.
    public var phase: Phase
    /// What it requests.
    public var requests: Resources
    /// Time of creation, on the clock of `ClusterSnapshot.time`.
    public var created: Double
    /// CPU in use, in cores, mean over the window.
    public var cpuUsage: Measured?

    /// A pod, pending unless it has a node.
    public init(
        id: Int, name: String, service: Int? = nil, node: Int? = nil, phase: Phase = .pending, requests: Resources,
        created: Double
    ) {
        self.id = id
        self.name = name
        self.service = service
        self.node = node
        self.phase = phase
        self.requests = requests
        self.created = created
    }
}
