import Windows
public import Settings

/// Which actions are legal beside the cluster's own limits.
public struct ActionRules: Configurable, Equatable {
    /// Largest change of a service's replicas by one action, up or down; 0 forbids scaling.
    public var largestReplicaChange = 4
    /// Factors by which the CPU request of a service can be multiplied; empty forbids resizing.
    public var resizeFactors = [0.8, 1.25]
    /// Most evictions in a control interval; 0 forbids evicting.
    public var evictionsPerInterval = 1
    /// Most pods listed for eviction, those most at risk.
    public var evictionCandidates = 64

    /// The default rules.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("largestReplicaChange", largestReplicaChange, in: 0...64)
        try require("evictionsPerInterval", evictionsPerInterval, in: 0...64)
        try require("evictionCandidates", evictionCandidates, in: 0...4096)
        try require("resizeFactors", each: resizeFactors, in: 0.1...10)
    }
}

/// What was done in the current control interval, so that chains of actions that take no time end.
///
/// Lists in the order of events, not sets: equal states are then stored as equal bytes.
struct ControlLedger: Equatable, Codable, Sendable {
    var scaled: [Int] = []
    var resized: [Int] = []
    var evictions = 0
    /// Pods whose placement the cluster refused: not asked for again before time passes.
    var unplaceable: [Int] = []
    /// Control actions that the cluster refused: likewise.
    var refused: [ClusterAction] = []
}

/// Lists what can be done.
struct CandidateLister: Sendable {
    var rules: ActionRules

    /// The placement of the first pending replica in the queue that fits anywhere; `nil` when there is none.
    /// Cost: O(pods + nodes of each pod looked at).
    func placement(in snapshot: ClusterSnapshot, _ ledger: ControlLedger) -> Decision? {
        var queue: [Int] = []
        for (podIndex, pod) in snapshot.pods.enumerated()
        where pod.phase == .pending && pod.service != nil && !ledger.unplaceable.contains(pod.id) {
            queue.append(podIndex)
        }
        guard !queue.isEmpty else { return nil }
        queue.sort {
            let (first, second) = (snapshot.pods[$0], snapshot.pods[$1])
            return (first.created, first.id) < (second.created, second.id)
        }
        for podIndex in queue {
            let pod = snapshot.pods[podIndex]
            let candidates = snapshot.nodes.indices.compactMap { node -> ClusterAction? in
                snapshot.obstacle(placing: pod, on: node) == nil ? .place(pod: pod.id, node: node) : nil
            }
            if !candidates.isEmpty { return Decision(kind: .placement(podIndex: podIndex), candidates: candidates) }
        }
        return nil
    }

    /// The control actions that are legal now: `advance` first, then scalings, resizings and evictions.
    func control(in snapshot: ClusterSnapshot, _ ledger: ControlLedger) -> Decision {
        var candidates: [ClusterAction] = [.advance]
        for (index, service) in snapshot.services.enumerated() {
            let limit = rules.largestReplicaChange
            if limit > 0, !ledger.scaled.contains(index) {
                for change in -limit...limit where snapshot.obstacle(scaling: service, by: change) == nil {
                    candidates.append(.scale(service: index, change: change))
                }
            }
            guard !ledger.resized.contains(index) else { continue }
            for factor in rules.resizeFactors
            where snapshot.obstacle(resizing: service, by: factor) == nil && factor != 1 {
                candidates.append(.resize(service: index, factor: factor))
            }
        }
        if ledger.evictions < rules.evictionsPerInterval { appendEvictions(to: &candidates, snapshot) }
        if !ledger.refused.isEmpty { candidates.removeAll { ledger.refused.contains($0) } }
        return Decision(kind: .control, candidates: candidates)
    }

    /// Ready replicas that their disruption budget lets go and that fit on another node, most at risk first: risk is
    /// the service's p99 over its objective times the load of the node; what is missing counts as 1.
    private func appendEvictions(to candidates: inout [ClusterAction], _ snapshot: ClusterSnapshot) {
        var risks: [(risk: Double, id: Int)] = []
        for pod in snapshot.pods where pod.phase == .ready {
            guard let serviceIndex = pod.service, let node = pod.node, snapshot.obstacle(evicting: pod) == nil,
                snapshot.nodes.indices.contains(where: { $0 != node && snapshot.obstacle(for: pod, on: $0) == nil })
            else { continue }
            let service = snapshot.services[serviceIndex]
            let lateness = service.latencyP99.map { $0.value / service.latencyObjective } ?? 1
            let load = snapshot.nodes[node].cpuUsage.map { $0.value / max(1e-9, snapshot.nodes[node].allocatable.cpu) }
            risks.append((lateness * (load ?? 1), pod.id))
        }
        // The id breaks ties, so that the list is the same on every run.
        risks.sort { $0.risk != $1.risk ? $0.risk > $1.risk : $0.id < $1.id }
        for pod in risks.prefix(rules.evictionCandidates) { candidates.append(.evict(pod: pod.id)) }
    }
}
