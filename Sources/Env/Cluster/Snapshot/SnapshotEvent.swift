public import Windows

/// Something that a `SnapshotBuilder` is told: a change of an object, a reading, or what time it is. Kept in order, they
/// are all that is needed to make the same snapshots again.
public enum SnapshotEvent: Sendable, Equatable, Codable {
    /// A node was added, with what of its machine is the node.
    case addNode(Node, scope: NodeScope)
    /// What pods may request on a node, and how many there may be.
    case changeNode(Int, allocatable: Resources, maximumPods: Int)
    /// Whether pods may be placed on a node.
    case setSchedulable(Int, Bool)
    /// A node that is gone but keeps its index.
    case forgetReadings(node: Int)
    /// A node was removed; the last one took its index.
    case removeNode(Int)
    /// A service was added.
    case addService(Service)
    /// What is desired of a service. What the value says of measurements counts for nothing.
    case changeService(Int, Service)
    /// A service was removed; the last one took its index.
    case removeService(Int)
    /// How many ready replicas a service's disruption budget lets go; `nil` without a budget.
    case setDisruptionsAllowed(service: Int, Int?)
    /// A pod was added.
    case addPod(Pod)
    /// A pod's node; `nil` for none.
    case movePod(Int, node: Int?)
    /// Where in its life a pod is.
    case setPhase(pod: Int, Pod.Phase)
    /// What a pod requests.
    case resizePod(Int, Resources)
    /// Of which service a pod is a replica.
    case setService(pod: Int, Int?)
    /// A pod was removed; the last one took its index.
    case removePod(Int)
    /// What a source said of a node.
    case nodeReading(Int, NodeReading)
    /// What cadvisor read of a pod.
    case podReading(Int, UsageReading)
    /// What was seen of a service's requests.
    case requests(service: Int, RequestSample)
    /// What time it is; measured values stay.
    case setTime(Double)
    /// What time it is; measured values are those of now.
    case prepare(Double)
}

extension SnapshotBuilder {
    /// Takes in an event.
    /// - Precondition: its indices are those of the snapshot.
    public mutating func apply(_ event: SnapshotEvent) {
        switch event {
        case .addNode(let node, let scope): addNode(node, scope: scope)
        case .changeNode(let index, let allocatable, let maximumPods):
            changeNode(index, allocatable: allocatable, maximumPods: maximumPods)
        case .setSchedulable(let index, let isSchedulable): setSchedulable(index, isSchedulable)
        case .forgetReadings(let node): forgetReadings(ofNode: node)
        case .removeNode(let index): removeNode(index)
        case .addService(let service): addService(service)
        case .changeService(let index, let service): changeService(index) { $0.takeDesired(from: service) }
        case .removeService(let index): removeService(index)
        case .setDisruptionsAllowed(let service, let allowed): setDisruptionsAllowed(service, allowed)
        case .addPod(let pod): addPod(pod)
        case .movePod(let index, let node): movePod(index, to: node)
        case .setPhase(let pod, let phase): setPhase(pod, phase)
        case .resizePod(let index, let requests): resizePod(index, requests)
        case .setService(let pod, let service): setService(ofPod: pod, service)
        case .removePod(let index): removePod(index)
        case .nodeReading(let index, let reading): add(reading, ofNode: index)
        case .podReading(let index, let reading): add(reading, ofPod: index)
        case .requests(let service, let sample): add(sample, ofService: service)
        case .setTime(let now): setTime(now)
        case .prepare(let now): prepare(at: now)
        }
    }
}

extension Service {
    /// Takes over what is desired, and keeps what is measured.
    fileprivate mutating func takeDesired(from other: Service) {
        (replicas, minimumReplicas, maximumReplicas) = (other.replicas, other.minimumReplicas, other.maximumReplicas)
        (requests, cpuLimit, cpuRequestRange) = (other.requests, other.cpuLimit, other.cpuRequestRange)
        (resizing, latencyObjective) = (other.resizing, other.latencyObjective)
    }
}
