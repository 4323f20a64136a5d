import Cluster
import Foundation
public import Prediction

/// Tells nodes on which a pod's service is predicted to miss its latency objective.
public struct RiskFilter: Sendable {
    /// Features that an extender does not know: it measures no requests, and remembers no window before.
    public static let unknownFeatures: [PredictionFeature] = [.replicaRate, .rateChange, .cpuUsedChange]

    private let predictor: LatencyPredictor
    private let limit: Double
    /// Whether the trees use a feature.
    private let isUsed: [Bool]

    /// A filter.
    /// - Parameters:
    ///   - predictor: predicts from what an extender knows.
    ///   - limit: the largest predicted p99 / objective.
    /// - Throws: `PredictionError` for a predictor whose trees use features that are not known here.
    public init(_ predictor: LatencyPredictor, limit: Double) throws {
        let used = zip(predictor.features, predictor.importance).filter { $1 > 0 }.map(\.0)
        let unknown = Self.unknownFeatures.map(\.rawValue)
        if let feature = used.first(where: { unknown.contains($0) }) {
            throw PredictionError(
                "the predictor uses \(feature), which the extender does not know: train it with ignoredFeatures: "
                    + "[\(unknown.joined(separator: ", "))]")
        }
        (self.predictor, self.limit) = (predictor, limit)
        isUsed = predictor.importance.map { $0 > 0 }
    }

    /// Why nodes are too risky for a pod, by position; `nil` for those that are not, and for those of which too little is
    /// measured to say.
    /// - Parameter objective: of the pod's service, in seconds; `nil` for the predictor's.
    func reasons(placing podIndex: Int, on nodes: [Int], objective: Double?, in snapshot: ClusterSnapshot) -> [String?]
    {
        guard snapshot.pods[podIndex].service != nil else { return nodes.map { _ in nil } }
        let rows = PredictionFeature.rows(placing: podIndex, on: nodes, in: snapshot)
        let width = predictor.width
        let objective = objective ?? predictor.objective
        guard let predictions = try? predictor.predict(rows, objectives: nodes.map { _ in objective }) else {
            return nodes.map { _ in nil }
        }
        let measured: [PredictionFeature] = [.cpuUsed, .replicaCPU]
        let needed = measured.compactMap { PredictionFeature.allCases.firstIndex(of: $0) }
        return predictions.enumerated().map { index, prediction in
            guard prediction.risk > limit else { return nil }
            let row = rows[index * width..<(index + 1) * width]
            func isMissing(_ feature: Int) -> Bool { row[row.startIndex + feature].isNaN }
            // Without what all training rows have, the trees would answer for other rows.
            guard !needed.contains(where: isMissing),
                !predictor.unfamiliar(row).contains(where: { isMissing($0) && isUsed[$0] })
            else { return nil }
            return String(
                format: "predicted p99 is %.0f ms, %.2f times the objective of %.0f ms, more than %g",
                prediction.p99 * 1000, prediction.risk, objective * 1000, limit)
        }
    }
}
