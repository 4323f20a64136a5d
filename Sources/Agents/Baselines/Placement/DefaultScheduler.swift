public import Cluster

/// kube-scheduler's own scoring with its default plugins and their default weights.
///
/// The total of a node is NodeResourcesFit (LeastAllocated) + NodeResourcesBalancedAllocation + 2 · PodTopologySpread
/// with the system's default constraints. TaintToleration, NodeAffinity, InterPodAffinity and ImageLocality give every
/// node of a snapshot the same points, since it holds no taints, affinities or images, and are left out. Equals are
/// drawn at random by `choose`, as in kube-scheduler's `selectHost`.
public struct DefaultScheduler: Policy, Sendable, Equatable, Codable {
    /// Weight of PodTopologySpread in the default plugin set; that of the two allocation plugins is 1.
    public static let spreadWeight = 2

    /// How the balance of CPU and memory is scored, which depends on the version of Kubernetes.
    public var balancedAllocation: BalancedAllocationRule

    /// A scheduler of the version that scores the balance of CPU and memory by `balancedAllocation`.
    public init(balancedAllocation: BalancedAllocationRule = .change) {
        self.balancedAllocation = balancedAllocation
    }

    /// The total points of each candidate, 0 to 400.
    /// - Throws: `PolicyError` when the decision is not a placement.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        let (pod, nodes) = try decision.placement(in: snapshot, for: "the default scheduler")
        let accounts = NodeAccounts(snapshot, placing: pod)
        let requests = ScheduledResources(pod.requests)
        let assumed = ScheduledResources(NodeAccounts.assuming(pod.requests))
        // Both plugins are skipped for such pods: a best-effort pod (kubernetes #129138), one of no service.
        let isBestEffort = requests == ScheduledResources()
        let spread =
            pod.service == nil
            ? Array(repeating: 0, count: nodes.count)
            : SchedulerScores.topologySpread(nodes.map { accounts.replicas[$0] })
        return zip(nodes, spread).map { node, spread in
            let allocatable = ScheduledResources(snapshot.nodes[node].allocatable)
            var points = SchedulerScores.leastAllocated(accounts.assumed[node] + assumed, of: allocatable)
            if !isBestEffort {
                let before = accounts.requested[node]
                points += SchedulerScores.balancedAllocation(
                    before: before, after: before + requests, of: allocatable, rule: balancedAllocation)
            }
            return Double(points + Self.spreadWeight * spread)
        }
    }
}
