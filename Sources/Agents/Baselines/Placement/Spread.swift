public import Cluster

/// Puts a replica where its service has the fewest, and among those nodes where there are the fewest pods.
public struct Spread: Policy, Sendable, Equatable, Codable {
    /// The policy has no settings.
    public init() {}

    /// 1 / (1 + the node's place in that order), above 0 and at most 1; equals are equal.
    /// - Throws: `PolicyError` when the decision is not a placement.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        let (pod, nodes) = try decision.placement(in: snapshot, for: "spread")
        let accounts = NodeAccounts(snapshot, placing: pod)
        let step = 1 + (nodes.map { snapshot.nodes[$0].podCount }.max() ?? 0)
        return nodes.map { 1 / Double(1 + accounts.replicas[$0] * step + snapshot.nodes[$0].podCount) }
    }
}
