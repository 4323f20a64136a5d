public import Cluster

extension ClusterSnapshot {
    /// Makes a snapshot put together by hand consistent: `Node.requested` and `Node.podCount` as its pods say.
    public mutating func recountNodes() {
        for index in nodes.indices {
            nodes[index].requested = Resources()
            nodes[index].podCount = 0
        }
        for pod in pods {
            guard let node = pod.node else { continue }
            nodes[node].requested += pod.requests
            nodes[node].podCount += 1
        }
    }
}
