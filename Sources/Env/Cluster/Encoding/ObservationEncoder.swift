import Windows
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

    /// The names of all features, without a predictor.
    public static let schema = FeatureSchema(
        context: clusterFeatures.map(\.name) + serviceFeatures.map { "mean over services: \($0.name)" }
            + serviceFeatures.map { "max over services: \($0.name)" },
        node: nodeFeatures.map(\.name),
        candidate: actionFeatures.map(\.name) + nodeFeatures.map { "node: \($0.name)" }
            + serviceFeatures.map { "service: \($0.name)" })

    /// The names of all features, with a predictor.
    public static let schemaWithPredictions = FeatureSchema(
        context: schema.context, node: schema.node, candidate: schema.candidate + predictionFeatures.map(\.name))

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
    var serviceRows: [Float] = []
    private(set) var replicas: [ReplicaCount] = []
    private(set) var replicasOnNode: [Int32] = []
    private(set) var replicasOfServiceOnNode: [Int32] = []
    private var nodeOrder: [(key: Double, candidate: Int)] = []
    private(set) var rankByRequested: [Float] = []
    private(set) var rankByUsed: [Float] = []
    private(set) var rankByRisk: [Float] = []
    private let predictor: PlacementPredictor?
    let candidateWidth: Int

    struct ReplicaCount {
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

    // MARK: Ranks

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
