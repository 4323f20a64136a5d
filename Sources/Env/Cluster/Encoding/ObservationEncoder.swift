import Foundation
public import Gym

/// Turns a snapshot and a decision into features: the one place where that happens, in training and in serving.
///
/// Features are ratios and ranks, so that the number and the size of nodes do not shift them, each clipped to
/// `bound`. Every measured value has a mask feature beside it (1 measured, 0 missing), so that what is missing is
/// never taken for zero. `schema` names all features in order. With a predictor candidates have three features more.
public struct ObservationEncoder: Sendable {
    /// Bound on the absolute value of every feature.
    public static let bound = 5.0

    static let nodeFeatures = [
        "cpu requested / allocatable", "memory requested / allocatable", "pods / most pods", "is schedulable",
        "allocatable cpu / largest", "allocatable memory / largest", "cpu used / allocatable", "cpu used is measured",
        "memory used / allocatable", "memory used is measured", "memory bandwidth / peak",
        "memory bandwidth is measured", "cache miss ratio", "cache miss ratio is measured",
        "instructions per cycle / 4", "instructions per cycle is measured", "age of cpu used / interval",
        "replicas / all replicas",
    ]
    static let serviceFeatures = [
        "log2(p99 / objective)", "p99 is measured", "error share", "error share is measured",
        "cpu used / requested by ready replicas", "cpu used is measured", "log2(rate / rate before)",
        "both rates are measured", "throughput / rate", "throughput is measured", "ready / desired replicas",
        "pending / desired replicas", "desired / most replicas", "cpu request / mean allocatable of a node",
        "memory request / mean allocatable of a node", "cpu limit / cpu request", "age of p99 / interval",
        "disruptions allowed / desired replicas",
    ]
    static let clusterFeatures = [
        "is placement", "is control", "cpu requested / allocatable, all nodes", "cpu used / allocatable, all nodes",
        "cpu used is measured", "memory requested / allocatable, all nodes", "pending / all replicas",
        "schedulable / all nodes", "pending pod: cpu request / mean allocatable",
        "pending pod: memory request / mean allocatable", "pending pod: log2(1 + age / interval)",
        "pending pod: requests no cpu",
    ]
    static let actionFeatures = [
        "is place", "is advance", "is scale", "is resize", "is evict", "replica change / 4",
        "replica change / desired replicas", "desired replicas after / most replicas", "log2(resize factor)",
        "cpu request after / mean allocatable of a node", "cpu requested after / allocatable",
        "memory requested after / allocatable", "cpu used and requested by the pod / allocatable",
        "cpu used is measured", "replicas of the service on the node / desired replicas",
        "rank of the node by cpu requested", "rank of the node by cpu used", "rank by cpu used is measured",
    ]

    static let predictionFeatures = [
        "log2(predicted p99 / objective)", "p99 is predicted", "rank of the node by predicted p99",
    ]

    /// The names of all features, without a predictor.
    public static let schema = FeatureSchema(
        context: clusterFeatures + serviceFeatures.map { "mean over services: \($0)" }
            + serviceFeatures.map { "max over services: \($0)" },
        node: nodeFeatures,
        candidate: actionFeatures + nodeFeatures.map { "node: \($0)" } + serviceFeatures.map { "service: \($0)" })

    /// The names of all features, with a predictor.
    public static let schemaWithPredictions = FeatureSchema(
        context: schema.context, node: schema.node, candidate: schema.candidate + predictionFeatures)

    /// The space of the observations that an encoder without a predictor writes.
    public static let space = makeSpace(schema)

    private static func makeSpace(_ schema: FeatureSchema) -> CandidateSpace {
        CandidateSpace(
            contextWidth: schema.context.count, nodeWidth: schema.node.count, candidateWidth: schema.candidate.count,
            bound: Float(bound))
    }

    static let nodeWidth = nodeFeatures.count
    static let serviceWidth = serviceFeatures.count

    // Scratch that is kept between calls so that encoding allocates nothing.
    private(set) var serviceRows: [Float] = []
    private var replicas: [ReplicaCount] = []
    private var replicasOnNode: [Int32] = []
    private var replicasOfServiceOnNode: [Int32] = []
    private var nodeOrder: [(key: Double, candidate: Int)] = []
    private var rankByRequested: [Float] = []
    private var rankByUsed: [Float] = []
    private var rankByRisk: [Float] = []
    private let predictor: PlacementPredictor?
    private let candidateWidth: Int

