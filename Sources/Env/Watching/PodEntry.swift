import Cluster
public import Kubernetes
import Telemetry

/// The service that a pod is a replica of, by the controller that made it.
public struct ServiceKey: Sendable, Hashable {
    /// The controller's namespace.
    public var namespace: String
    /// The controller's kind.
    public var kind: String
    /// The controller's name.
    public var name: String

    init(namespace: String, kind: String, name: String) {
        (self.namespace, self.kind, self.name) = (namespace, kind, name)
    }

    /// The key of `pod`'s service; `nil` for pods that are nobody's replica: bare and static pods, and those of jobs
    /// and daemon sets. A Deployment's ReplicaSets count as one.
    public init?(_ pod: Kubernetes.Pod) {
        guard let controller = pod.controller, !["Job", "DaemonSet", "Node"].contains(controller.kind) else {
            return nil
        }
        namespace = pod.metadata.namespace ?? ""
        kind = controller.kind
        name = controller.name
        if let hash = pod.metadata.labels["pod-template-hash"], name.hasSuffix("-" + hash) {
            kind = "Deployment"
            name.removeLast(hash.utf8.count + 1)
        }
    }
}

/// What is kept of a pod beside its place in the snapshot.
struct PodEntry: Sendable {
    /// The pod's uid; its name where a request carries none.
    var identity: String
    /// Namespace and name, by which cadvisor knows the pod.
    var name: CadvisorScrape.PodName
    var service: ServiceKey?
    var scheduler: String?
    /// The node that the pod is bound to by the API server.
    var boundNode: String?
    /// The node that the pod is assumed on while it is not bound.
    var assumedNode: String?
    var requests: Resources
    var cpuLimit: Double?
    var created: Double
    /// Phase but for what a node makes of it.
    var isTerminating: Bool
    var isReady: Bool
    var labels: [String: String]
    /// Known from a request only: the watch has not shown it yet.
    var isProvisional: Bool

    var node: String? { boundNode ?? assumedNode }

    var phase: Cluster.Pod.Phase {
        if isTerminating { return .terminating }
        if node == nil { return .pending }
        return isReady ? .ready : .starting
    }

    init(_ pod: Kubernetes.Pod, isProvisional: Bool, now: Double) {
        identity = Self.identity(of: pod)
        name = CadvisorScrape.PodName(namespace: pod.metadata.namespace ?? "", name: pod.metadata.name)
        service = ServiceKey(pod)
        scheduler = pod.schedulerName
        boundNode = pod.nodeName
        requests = Resources(cpu: pod.requestedCPU?.value ?? 0, memory: pod.requestedMemory?.value ?? 0)
        labels = pod.metadata.labels
        cpuLimit = pod.limits["cpu"]?.value
        created = pod.metadata.creationTimestamp?.seconds ?? now
        isTerminating = pod.metadata.deletionTimestamp != nil
        isReady = pod.ready == .true
        self.isProvisional = isProvisional
    }

    static func identity(of pod: Kubernetes.Pod) -> String {
        pod.metadata.uid.isEmpty ? pod.key : pod.metadata.uid
    }
}
