import Gym
import Foundation
import Windows

/// What an agent sees of an action: names and values in one order.
extension ObservationEncoder {
    /// The beginning of a candidate's row.
    static let actionFeatures: [Feature] = [
        Feature("is place", .decision),
        Feature("is advance", .decision),
        Feature("is scale", .decision),
        Feature("is resize", .decision),
        Feature("is evict", .decision),
        Feature("replica change / 4", .decision),
        Feature("replica change / desired replicas", .objects),
        Feature("desired replicas after / most replicas", .objects),
        Feature("log2(resize factor)", .decision),
        Feature("cpu request after / mean allocatable of a node", .objects),
        Feature("cpu requested after / allocatable", .objects),
        Feature("memory requested after / allocatable", .objects),
        Feature("cpu used and requested by the pod / allocatable", .usage),
        Feature("cpu used is measured", .usage),
        Feature("replicas of the service on the node / desired replicas", .objects),
        Feature("rank of the node by cpu requested", .objects),
        Feature("rank of the node by cpu used", .usage),
        Feature("rank by cpu used is measured", .usage),
    ]

    /// The end of a candidate's row, with a predictor.
    static let predictionFeatures: [Feature] = [
        Feature("log2(predicted p99 / objective)", .predictor),
        Feature("p99 is predicted", .predictor),
        Feature("rank of the node by predicted p99", .predictor),
    ]

    func encodeCandidate(
        _ action: ClusterAction, _ index: Int, _ decision: Decision, _ snapshot: ClusterSnapshot,
        _ scale: ClusterScale, nodes: Span<Float>, into rows: inout MutableSpan<Float>
    ) {
        let start = index * candidateWidth
        var nodeIndex: Int?
        var serviceIndex: Int?
        var pod: Pod?
        var change = 0
        var factor = 1.0
        let kind: Int
        switch action {
        case .place(_, let node):
            kind = 0
            nodeIndex = node
            if case .placement(let podIndex) = decision.kind { pod = snapshot.pods[podIndex] }
            serviceIndex = pod?.service
        case .advance: kind = 1
        case .scale(let service, let by):
            kind = 2
            serviceIndex = service
            change = by
        case .resize(let service, let by):
            kind = 3
            serviceIndex = service
            factor = by
        case .evict(let id):
            kind = 4
            pod = snapshot.podIndex(id).map { snapshot.pods[$0] }
            nodeIndex = pod?.node
            serviceIndex = pod?.service
        }
        rows[start + kind] = 1
        var cursor = FeatureCursor(position: start + 5)
        let service = serviceIndex.map { snapshot.services[$0] }
        let desired = Double(max(1, service?.replicas ?? 1))
        cursor.put(Double(change) / 4, into: &rows)
        cursor.put(Double(change) / desired, into: &rows)
        cursor.put(
            service.map { Double($0.replicas + change) / Double(max(1, $0.maximumReplicas)) } ?? 0, into: &rows)
        cursor.put(factor > 0 ? log2(factor) : 0, into: &rows)
        cursor.put((service?.requests.cpu ?? 0) * factor / scale.mean.cpu, into: &rows)
        if let nodeIndex, let pod {
            let node = snapshot.nodes[nodeIndex]
            // A placement adds the pod's requests to the node, an eviction takes them away.
            let sign: Double = kind == 0 ? 1 : -1
            let own = kind == 0 ? pod.requests.cpu : pod.cpuUsage?.value ?? pod.requests.cpu
            cursor.put(node, changedBy: pod, sign: sign, usage: own, into: &rows)
            let beside =
                kind == 0
                ? replicasOfServiceOnNode[nodeIndex]
                : serviceIndex.map { replicasOfServiceOnNode[$0 * snapshot.nodes.count + nodeIndex] } ?? 0
            cursor.put(Double(beside) / desired, into: &rows)
            if kind == 0 {
                cursor.put(Double(rankByRequested[index]), into: &rows)
                cursor.put(measured: rankByUsed[index] >= 0 ? Double(rankByUsed[index]) : nil, into: &rows)
            } else {
                cursor.position += 3
            }
            for feature in 0..<Self.nodeWidth {
                rows[cursor.position + feature] = nodes[nodeIndex * Self.nodeWidth + feature]
            }
        } else {
            cursor.position += 8
        }
        cursor.position += Self.nodeWidth
        if let serviceIndex {
            for feature in 0..<Self.serviceWidth {
                rows[cursor.position + feature] = serviceRows[serviceIndex * Self.serviceWidth + feature]
            }
        }
        assert(cursor.position + Self.serviceWidth == start + Self.space.candidateWidth)
    }

    func encodePrediction(_ risk: Double?, _ index: Int, into rows: inout MutableSpan<Float>) {
        var cursor = FeatureCursor(position: index * candidateWidth + Self.space.candidateWidth)
        cursor.put(measured: risk.map { log2(max(1e-6, $0)) }, into: &rows)
        if risk != nil { cursor.put(Double(rankByRisk[index]), into: &rows) }
    }
}
