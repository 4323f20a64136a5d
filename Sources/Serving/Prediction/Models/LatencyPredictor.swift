import Foundation
import Randomness

/// Predicts the p99 of a service on a node from figures of one window.
///
/// Trees predict ln p99, so that an error counts by its ratio. Their predictions are blended with those of a linear
/// regression, (1 − λ) · trees + λ · linear, with λ by cross-validation (Breiman, "Stacked regressions", 1996): trees answer
/// loads beyond those of training as the greatest that they know, a regression goes on. With t = ln(objective / predicted p99), the score is the
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
    /// Total gain of the splits on each feature, as a share of all; blended with the shares of the absolute weights of the
    /// linear regression as the predictions are.
    public let importance: [Double]
    /// a and b.
    let slope: Double
    let intercept: Double
    let trees: BoostedTrees
    /// `nil` where trees alone predict.
    let linear: LinearPredictor?
    /// λ.
    var linearShare: Double { linear == nil ? 0 : settings.linearShare ?? 0 }

    init(
        features: [String], settings: PredictorSettings, objective: Double, datasetFingerprint: String,
        validation: PredictionScores, profile: TrainingProfile, slope: Double, intercept: Double, trees: BoostedTrees,
        linear: LinearPredictor?
    ) throws {
        (self.features, self.settings, self.objective) = (features, settings, objective)
        (self.datasetFingerprint, self.validation, self.profile) = (datasetFingerprint, validation, profile)
        (self.slope, self.intercept, self.trees) = (slope, intercept, trees)
        self.linear = linear
        let share = linear == nil ? 0 : settings.linearShare ?? 0
        importance = zip(try trees.importance(), linear?.importance ?? features.map { _ in 0 }).map {
            (1 - share) * $0 + share * $1
        }
        var fingerprint = Fingerprint()
        try trees.json().utf8.forEach { fingerprint.add(UInt64($0)) }
        for number in [slope, intercept, objective, share] + (linear?.numbers ?? []) {
            fingerprint.add(number.bitPattern)
        }
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
                throw PredictionError(.input, "expected an objective above 0 for each of \(count) rows")
            }
        }
        let share = linearShare
        return trees.predict(rows).enumerated().map { index, logarithm in
            let objective = objectives?[index] ?? objective
            var logarithm = Double(logarithm)
            if let linear { logarithm += share * (linear.logarithm(rows, at: index * width) - logarithm) }
            let p99 = exp(logarithm)
            let margin = slope * log(objective / p99) + intercept
            return Prediction(p99: p99, risk: p99 / objective, score: 1 / (1 + exp(-margin)))
        }
    }

    /// What the predictions for rows are made of.
    /// - Throws: `PredictionError` as `predict`.
    public func contributions(_ rows: [Float]) throws -> [Contributions] {
        try check(rows)
        let values = try trees.contributions(rows)
        let share = linearShare
        return (0..<rows.count / width).map { row in
            let begin = row * (width + 1)
            var result = Contributions(
                bias: Double(values[begin + width]), features: values[begin..<begin + width].map { Double($0) })
            guard let linear else { return result }
            let other = linear.contributions(rows, at: row * width)
            result.bias += share * (other.bias - result.bias)
            for feature in 0..<width {
                result.features[feature] += share * (other.features[feature] - result.features[feature])
            }
            return result
        }
    }

    /// Indices of the features in which a row is unlike all that were trained on, but for those that trees may not use:
    /// see `TrainingProfile.unfamiliar`.
    /// - Parameter seldomMissing: a feature that is missing in at most this share of the training rows counts as
    ///   unfamiliar where it is missing.
    public func unfamiliar(_ row: ArraySlice<Float>, seldomMissing: Double = 0) -> [Int] {
        let unfamiliar = profile.unfamiliar(row, seldomMissing: seldomMissing)
        return unfamiliar.isEmpty ? [] : unfamiliar.filter { !settings.ignoredFeatures.contains(features[$0]) }
    }

    private func check(_ rows: [Float]) throws {
        guard rows.count.isMultiple(of: width) else {
            throw PredictionError(.input, "expected rows of \(width) features, found \(rows.count) values")
        }
        if let wrong = rows.firstIndex(where: \.isInfinite) {
            throw PredictionError(.input, "\(features[wrong % width]) of row \(wrong / width) is infinite")
        }
    }
}
