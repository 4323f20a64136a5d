import Foundation
import Randomness

/// Predicts the p99 of a service on a node from figures of one window.
///
/// Trees predict ln p99, so that an error counts by its ratio. With t = ln(objective / predicted p99), the score is the
/// probability that the p99 keeps the objective, 1 / (1 + exp(-(a·t + b))): Platt's calibration ("Probabilistic outputs
/// for support vector machines", 1999), with a and b fitted to predictions of rows that the trees had not seen.
public struct LatencyPredictor: Sendable {
    /// A prediction.
    public struct Prediction: Sendable, Hashable {
        /// 99th percentile of the latency in seconds.
        public var p99: Double
        /// Predicted p99 / objective: above 1 the objective is missed.
        public var risk: Double
        /// Fitness from 0 to 1: the probability that the p99 keeps the objective.
        public var score: Double

        /// A prediction with all its parts.
        public init(p99: Double, risk: Double, score: Double) {
            (self.p99, self.risk, self.score) = (p99, risk, score)
        }
    }

    /// What a prediction is made of: `bias` and the features' contributions add up to ln p99.
    public struct Contributions: Sendable, Equatable {
        /// ln p99 of a row of which nothing is known.
        public var bias: Double
        /// What each feature adds, in the order of the features.
        public var features: [Double]

        /// Contributions with all their parts.
        public init(bias: Double, features: [Double]) {
            (self.bias, self.features) = (bias, features)
        }
    }

    /// Names of the features, in the order of rows.
    public let features: [String]
    /// How it was trained.
    public let settings: PredictorSettings
    /// The objective in seconds where a caller names none.
    public let objective: Double
    /// What it was trained on: `PredictionDataset.fingerprint`.
    public let datasetFingerprint: String
    /// How well it did in cross-validation, by episode.
    public let validation: PredictionScores
    /// What the rows were like that it was trained on.
    public let profile: TrainingProfile
    /// Total gain of the splits on each feature, as a share of all.
    public let importance: [Double]
    /// a and b.
    let slope: Double
    let intercept: Double
    let trees: BoostedTrees

    init(
        features: [String], settings: PredictorSettings, objective: Double, datasetFingerprint: String,
        validation: PredictionScores, profile: TrainingProfile, slope: Double, intercept: Double, trees: BoostedTrees
    ) throws {
        (self.features, self.settings, self.objective) = (features, settings, objective)
        (self.datasetFingerprint, self.validation, self.profile) = (datasetFingerprint, validation, profile)
        (self.slope, self.intercept, self.trees) = (slope, intercept, trees)
        importance = try trees.importance()
        var fingerprint = Fingerprint()
        try trees.json().utf8.forEach { fingerprint.add(UInt64($0)) }
        for number in [slope, intercept, objective] { fingerprint.add(number.bitPattern) }
        version = "\(settings.kind.rawValue)-\(fingerprint.text)"
    }

    /// Tells predictors apart: its kind, and a fingerprint of its trees, calibration and objective.
    public let version: String
    /// Number of features.
    public var width: Int { features.count }

    /// Predictions for rows.
    /// - Parameters:
    ///   - rows: rows × width, NaN where missing.
    ///   - objectives: of the rows in seconds, above 0; `nil` for the predictor's own.
    /// - Throws: `PredictionError` for rows of another width, an infinite value or an objective that is none.
    public func predict(_ rows: [Float], objectives: [Double]? = nil) throws -> [Prediction] {
        try check(rows)
        let count = rows.count / width
        if let objectives {
            guard objectives.count == count, objectives.allSatisfy({ $0 > 0 && $0.isFinite }) else {
                throw PredictionError("expected an objective above 0 for each of \(count) rows")
            }
        }
        return trees.predict(rows).enumerated().map { index, logarithm in
            let objective = objectives?[index] ?? objective
            let p99 = exp(Double(logarithm))
            let margin = slope * log(objective / p99) + intercept
            return Prediction(p99: p99, risk: p99 / objective, score: 1 / (1 + exp(-margin)))
        }
    }

    /// What the predictions for rows are made of.
    /// - Throws: `PredictionError` as `predict`.
    public func contributions(_ rows: [Float]) throws -> [Contributions] {
        try check(rows)
        let values = try trees.contributions(rows)
        return stride(from: 0, to: values.count, by: width + 1).map { begin in
            Contributions(
                bias: Double(values[begin + width]), features: values[begin..<begin + width].map { Double($0) })
        }
    }

    /// Indices of the features in which a row is unlike all that were trained on, but for those that trees may not use:
    /// see `TrainingProfile.unfamiliar`.
    public func unfamiliar(_ row: ArraySlice<Float>) -> [Int] {
        let unfamiliar = profile.unfamiliar(row)
        return unfamiliar.isEmpty ? [] : unfamiliar.filter { !settings.ignoredFeatures.contains(features[$0]) }
    }

    private func check(_ rows: [Float]) throws {
        guard rows.count.isMultiple(of: width) else {
            throw PredictionError("expected rows of \(width) features, found \(rows.count) values")
        }
        if let wrong = rows.firstIndex(where: \.isInfinite) {
            throw PredictionError("\(features[wrong % width]) of row \(wrong / width) is infinite")
        }
    }
}
