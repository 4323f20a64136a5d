import Foundation
import Randomness

/// How well p99s were predicted.
public struct PredictionScores: Sendable, Hashable, Codable {
    /// Median of |predicted / measured - 1|.
    public var medianError: Double
    /// Mean of |predicted / measured - 1|.
    public var meanError: Double
    /// Root of the mean square of ln predicted - ln measured.
    public var logarithmicError: Double
    /// Spearman's rank correlation of predicted and measured; `nil` where one of them does not vary.
    public var rankCorrelation: Double?
    /// Area under the ROC curve of predicted p99 / objective for a measured p99 over it; `nil` where all or none are.
    public var areaUnderCurve: Double?
    /// Share of the measured p99s over the objective.
    public var overObjective: Double

    /// Compares predictions with what was measured.
    /// - Precondition: as many of each, and at least one.
    public init(predicted: [Double], measured: [Double], objectives: [Double]) {
        precondition(predicted.count == measured.count && objectives.count == measured.count && !measured.isEmpty)
        let errors = zip(predicted, measured).map { abs($0 / $1 - 1) }
        let squares = zip(predicted, measured).map { log($0 / $1) * log($0 / $1) }
        medianError = Statistics.median(errors)
        meanError = errors.reduce(0, +) / Double(errors.count)
        logarithmicError = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
        let correlation = Statistics.rankCorrelation(predicted, measured)
        rankCorrelation = correlation.isFinite ? correlation : nil
        let isOver = zip(measured, objectives).map { $0 > $1 }
        areaUnderCurve = Statistics.areaUnderCurve(zip(predicted, objectives).map { $0 / $1 }, isCase: isOver)
        overObjective = Double(isOver.count { $0 }) / Double(isOver.count)
    }
}

extension PredictionDataset {
    /// Median of |p99 / p99 of the same window, node and service in a repetition - 1|, where as many replicas were on the
    /// node. Both have the noise of a measurement, so that a perfect prediction is off by about 0.7 of it. `nil` where no
    /// episode was repeated.
    public var repeatError: Double? {
        var groups: [String: [Double]] = [:]
        let replicas = features.firstIndex(of: PredictionFeature.replicas.rawValue)
        for (index, row) in rows.enumerated() {
            let count = replicas.map { "\(values[index * width + $0])" } ?? ""
            groups["\(row.seed)/\(row.window)/\(row.node)/\(row.service)/\(count)", default: []].append(row.p99)
        }
        var errors: [Double] = []
        for group in groups.values where group.count > 1 {
            for first in group.indices {
                for second in group.indices where second != first {
                    errors.append(abs(group[first] / group[second] - 1))
                }
            }
        }
        return errors.isEmpty ? nil : Statistics.median(errors)
    }
}
