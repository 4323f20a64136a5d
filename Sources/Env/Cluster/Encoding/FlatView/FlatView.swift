public import Gym

/// A view of fixed size of a cluster's decisions, for agents that want a vector and a fixed list of actions: beside the
/// view as a list of candidates, which has no fixed size.
///
/// The observation has, in this order, with N nodes, S services and what is absent at 0:
///
/// | block | values |
/// |---|---|
/// | the context row of `ObservationEncoder.schema` | its context features |
/// | the node rows | N × its node features |
/// | the service rows, as in the features `service: …` of a candidate | S × service features |
/// | whether there is such a node | N |
/// | whether there is such a service | S |
/// | whether the pod to be placed is a replica of the service | S |
/// | the service's replicas on the node / its desired replicas | S × N |
/// | whether the pod may go to the node; if so CPU and memory requested after, CPU used after and its mask | N × 5 |
///
/// Actions are listed in `actions`. The first legal one is `advance` or, where a pod waits to be placed, its first
/// feasible node. A cluster with more nodes or services than the view holds is an error, never cut short. Candidates that
/// no action stands for are evictions of further replicas of the same service on the same node.
public struct FlatView: Sendable, Equatable {
    /// Nodes that fit.
    public let nodes: Int
    /// Services that fit.
    public let services: Int
    /// The rules that the list of actions follows: those of the environment.
    public let rules: ActionRules
    /// Where observations lie.
    public let observationSpace: Box
    /// The fixed actions.
    public let actions: [FlatAction]

    /// Factors of `rules` that make a difference, each once.
    private let factors: [Double]

    static let placementFeatures = [
        "is legal", "cpu requested after / allocatable", "memory requested after / allocatable",
        "cpu used and requested by the pod / allocatable", "cpu used is measured",
    ]

    /// A view of clusters with at most `nodes` nodes and `services` services.
    /// - Parameter rules: of the environment that is viewed.
    /// - Precondition: at least one of each.
    public init(nodes: Int = 8, services: Int = 4, rules: ActionRules = ActionRules()) {
        precondition(nodes > 0 && services > 0, "a flat view holds at least one node and one service")
        self.nodes = nodes
        self.services = services
        self.rules = rules
        var factors: [Double] = []
        for factor in rules.resizeFactors where factor != 1 && !factors.contains(factor) { factors.append(factor) }
        self.factors = factors

        var actions = [FlatAction.advance]
        for node in 0..<nodes { actions.append(.place(node: node)) }
        for service in 0..<services {
            let largest = rules.largestReplicaChange
            for change in -largest...largest where change != 0 {
                actions.append(.scale(service: service, change: change))
            }
            for factor in factors { actions.append(.resize(service: service, factor: factor)) }
        }
        if rules.evictionsPerInterval > 0, rules.evictionCandidates > 0 {
            for service in 0..<services {
                for node in 0..<nodes { actions.append(.evict(service: service, node: node)) }
            }
        }
        self.actions = actions

        let layout = Layout(nodes: nodes, services: services)
        let bound = Float(ObservationEncoder.bound)
        var low = [Float](repeating: -bound, count: layout.width)
        var high = [Float](repeating: bound, count: layout.width)
        // From the first flag of a node to the last replica count nothing is negative, and a flag is 1 at most.
        for index in layout.nodeFlags..<layout.placements { low[index] = 0 }
        for index in layout.nodeFlags..<layout.replicas { high[index] = 1 }
        for node in 0..<nodes {
            let start = layout.placements + node * Layout.placementWidth
            (low[start], high[start]) = (0, 1)
        }
        observationSpace = Box(low: low, high: high)
    }

    /// Names of the observation's features, in order.
    public var featureNames: [String] {
        let schema = ObservationEncoder.schema
        var names = schema.context
        for node in 0..<nodes { names += schema.node.map { "node \(node): \($0)" } }
        for service in 0..<services {
            names += ObservationEncoder.serviceFeatures.map { "service \(service): \($0.name)" }
        }
        names += (0..<nodes).map { "node \($0): is present" }
        names += (0..<services).map { "service \($0): is present" }
        names += (0..<services).map { "service \($0): has the pod to place" }
        for service in 0..<services {
            names += (0..<nodes).map { "service \(service) on node \($0): replicas / desired replicas" }
        }
        for node in 0..<nodes { names += Self.placementFeatures.map { "placement on node \(node): \($0)" } }
        return names
    }

    /// Why a cluster does not fit into the view; `nil` when it does.
    public func problem(with snapshot: ClusterSnapshot) -> String? {
        guard snapshot.nodes.count <= nodes else {
            return "the cluster has \(snapshot.nodes.count) nodes and the flat view holds \(nodes): make it larger"
        }
        guard snapshot.services.count <= services else {
            return "the cluster has \(snapshot.services.count) services and the flat view holds \(services): make it"
                + " larger"
        }
        return nil
    }

    /// Index into `actions` of the action that stands for a candidate; `nil` when none does. Cost: O(1), O(pods) for an
    /// eviction.
    public func index(of candidate: ClusterAction, in snapshot: ClusterSnapshot) -> Int? {
        let perService = 2 * rules.largestReplicaChange + factors.count
        switch candidate {
        case .advance: return 0
        case .place(_, let node): return node < nodes ? 1 + node : nil
        case .scale(let service, let change):
            guard service < services, change != 0, abs(change) <= rules.largestReplicaChange else { return nil }
            let position = change + rules.largestReplicaChange - (change > 0 ? 1 : 0)
            return 1 + nodes + service * perService + position
        case .resize(let service, let factor):
            guard service < services, let position = factors.firstIndex(of: factor) else { return nil }
            return 1 + nodes + service * perService + 2 * rules.largestReplicaChange + position
        case .evict(let id):
            guard rules.evictionsPerInterval > 0, rules.evictionCandidates > 0, let pod = snapshot.podIndex(id),
                let service = snapshot.pods[pod].service, let node = snapshot.pods[pod].node, service < services,
                node < nodes
            else { return nil }
            return 1 + nodes + services * perService + service * nodes + node
        }
    }

    /// For each action the index of the candidate that it stands for, -1 for none.
    func match(_ decision: Decision, in snapshot: ClusterSnapshot, into candidates: inout [Int]) {
        for index in candidates.indices { candidates[index] = -1 }
        for (candidate, action) in decision.candidates.enumerated() {
            guard let index = self.index(of: action, in: snapshot), candidates[index] < 0 else { continue }
            candidates[index] = candidate
        }
    }

    var layout: Layout { Layout(nodes: nodes, services: services) }

    /// Where the blocks of the observation begin.
    struct Layout {
        let nodes: Int
        let services: Int

        static let placementWidth = FlatView.placementFeatures.count

        var nodeRows: Int { ObservationEncoder.space.contextWidth }
        var serviceRows: Int { nodeRows + nodes * ObservationEncoder.nodeWidth }
        var nodeFlags: Int { serviceRows + services * ObservationEncoder.serviceWidth }
        var serviceFlags: Int { nodeFlags + nodes }
        var placedFlags: Int { serviceFlags + services }
        var replicas: Int { placedFlags + services }
        var placements: Int { replicas + services * nodes }
        var width: Int { placements + nodes * Self.placementWidth }
    }
}