    private struct ReplicaCount {
        var ready = 0
        var pending = 0
    }

    /// An encoder; it holds scratch memory and no state.
    /// - Parameter predictor: of the p99 on a placement's nodes; with one, candidates have `predictionFeatures`, too.
    public init(predictor: PlacementPredictor? = nil) {
        self.predictor = predictor
        candidateWidth = Self.space.candidateWidth + (predictor == nil ? 0 : Self.predictionFeatures.count)
    }

    /// The names of the features that it writes.
    public var schema: FeatureSchema { predictor == nil ? Self.schema : Self.schemaWithPredictions }

    /// The space of the observations that it writes.
    public var space: CandidateSpace { predictor == nil ? Self.space : Self.makeSpace(Self.schemaWithPredictions) }

    /// Appends the observation of `decision` in `snapshot` to `batch`.
    ///
    /// Cost: O(pods + nodes log nodes + candidates), without allocation once warm, beside what the predictor takes.
    /// - Parameter batch: of `space`'s widths.
    public mutating func encode(
        _ decision: Decision, in snapshot: ClusterSnapshot, appendingTo batch: inout CandidateBatch
    ) {
        count(snapshot, for: decision)
        let scale = ClusterScale(snapshot)
        encodeServices(snapshot, scale)
        if case .placement = decision.kind { rankNodes(decision, in: snapshot) }
        let risks = predictor?.risks(of: decision, in: snapshot)
        if let risks {
            Self.rank(risks.count, order: &nodeOrder, ranks: &rankByRisk) { risks[$0] }
        }
        batch.append(nodeCount: snapshot.nodes.count, candidateCount: decision.candidates.count) {
            context, nodes, candidates in
            encodeNodes(snapshot, scale, into: &nodes)
            encodeContext(decision, snapshot, scale, into: &context)
            for (index, action) in decision.candidates.enumerated() {
                encodeCandidate(action, index, decision, snapshot, scale, nodes: nodes.span, into: &candidates)
                if let risks { encodePrediction(risks[index], index, into: &candidates) }
            }
        }
    }

    // MARK: Counting

    mutating func count(_ snapshot: ClusterSnapshot, for decision: Decision) {
        func reset<Value>(_ array: inout [Value], to value: Value, count: Int) {
            array.removeAll(keepingCapacity: true)
            array.append(contentsOf: repeatElement(value, count: count))
        }
        let nodeCount = snapshot.nodes.count
        reset(&replicas, to: ReplicaCount(), count: snapshot.services.count)
        reset(&replicasOnNode, to: 0, count: nodeCount)
        var placed: Int?
        var stride = 0
        switch decision.kind {
        case .placement(let podIndex): placed = snapshot.pods[podIndex].service
        case .control: stride = nodeCount
        }
        reset(&replicasOfServiceOnNode, to: 0, count: max(nodeCount, stride * snapshot.services.count))
        for pod in snapshot.pods {
            guard let service = pod.service else { continue }
            switch pod.phase {
            case .ready: replicas[service].ready += 1
            case .pending: replicas[service].pending += 1
            case .starting, .terminating: break
            }
            guard let node = pod.node else { continue }
            replicasOnNode[node] += 1
            if stride > 0 {
                replicasOfServiceOnNode[service * stride + node] += 1
            } else if service == placed {
                replicasOfServiceOnNode[node] += 1
            }
        }
    }

    /// Sums over the nodes that many features are relative to.
    struct ClusterScale {
        var largest = Resources(cpu: 1e-9, memory: 1)
        var mean = Resources()
        var allocatable = Resources()
        var requested = Resources()
        var used: Double? = 0
        var schedulable = 0
        var replicas = 0

