public import Cluster
import Windows

/// Evens out the load of the nodes, by requests and by what was measured: what the extender falls back to.
///
/// The load of a node, for CPU and for memory, is the larger of the share requested and the share in use, both with the
/// pod there and with pods that are starting counted as using what they request. The preference is
/// 1 / (1 + √(cpu² + memory²)): by the squares the busier resource decides, and a pod goes where it adds least to the
/// sum of squares over nodes. A node whose use was not measured is taken as using what is requested of it.
public struct Balanced: Policy, Sendable, Equatable, Codable {
    /// The policy has no settings.
    public init() {}

    /// Above 0 and at most 1; the larger the less loaded the node is with the pod there.
    /// - Throws: `PolicyError` when the decision is not a placement.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        let (pod, nodes) = try decision.placement(in: snapshot, for: "the balanced strategy")
        let accounts = NodeAccounts(snapshot, placing: pod)
        let added = NodeAccounts.assuming(pod.requests)
        return nodes.map { index in
            let node = snapshot.nodes[index]
            let requested = accounts.assumed[index]
            let starting = accounts.starting[index]
            let cpu = Self.load(
                requested: Double(requested.cpu) / 1000, used: node.cpuUsage, starting: starting.cpu, added: added.cpu,
                of: node.allocatable.cpu)
            let memory = Self.load(
                requested: Double(requested.memory), used: node.memoryUsage, starting: starting.memory,
                added: added.memory, of: node.allocatable.memory)
            return 1 / (1 + (cpu * cpu + memory * memory).squareRoot())
        }
    }

    private static func load(
        requested: Double, used: Measured?, starting: Double, added: Double, of allocatable: Double
    ) -> Double {
        let inUse = used.map { max(0, $0.value) + starting } ?? 0
        // A node without any of the resource is as loaded as can be told apart from one that is merely full.
        return allocatable > 0 ? (max(requested, inUse) + added) / allocatable : 1e6
    }
}
