public import Cluster

extension SimulatedCluster {
    /// Applies an action that takes no time; it shows in the snapshot at once.
    /// - Precondition: `action` is not `advance`.
    /// - Returns: `nil` when it was carried out, otherwise why not.
    /// - Throws: `SimulatorError` before the first episode.
    public mutating func apply(_ action: ClusterAction) throws -> String? {
        guard state.isRunning else { throw SimulatorError.needsReset }
        let refusal: String?
        switch action {
        case .advance: preconditionFailure("advance is a call of its own")
        case .place(let pod, let node): refusal = place(pod, node)
        case .scale(let service, let change): refusal = scale(service, change)
        case .resize(let service, let factor): refusal = resize(service, factor)
        case .evict(let pod): refusal = evict(pod)
        }
        if refusal == nil { updateDisruptions() }
        return refusal
    }

    private mutating func place(_ id: Int, _ node: Int) -> String? {
        guard let pod = state.snapshot.podIndex(id) else { return "there is no pod \(id)" }
        guard state.snapshot.nodes.indices.contains(node) else { return "there is no node \(node)" }
        let name = state.snapshot.pods[pod].name
        guard state.snapshot.pods[pod].phase == .pending else { return "pod \(name) is bound already" }
        if let obstacle = state.snapshot.obstacle(for: state.snapshot.pods[pod], on: node) {
            return "pod \(name) does not fit on \(state.snapshot.nodes[node].name): \(obstacle.rawValue)"
        }
        bind(pod, to: node)
        scheduleReadiness(pod)
        return nil
    }

    private mutating func scale(_ index: Int, _ change: Int) -> String? {
        guard state.services.indices.contains(index) else { return "there is no service \(index)" }
        let service = state.snapshot.services[index]
        let desired = service.replicas + change
        guard change != 0 else { return "service \(service.name): a change of 0 replicas" }
        guard desired >= service.minimumReplicas, desired <= max(service.minimumReplicas, service.maximumReplicas)
        else {
            return "service \(service.name) may have \(service.minimumReplicas) to \(service.maximumReplicas) replicas,"
                + " not \(desired)"
        }
        state.snapshot.services[index].replicas = desired
        state.replicaChanges += abs(change)
        if change > 0 {
            for _ in 0..<change { createReplica(of: index) }
        } else {
            for _ in 0..<(-change) { removeReplica(of: index) }
        }
        return nil
    }

    /// Removes the replica that a ReplicaSet would: pending before bound, not ready before ready, on a node with more
    /// of its replicas before one with fewer, younger before older (kubernetes, pkg/controller, ActivePodsWithRanks).
    private mutating func removeReplica(of service: Int) {
        var victim: Int?
        var victimKey = (0, 0, 0)
        for (pod, entry) in state.snapshot.pods.enumerated()
        where entry.service == service && entry.phase != .terminating {
            var beside = 0
            if let node = entry.node {
                for other in state.snapshot.pods
                where other.service == service && other.node == node && other.phase != .terminating {
                    beside += 1
                }
            }
            let stage = entry.phase == .pending ? 0 : entry.phase == .starting ? 1 : 2
            let key = (stage, -beside, -entry.id)
            if victim == nil || key < victimKey { (victim, victimKey) = (pod, key) }
        }
        guard let victim else { return }
        if state.snapshot.pods[victim].phase == .pending { remove(victim) } else { terminate(victim) }
    }

    private mutating func resize(_ index: Int, _ factor: Double) -> String? {
        guard state.services.indices.contains(index) else { return "there is no service \(index)" }
        let service = state.snapshot.services[index]
        let request = service.requests.cpu * factor
        guard service.cpuRequestRange.contains(request) else {
            return "service \(service.name) may request \(service.cpuRequestRange.lowerBound) to"
                + " \(service.cpuRequestRange.upperBound) cores, not \(request)"
        }
        state.snapshot.services[index].requests.cpu = request
        for pod in state.snapshot.pods.indices
        where state.snapshot.pods[pod].service == index && state.snapshot.pods[pod].phase != .terminating {
            if let node = state.snapshot.pods[pod].node {
                let entry = state.snapshot.nodes[node]
                let growth = request - state.snapshot.pods[pod].requests.cpu
                // Kubernetes defers an in-place resize that does not fit: the pod keeps its request.
                guard growth <= entry.allocatable.cpu - entry.requested.cpu + 1e-9 else { continue }
                state.snapshot.nodes[node].requested.cpu += growth
            }
            state.snapshot.pods[pod].requests.cpu = request
            state.loads[pod].weight = max(PodLoad.leastWeight, request)
        }
        scratch.isStale = true
        return nil
    }

    private mutating func evict(_ id: Int) -> String? {
        guard let pod = state.snapshot.podIndex(id) else { return "there is no pod \(id)" }
        let entry = state.snapshot.pods[pod]
        guard let service = entry.service else { return "pod \(entry.name) is not a replica of a service" }
        switch entry.phase {
        case .pending: return "pod \(entry.name) is not bound"
        case .terminating: return "pod \(entry.name) is terminating already"
        case .starting: break
        case .ready:
            guard state.snapshot.services[service].disruptionsAllowed > 0 else {
                return "the disruption budget of \(state.snapshot.services[service].name) lets no replica go now"
            }
        }
        terminate(pod)
        state.evictions += 1
        createReplica(of: service)
        return nil
    }
}
