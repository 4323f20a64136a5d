/// Predicts what latency a pending pod's service would have on nodes, from what is measured before it is placed.
public struct PlacementPredictor: Sendable {
    /// The greatest predicted p99 / objective of a candidate; `nil` for no limit.
    public let riskLimit: Double?
    private let predict: @Sendable (_ podIndex: Int, _ nodes: [Int], _ snapshot: ClusterSnapshot) -> [Double?]

    /// A predictor.
    /// - Parameters:
    ///   - riskLimit: the greatest predicted p99 / objective of a candidate, above 0; `nil` for no limit.
    ///   - predict: predicted p99 / objective of the service of the pod at `podIndex`, for each of `nodes` with the pod on it;
    ///     `nil` where too little is known. It may be called from several threads at once.
    public init(
        riskLimit: Double? = nil,
        predict: @escaping @Sendable (_ podIndex: Int, _ nodes: [Int], _ snapshot: ClusterSnapshot) -> [Double?]
    ) {
        (self.riskLimit, self.predict) = (riskLimit, predict)
    }

    /// Predicted p99 / objective of each candidate; `nil` where too little is known, and for all that is no placement.
    public func risks(of decision: Decision, in snapshot: ClusterSnapshot) -> [Double?] {
        guard case .placement(let podIndex) = decision.kind else { return decision.candidates.map { _ in nil } }
        var nodes: [Int] = []
        nodes.reserveCapacity(decision.candidates.count)
        for case .place(_, let node) in decision.candidates { nodes.append(node) }
        let risks = predict(podIndex, nodes, snapshot)
        precondition(risks.count == nodes.count, "\(risks.count) predictions for \(nodes.count) nodes")
        return risks
    }

    /// Takes the candidates off a placement's list whose risk is over the limit, unless none would be left.
    func restrict(_ decision: inout Decision, in snapshot: ClusterSnapshot) {
        guard let riskLimit, case .placement = decision.kind else { return }
        let risks = risks(of: decision, in: snapshot)
        let left = zip(decision.candidates, risks).filter { ($1 ?? 0) <= riskLimit }.map(\.0)
        if !left.isEmpty { decision.candidates = left }
    }
}
