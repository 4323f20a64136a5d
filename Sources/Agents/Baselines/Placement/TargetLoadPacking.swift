import Windows
public import Cluster

/// Packs nodes up to a target CPU utilisation and spreads above it, by measured load: Trimaran's TargetLoadPacking
/// (kubernetes-sigs/scheduler-plugins, KEP-61).
///
/// With the predicted utilisation U % of a node and the target T %: T + (100 - T)·U/T up to the target,
/// T·(100 - U)/(100 - T) above it, 0 above 100 %. The prediction is the CPU in use, what starting pods request, and
/// the pod's limit, else 1.5 times its request, else 1 core. Unlike there, a node whose use was not measured is taken
/// as using what is requested of it instead of getting 0 points.
public struct TargetLoadPacking: Policy, Sendable, Equatable, Codable {
    /// The utilisation to pack up to, 0 to 1.
    public var target: Double

    /// Packs up to `target`, Trimaran's default being 0.4.
    /// - Precondition: `target` is above 0 and below 1.
    public init(target: Double = 0.4) {
        precondition(target > 0 && target < 1, "a target utilisation lies between 0 and 1")
        self.target = target
    }

    /// 0 to 100, in whole points.
    /// - Throws: `PolicyError` when the decision is not a placement.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        let (pod, nodes) = try decision.placement(in: snapshot, for: "target load packing")
        let accounts = NodeAccounts(snapshot, placing: pod)
        let limit = pod.service.flatMap { snapshot.services[$0].cpuLimit }
        let added = limit ?? (pod.requests.cpu > 0 ? 1.5 * pod.requests.cpu : 1)
        return nodes.map { index in
            let node = snapshot.nodes[index]
            guard node.allocatable.cpu > 0 else { return 0 }
            let requested = Double(accounts.assumed[index].cpu) / 1000
            let inUse = node.cpuUsage.map { max(0, $0.value) + accounts.starting[index].cpu } ?? requested
            return points((inUse + added) / node.allocatable.cpu).rounded()
        }
    }

    private func points(_ utilization: Double) -> Double {
        if utilization <= target { return 100 * (target + (1 - target) * utilization / target) }
        return utilization > 1 ? 0 : 100 * target * (1 - utilization) / (1 - target)
    }
}
