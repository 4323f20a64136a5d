import Windows
public import Cluster

extension PredictionFeature {
    /// The features as they would be with a pod placed on a node, for each of some nodes: one more replica there, and the
    /// load, with the CPU that it costs, spread over one replica more. `unknownBeforePlacement` are missing. Cost:
    /// O(pods + nodes).
    /// - Parameters:
    ///   - podIndex: index of the pod, pending and of a service.
    ///   - nodes: indices of the nodes.
    ///   - snapshot: the window.
    /// - Returns: rows × features, NaN where missing.
    public static func rows(placing podIndex: Int, on nodes: [Int], in snapshot: ClusterSnapshot) -> [Float] {
        let pod = snapshot.pods[podIndex]
        guard let serviceIndex = pod.service else { return [] }
        var service = snapshot.services[serviceIndex]
        service.requests = pod.requests
        service.previousArrivalRate = nil
        let replicas = ReadyReplicas(of: serviceIndex, in: snapshot)
        // What a replica of a service that does not run yet will use is not known.
        let coresAfter = replicas.meanCores.map { $0 * Double(replicas.all) / Double(replicas.all + 1) }
        return nodes.flatMap { index in
            var node = snapshot.nodes[index]
            let here = replicas.count[index]
            if pod.node != index {
                node.requested += pod.requests
                node.podCount += 1
            }
            let ownAfter = coresAfter.map { $0 * Double(here + 1) }
            if let ownAfter, let own = replicas.cores[index] {
                node.cpuUsage?.value += ownAfter - own
            } else if replicas.all > 0 {
                node.cpuUsage = nil
            }
            return Source(
                node: node, nodeBefore: nil, service: service, replicas: here + 1, allReplicas: replicas.all + 1,
                replicaCores: ownAfter
            ).row
        }
    }
}

/// A service's ready replicas by node.
struct ReadyReplicas {
    /// How many each node has.
    var count: [Int]
    /// Cores in use by those of each node; `nil` where one was not measured.
    var cores: [Double?]
    /// How many there are.
    var all = 0
    /// Cores in use by one, the mean of those that were measured; `nil` for none.
    var meanCores: Double?

    /// Cost: O(pods + nodes).
    init(of service: Int, in snapshot: ClusterSnapshot) {
        count = Array(repeating: 0, count: snapshot.nodes.count)
        cores = Array(repeating: 0, count: snapshot.nodes.count)
        var (measured, sum) = (0, 0.0)
        for pod in snapshot.pods where pod.service == service && pod.phase == .ready {
            all += 1
            guard let node = pod.node else { continue }
            count[node] += 1
            cores[node] = cores[node].flatMap { sum in pod.cpuUsage.map { sum + $0.value } }
            guard let usage = pod.cpuUsage else { continue }
            measured += 1
            sum += usage.value
        }
        meanCores = measured > 0 ? sum / Double(measured) : nil
    }
}
