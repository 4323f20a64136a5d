import Workloads
public import Cluster

extension SimulatedCluster {
    /// Applies an action; it shows in the snapshot at once. What it begins, a start or an end of pods, begins when the
    /// actions of the interval so far are through (`actionSeconds` each).
    /// - Precondition: `action` is not `advance`.
    /// - Returns: `nil` when it was carried out, otherwise why not.
    /// - Throws: `SimulatorError` before the first episode.
    public mutating func apply(_ action: ClusterAction) throws -> ActionObstacle? {
        guard state.isRunning else { throw SimulatorError.needsReset }
        if let obstacle = state.snapshot.obstacle(to: action) { return obstacle }
        let seconds = settings.actionSeconds.draw(using: &state.actionGenerator)
        state.actionTime = min(state.actionTime + seconds, settings.interval)
        switch action {
        case .advance: preconditionFailure("advance is a call of its own")
        case .place(let id, let node):
            guard let pod = state.snapshot.podIndex(id) else { return .noSuchPod(id) }
            bind(pod, to: node)
            scheduleReadiness(pod)
        case .scale(let service, let change): scale(service, change)
        case .resize(let service, let factor): resize(service, factor)
        case .evict(let id):
            guard let pod = state.snapshot.podIndex(id), let service = state.snapshot.pods[pod].service else {
                return .noSuchPod(id)
            }
            terminate(pod)
            state.evictions += 1
            createReplica(of: service)
        }
        updateDisruptions()
        return nil
    }

    private mutating func scale(_ index: Int, _ change: Int) {
        state.builder.changeService(index) { $0.replicas += change }
        scratch.isStale = true
        state.replicaChanges += abs(change)
        if change > 0 {
            for _ in 0..<change { createReplica(of: index) }
        } else {
            for _ in 0..<(-change) { removeReplica(of: index) }
        }
        if state.services[index].isRollingOut { rollOut(index) }
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

    private mutating func resize(_ index: Int, _ factor: Double) {
        let request = state.builder.changeService(index) { service in
            service.requests.cpu *= factor
            return service.requests.cpu
        }
        if state.services[index].resizesInPlace {
            resizeInPlace(index, to: request)
        } else {
            state.services[index].generation += 1
            state.services[index].isRollingOut = true
            rollOut(index)
        }
        scratch.isStale = true
    }

    private mutating func resizeInPlace(_ index: Int, to request: Double) {
        for pod in state.loads.indices
        where state.loads[pod].service == index && state.snapshot.pods[pod].phase != .terminating {
            var requests = state.snapshot.pods[pod].requests
            if let node = state.snapshot.pods[pod].node {
                let entry = state.snapshot.nodes[node]
                // Kubernetes defers an in-place resize that does not fit: the pod keeps its request.
                guard request - requests.cpu <= entry.allocatable.cpu - entry.requested.cpu + 1e-9 else { continue }
            }
            requests.cpu = request
            state.builder.resizePod(pod, requests)
            state.loads[pod].weight = max(PodLoad.leastWeight, request)
        }
    }

    /// Takes a rollout as far as it can go now, as a Deployment with the default strategy does: at most a quarter more
    /// replicas than desired, rounded up, and at most a quarter of them away, rounded down. New replicas are pending
    /// until they are placed. Each replica that is replaced counts as a change.
    mutating func rollOut(_ index: Int) {
        let desired = state.snapshot.services[index].replicas
        let generation = state.services[index].generation
        let surge = (desired + 3) / 4
        let away = desired / 4
        var (new, total, ready) = (0, 0, 0)
        var old: [(isReady: Bool, id: Int)] = []
        for (pod, load) in state.loads.enumerated()
        where load.service == index && state.snapshot.pods[pod].phase != .terminating {
            total += 1
            if load.isReady { ready += 1 }
            if load.generation == generation {
                new += 1
            } else {
                old.append((load.isReady, state.snapshot.pods[pod].id))
            }
        }
        // Old replicas that are not ready go first: they serve nobody.
        old.sort { ($0.isReady ? 1 : 0, $0.id) < ($1.isReady ? 1 : 0, $1.id) }
        for victim in old {
            guard !victim.isReady || ready > desired - away, let pod = state.snapshot.podIndex(victim.id) else { break }
            if victim.isReady { ready -= 1 }
            total -= 1
            state.replicaChanges += 1
            if state.snapshot.pods[pod].phase == .pending { remove(pod) } else { terminate(pod) }
        }
        for _ in 0..<max(0, min(desired - new, desired + surge - total)) {
            createReplica(of: index)
            new += 1
        }
        state.services[index].isRollingOut = state.loads.indices.contains {
            state.loads[$0].service == index && state.loads[$0].generation != generation
                && state.snapshot.pods[$0].phase != .terminating
        }
    }
}