        init(_ snapshot: ClusterSnapshot) {
            var measuredNodes = 0
            var usedOfMeasured = 0.0
            var allocatableOfMeasured = 0.0
            for node in snapshot.nodes {
                largest.cpu = max(largest.cpu, node.allocatable.cpu)
                largest.memory = max(largest.memory, node.allocatable.memory)
                allocatable += node.allocatable
                requested += node.requested
                if node.isSchedulable { schedulable += 1 }
                if let usage = node.cpuUsage {
                    measuredNodes += 1
                    usedOfMeasured += usage.value
                    allocatableOfMeasured += node.allocatable.cpu
                }
            }
            let count = Double(max(1, snapshot.nodes.count))
            mean = Resources(cpu: max(1e-9, allocatable.cpu / count), memory: max(1, allocatable.memory / count))
            used = allocatableOfMeasured > 0 ? usedOfMeasured / allocatableOfMeasured : nil
            for service in snapshot.services { replicas += service.replicas }
        }
    }

    // MARK: Rows

    func encodeNodes(_ snapshot: ClusterSnapshot, _ scale: ClusterScale, into rows: inout MutableSpan<Float>) {
        for (index, node) in snapshot.nodes.enumerated() {
            var cursor = FeatureCursor(position: index * Self.nodeWidth)
            let cpu = max(1e-9, node.allocatable.cpu)
            let memory = max(1, node.allocatable.memory)
            cursor.put(node.requested.cpu / cpu, into: &rows)
            cursor.put(node.requested.memory / memory, into: &rows)
            cursor.put(Double(node.podCount) / Double(max(1, node.maximumPods)), into: &rows)
            cursor.put(node.isSchedulable ? 1 : 0, into: &rows)
            cursor.put(node.allocatable.cpu / scale.largest.cpu, into: &rows)
            cursor.put(node.allocatable.memory / scale.largest.memory, into: &rows)
            cursor.put(measured: node.cpuUsage.map { $0.value / cpu }, into: &rows)
            cursor.put(measured: node.memoryUsage.map { $0.value / memory }, into: &rows)
            var bandwidth: Double?
            if let used = node.memoryBandwidth, let peak = node.peakMemoryBandwidth { bandwidth = used.value / peak }
            cursor.put(measured: bandwidth, into: &rows)
            cursor.put(measured: node.cacheMissRatio?.value, into: &rows)
            cursor.put(measured: node.instructionsPerCycle.map { $0.value / 4 }, into: &rows)
            cursor.put((node.cpuUsage?.age ?? 0) / snapshot.interval, into: &rows)
            cursor.put(Double(replicasOnNode[index]) / Double(max(1, scale.replicas)), into: &rows)
            assert(cursor.position == (index + 1) * Self.nodeWidth)
        }
    }

    mutating func encodeServices(_ snapshot: ClusterSnapshot, _ scale: ClusterScale) {
        serviceRows.removeAll(keepingCapacity: true)
        serviceRows.append(contentsOf: repeatElement(0, count: snapshot.services.count * Self.serviceWidth))
        let replicas = replicas
        var rows = serviceRows.mutableSpan
        for (index, service) in snapshot.services.enumerated() {
            var cursor = FeatureCursor(position: index * Self.serviceWidth)
            let desired = Double(max(1, service.replicas))
            let ready = Double(replicas[index].ready)
            cursor.put(
                measured: service.latencyP99.map { log2(max(1e-6, $0.value / service.latencyObjective)) }, into: &rows)
            cursor.put(measured: service.errorShare?.value, into: &rows)
            let requested = ready * service.requests.cpu
            cursor.put(measured: requested > 0 ? service.cpuUsage.map { $0.value / requested } : nil, into: &rows)
            var trend: Double?
            if let rate = service.arrivalRate, let before = service.previousArrivalRate {
                trend = log2((rate.value + 1e-3) / (before.value + 1e-3))
            }
            cursor.put(measured: trend, into: &rows)
            var answered: Double?
            if let rate = service.arrivalRate, rate.value > 0 {
                answered = service.throughput.map { $0.value / rate.value }
            }
            cursor.put(measured: answered, into: &rows)
            cursor.put(ready / desired, into: &rows)
            cursor.put(Double(replicas[index].pending) / desired, into: &rows)
            cursor.put(Double(service.replicas) / Double(max(1, service.maximumReplicas)), into: &rows)
            cursor.put(service.requests.cpu / scale.mean.cpu, into: &rows)
            cursor.put(service.requests.memory / scale.mean.memory, into: &rows)
            cursor.put(service.cpuLimit.map { $0 / max(1e-3, service.requests.cpu) } ?? Self.bound, into: &rows)
            cursor.put((service.latencyP99?.age ?? 0) / snapshot.interval, into: &rows)
            cursor.put(Double(service.disruptionsAllowed) / desired, into: &rows)
            assert(cursor.position == (index + 1) * Self.serviceWidth)
        }
    }

