/// Why an action cannot be carried out.
public enum ActionObstacle: Error, Sendable, Hashable, Codable {
    /// There is no pod with this id.
    case noSuchPod(Int)
    /// There is no node with this index.
    case noSuchNode(Int)
    /// There is no service with this index.
    case noSuchService(Int)
    /// The pod is no replica of a service under control.
    case notAReplica(pod: String)
    /// The pod has a node already, or is ending.
    case notPending(pod: String, Pod.Phase)
    /// The pod does not fit on the node.
    case placement(pod: String, node: String, PlacementObstacle)
    /// A change of 0 replicas.
    case noChange(service: String)
    /// The service may not have so many replicas.
    case replicas(service: String, wanted: Int, allowed: ClosedRange<Int>)
    /// The service may not request so much CPU, in cores.
    case request(service: String, wanted: Double, allowed: ClosedRange<Double>)
    /// The pod is pending or ending: there is nothing to evict.
    case notRunning(pod: String, Pod.Phase)
    /// The service's disruption budget lets no replica go now.
    case disruptionBudget(service: String)
    /// A guard of the environment forbids it, in its words.
    case guarded(String)
    /// The cluster refused it or did not answer, in its words.
    case refused(String)
}

extension ActionObstacle: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .noSuchPod(let id): "there is no pod \(id)"
        case .noSuchNode(let index): "there is no node \(index)"
        case .noSuchService(let index): "there is no service \(index)"
        case .notAReplica(let pod): "pod \(pod) is not a replica of a service under control"
        case .notPending(let pod, let phase): "pod \(pod) is not waiting for a node: it is \(phase.rawValue)"
        case .placement(let pod, let node, let obstacle): "pod \(pod) does not fit on \(node): \(obstacle.rawValue)"
        case .noChange(let service): "service \(service): a change of 0 replicas"
        case .replicas(let service, let wanted, let allowed):
            "service \(service) may have \(allowed.lowerBound) to \(allowed.upperBound) replicas, not \(wanted)"
        case .request(let service, let wanted, let allowed):
            "service \(service) may request \(allowed.lowerBound) to \(allowed.upperBound) cores, not \(wanted)"
        case .notRunning(let pod, let phase): "pod \(pod) is \(phase.rawValue)"
        case .disruptionBudget(let service): "the disruption budget of \(service) lets no replica go now"
        case .guarded(let reason), .refused(let reason): reason
        }
    }
}

extension ClusterSnapshot {
    /// Why `action` cannot be carried out on this cluster; `nil` when it can: the one place that says what is legal.
    ///
    /// Cost: O(1) beside finding the pod, O(pods), of a placement or an eviction.
    public func obstacle(to action: ClusterAction) -> ActionObstacle? {
        switch action {
        case .advance: return nil
        case .place(let id, let node):
            guard let pod = podIndex(id) else { return .noSuchPod(id) }
            guard nodes.indices.contains(node) else { return .noSuchNode(node) }
            return obstacle(placing: pods[pod], on: node)
        case .scale(let index, let change):
            guard services.indices.contains(index) else { return .noSuchService(index) }
            return obstacle(scaling: services[index], by: change)
        case .resize(let index, let factor):
            guard services.indices.contains(index) else { return .noSuchService(index) }
            return obstacle(resizing: services[index], by: factor)
        case .evict(let id):
            guard let pod = podIndex(id) else { return .noSuchPod(id) }
            return obstacle(evicting: pods[pod])
        }
    }

    func obstacle(placing pod: Pod, on node: Int) -> ActionObstacle? {
        guard pod.service != nil else { return .notAReplica(pod: pod.name) }
        guard pod.phase == .pending else { return .notPending(pod: pod.name, pod.phase) }
        return obstacle(for: pod, on: node).map { .placement(pod: pod.name, node: nodes[node].name, $0) }
    }

    func obstacle(scaling service: Service, by change: Int) -> ActionObstacle? {
        guard change != 0 else { return .noChange(service: service.name) }
        let allowed = service.minimumReplicas...max(service.minimumReplicas, service.maximumReplicas)
        let (sum, overflows) = service.replicas.addingReportingOverflow(change)
        let wanted = overflows ? (change > 0 ? .max : .min) : sum
        return allowed.contains(wanted) ? nil : .replicas(service: service.name, wanted: wanted, allowed: allowed)
    }

    func obstacle(resizing service: Service, by factor: Double) -> ActionObstacle? {
        let wanted = service.requests.cpu * factor
        return service.cpuRequestRange.contains(wanted)
            ? nil : .request(service: service.name, wanted: wanted, allowed: service.cpuRequestRange)
    }

    func obstacle(evicting pod: Pod) -> ActionObstacle? {
        guard let service = pod.service else { return .notAReplica(pod: pod.name) }
        guard pod.phase == .ready || pod.phase == .starting else { return .notRunning(pod: pod.name, pod.phase) }
        guard pod.phase != .ready || services[service].disruptionsAllowed > 0 else {
            return .disruptionBudget(service: services[service].name)
        }
        return nil
    }
}
