public import Cluster

/// Wants every candidate equally, so that `choose` draws one uniformly from the generator it is given.
public struct RandomPolicy: Policy, Sendable, Equatable, Codable {
    /// The policy has no settings: the seed is that of the generator given to `choose`.
    public init() {}

    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        Array(repeating: 1, count: decision.candidates.count)
    }
}