    func encodeContext(
        _ decision: Decision, _ snapshot: ClusterSnapshot, _ scale: ClusterScale, into row: inout MutableSpan<Float>
    ) {
        var cursor = FeatureCursor(position: 0)
        var pod: Pod?
        if case .placement(let podIndex) = decision.kind { pod = snapshot.pods[podIndex] }
        cursor.put(pod == nil ? 0 : 1, into: &row)
        cursor.put(pod == nil ? 1 : 0, into: &row)
        cursor.put(scale.requested.cpu / max(1e-9, scale.allocatable.cpu), into: &row)
        cursor.put(measured: scale.used, into: &row)
        cursor.put(scale.requested.memory / max(1, scale.allocatable.memory), into: &row)
        let pending = replicas.reduce(0) { $0 + $1.pending }
        cursor.put(Double(pending) / Double(max(1, scale.replicas)), into: &row)
        cursor.put(Double(scale.schedulable) / Double(max(1, snapshot.nodes.count)), into: &row)
        if let pod {
            cursor.put(pod.requests.cpu / scale.mean.cpu, into: &row)
            cursor.put(pod.requests.memory / scale.mean.memory, into: &row)
            cursor.put(log2(1 + max(0, snapshot.time - pod.created) / snapshot.interval), into: &row)
            cursor.put(pod.requests.cpu > 0 ? 0 : 1, into: &row)
        } else {
            cursor.position += 4
        }
        let width = Self.serviceWidth
        let count = snapshot.services.count
        for feature in 0..<(count > 0 ? width : 0) {
            var sum: Float = 0
            var greatest = -Float.infinity
            for service in 0..<count {
                let value = serviceRows[service * width + feature]
                sum += value
                greatest = max(greatest, value)
            }
            row[cursor.position + feature] = sum / Float(count)
            row[cursor.position + width + feature] = greatest
        }
        assert(cursor.position + 2 * width == row.count)
    }

    private func encodeCandidate(
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

    private func encodePrediction(_ risk: Double?, _ index: Int, into rows: inout MutableSpan<Float>) {
        var cursor = FeatureCursor(position: index * candidateWidth + Self.space.candidateWidth)
        cursor.put(measured: risk.map { log2(max(1e-6, $0)) }, into: &rows)
        if risk != nil { cursor.put(Double(rankByRisk[index]), into: &rows) }
    }

    private mutating func rankNodes(_ decision: Decision, in snapshot: ClusterSnapshot) {
        func node(_ candidate: Int) -> Node? {
            guard case .place(_, let node) = decision.candidates[candidate] else { return nil }
            return snapshot.nodes[node]
        }
        let count = decision.candidates.count
        Self.rank(count, order: &nodeOrder, ranks: &rankByRequested) { candidate in
            node(candidate).map { $0.requested.cpu / max(1e-9, $0.allocatable.cpu) }
        }
        Self.rank(count, order: &nodeOrder, ranks: &rankByUsed) { candidate in
            node(candidate).flatMap { node in node.cpuUsage.map { $0.value / max(1e-9, node.allocatable.cpu) } }
        }
    }

    /// Ranks by a key, 0 for the least to 1 for the greatest, equal keys with equal ranks; -1 where the key is missing.
    private static func rank(
        _ count: Int, order: inout [(key: Double, candidate: Int)], ranks: inout [Float], by key: (Int) -> Double?
    ) {
        ranks.removeAll(keepingCapacity: true)
        ranks.append(contentsOf: repeatElement(-1, count: count))
        order.removeAll(keepingCapacity: true)
        for candidate in 0..<count {
            if let key = key(candidate) { order.append((key, candidate)) }
        }
        order.sort { $0.key < $1.key }
        let last = Float(max(1, order.count - 1))
        var first = 0
        for position in order.indices {
            // Equal nodes share the rank of the first of them, so that their order in the list says nothing.
            if order[position].key != order[first].key { first = position }
            ranks[order[position].candidate] = Float(first) / last
        }
    }
}
