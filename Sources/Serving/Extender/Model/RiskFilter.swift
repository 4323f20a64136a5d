import Cluster
import Foundation
public import Prediction

/// Tells nodes on which a pod's service is predicted to miss its latency objective.
public struct RiskFilter: Sendable {
    /// Features that an extender does not know: it measures no requests, and remembers no window before.
    public static let unknownFeatures =
        [PredictionFeature.replicaRate, .cpuPerRequest] + PredictionFeature.unknownBeforePlacement

    private let predictor: LatencyPredictor
    private let limit: Double

    /// A filter.
    /// - Parameters:
    ///   - predictor: predicts from what an extender knows.
    ///   - limit: the largest predicted p99 / objective.
    /// - Throws: `PredictionError` for a predictor that uses features that are not known here.
    public init(_ predictor: LatencyPredictor, limit: Double) throws {
        try predictor.requireKnownToExtender()
        (self.predictor, self.limit) = (predictor, limit)
    }

    /// The predictor's objective in seconds.
    var objective: Double { predictor.objective }

    /// Why nodes are too risky for a pod, by position; `nil` for those that are not, and for those of which too little is
    /// measured to say.
    func reasons(placing podIndex: Int, on nodes: [Int], in snapshot: ClusterSnapshot) -> [String?] {
        predictor.predict(placing: podIndex, on: nodes, in: snapshot).map { prediction in
            guard let prediction, prediction.risk > limit else { return nil }
            return String(
                format: "predicted p99 is %.0f ms, %.2f times the objective of %.0f ms, more than %g",
                prediction.p99 * 1000, prediction.risk, prediction.p99 / prediction.risk * 1000, limit)
        }
    }
}

extension LatencyPredictor {
    /// Refuses a predictor that uses what an extender does not know.
    /// - Throws: `PredictionError` naming a feature.
    public func requireKnownToExtender() throws {
        try requireNoUse(of: RiskFilter.unknownFeatures, because: "the extender does not know")
    }
}
