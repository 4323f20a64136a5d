public import Cluster

/// Leaves every service at the replicas that it has: a control policy that only ever lets time pass.
public struct FixedReplicas: Policy, Sendable, Equatable, Codable {
    /// The policy has no settings.
    public init() {}

    /// 1 for `advance`, 0 for all else.
    /// - Throws: `PolicyError` when the decision is not about control.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        guard decision.kind == .control else {
            throw PolicyError("fixed replicas decide only control: put a placement policy beside (CompositePolicy)")
        }
        return decision.candidates.map { $0 == .advance ? 1 : 0 }
    }
}
