public import Cluster

extension LatencyPredictor {
    /// Predictions for the service of a pod to be placed, with the pod on each of some nodes and its load spread over one
    /// replica more, against the service's objective. Cost: O(pods + nodes) beside the trees.
    /// - Parameters:
    ///   - podIndex: index of the pod, pending.
    ///   - nodes: indices of the nodes.
    ///   - snapshot: the present.
    /// - Returns: `nil` where too little is known: for a pod of no service; where the node's CPU or that of the service's
    ///   replicas is not measured, as for the first replica; and where another feature is missing that predictions depend on
    ///   and all training rows have, for the trees would answer for other rows.
    public func predict(placing podIndex: Int, on nodes: [Int], in snapshot: ClusterSnapshot) -> [Prediction?] {
        guard let service = snapshot.pods[podIndex].service else { return nodes.map { _ in nil } }
        let rows = PredictionFeature.rows(placing: podIndex, on: nodes, in: snapshot)
        let objective = snapshot.services[service].latencyObjective
        guard let predictions = try? predict(rows, objectives: nodes.map { _ in objective }) else {
            return nodes.map { _ in nil }
        }
        let needed = [PredictionFeature.cpuUsed, .replicaCPU].compactMap {
            PredictionFeature.allCases.firstIndex(of: $0)
        }
        return predictions.enumerated().map { index, prediction in
            let row = rows[index * width..<(index + 1) * width]
            func isMissing(_ feature: Int) -> Bool { row[row.startIndex + feature].isNaN }
            let isKnown =
                !needed.contains(where: isMissing)
                && !unfamiliar(row).contains { isMissing($0) && importance[$0] > 0 }
            return isKnown ? prediction : nil
        }
    }

    /// Predicts risks for an environment or a policy.
    /// - Parameter riskLimit: the greatest predicted p99 / objective of a candidate; `nil` for no limit.
    public func placementPredictor(riskLimit: Double? = nil) -> PlacementPredictor {
        PlacementPredictor(riskLimit: riskLimit) { predict(placing: $0, on: $1, in: $2).map { $0?.risk } }
    }

    /// Refuses to predict where features are not known.
    /// - Throws: `PredictionError` naming a feature that predictions depend on.
    public func requireNoUse(of unknown: [PredictionFeature], because reason: String) throws {
        let names = unknown.map(\.rawValue)
        guard let (feature, _) = zip(features, importance).first(where: { $1 > 0 && names.contains($0) }) else {
            return
        }
        throw PredictionError(
            .mismatch,
            "the predictor uses \(feature), which \(reason): train it with ignoredFeatures: "
                + "[\(names.joined(separator: ", "))]")
    }
}
