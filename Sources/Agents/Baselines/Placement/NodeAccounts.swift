import Cluster

/// What kube-scheduler's cache holds of each node, gathered from a snapshot.
struct NodeAccounts {
    /// The requests that kube-scheduler assumes for its allocation scores where a pod has none: 0.1 core, 200 MiB.
    static let assumedRequests = Resources(cpu: 0.1, memory: 200 * 1_048_576)

    /// Requests of the pods on each node.
    private(set) var requested: [ScheduledResources]
    /// The same with `assumedRequests` in the place of missing ones.
    private(set) var assumed: [ScheduledResources]
    /// Replicas of the pending pod's service on each node, terminating ones left out.
    private(set) var replicas: [Int]
    /// What starting pods on each node may use once they run and measured usage does not show yet.
    private(set) var starting: [Resources]
    /// The pending pod.
    let pod: Pod

    /// Cost: O(nodes + pods).
    init(_ snapshot: ClusterSnapshot, placing pod: Pod) {
        self.pod = pod
        requested = snapshot.nodes.map { ScheduledResources($0.requested) }
        assumed = requested
        replicas = Array(repeating: 0, count: snapshot.nodes.count)
        starting = Array(repeating: Resources(), count: snapshot.nodes.count)
        for other in snapshot.pods {
            guard let node = other.node else { continue }
            let requests = other.requests
            if requests.cpu <= 0 { assumed[node].cpu += ScheduledResources(Self.assumedRequests).cpu }
            if requests.memory <= 0 { assumed[node].memory += ScheduledResources(Self.assumedRequests).memory }
            if other.phase == .starting { starting[node] += Self.assuming(requests) }
            if pod.service != nil, other.service == pod.service, other.phase != .terminating { replicas[node] += 1 }
        }
    }

    /// Requests with `assumedRequests` in the place of missing ones.
    static func assuming(_ requests: Resources) -> Resources {
        Resources(
            cpu: requests.cpu > 0 ? requests.cpu : assumedRequests.cpu,
            memory: requests.memory > 0 ? requests.memory : assumedRequests.memory)
    }
}

extension ScheduledResources {
    /// Rounded up, as Kubernetes does with quantities.
    init(_ resources: Resources) {
        self.init(cpu: Self.whole(resources.cpu * 1000), memory: Self.whole(resources.memory))
    }

    /// Rounds up but for errors of binary fractions (0.7 · 1000 is 700), within what Int holds times 100.
    private static func whole(_ value: Double) -> Int {
        Int(max(0, min(9e15, value - 1e-6)).rounded(.up))
    }
}

extension Decision {
    /// The pending pod and the nodes that it may go to, in the order of the candidates.
    /// - Throws: `PolicyError` when this is not a placement.
    func placement(in snapshot: ClusterSnapshot, for policy: String) throws -> (pod: Pod, nodes: [Int]) {
        guard case .placement(let index) = kind, snapshot.pods.indices.contains(index) else {
            throw PolicyError(
                "\(policy) only places pods: put it beside a policy that decides control (CompositePolicy)")
        }
        let nodes = try candidates.map { candidate in
            guard case .place(_, let node) = candidate, snapshot.nodes.indices.contains(node) else {
                throw PolicyError("a placement offers \(candidate), expected a node of the snapshot")
            }
            return node
        }
        return (snapshot.pods[index], nodes)
    }
}
