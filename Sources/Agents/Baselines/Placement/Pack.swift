public import Cluster

/// Fills the fullest node first: NodeResourcesFit with the strategy MostAllocated, as autoscaled clusters configure it.
public struct Pack: Policy, Sendable, Equatable, Codable {
    /// The policy has no settings.
    public init() {}

    /// The mean over CPU and memory of the share requested with the pod there, 0 to 100.
    /// - Throws: `PolicyError` when the decision is not a placement.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        let (pod, nodes) = try decision.placement(in: snapshot, for: "pack")
        let accounts = NodeAccounts(snapshot, placing: pod)
        let assumed = ScheduledResources(NodeAccounts.assuming(pod.requests))
        return nodes.map { node in
            Double(
                SchedulerScores.mostAllocated(
                    accounts.assumed[node] + assumed, of: ScheduledResources(snapshot.nodes[node].allocatable)))
        }
    }
}
