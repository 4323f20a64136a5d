import Foundation
import Randomness

extension LatencyPredictor {
    /// Trains on a data set: cross-validates the settings, and those that are drawn beside them; takes the best; fits
    /// the score to what its folds predicted; grows the trees on all rows.
    /// - Parameter progress: told after each of the settings how well they did.
    /// - Throws: `PredictionError` for a data set that is broken or too small.
    public init(
        training dataset: PredictionDataset, _ settings: PredictorSettings,
        progress: (PredictorSettings, PredictionScores) -> Void = { _, _ in }
    ) throws {
        try DataQuality(dataset).check()
        let whole = dataset
        let dataset = dataset.ignoring(settings.ignoredFeatures)
        let folds = try dataset.folds(settings.folds, seed: settings.seed)
        let objectives = dataset.objectives(settings)
        let linear: [Double] = Self.crossValidated(dataset, folds) { training in
            let linear = LinearPredictor(training: training)
            return { rows in linear.predict(rows).map { log($0) } }
        }
        let measured = dataset.rows.map(\.p99)
        let shares: [Double] = settings.linearShare.map { [$0] } ?? [0, 0.25, 0.5, 0.75]
        var best: Validated?
        var generator = RandomGenerator(seed: settings.seed, stream: 2)
        for trial in 0...settings.trials {
            var candidate = trial == 0 ? settings : settings.drawn(using: &generator)
            let trees: [Double] = try Self.crossValidated(dataset, folds) { training in
                let trees = try BoostedTrees(
                    training.values, width: training.width, labels: training.logarithms, candidate)
                return { rows in trees.predict(rows.values).map { Double($0) } }
            }
            var bestBlend: Validated?
            for share in shares {
                candidate.linearShare = share
                let predicted: [Double] = zip(trees, linear).map { tree, line in exp(tree + share * (line - tree)) }
                let scores = PredictionScores(predicted: predicted, measured: measured, objectives: objectives)
                if scores.logarithmicError < bestBlend?.scores.logarithmicError ?? .infinity {
                    bestBlend = Validated(settings: candidate, predicted: predicted, scores: scores)
                }
            }
            guard let bestBlend else { continue }
            progress(bestBlend.settings, bestBlend.scores)
            if bestBlend.scores.logarithmicError < best?.scores.logarithmicError ?? .infinity { best = bestBlend }
        }
        guard let best else { throw PredictionError(.training, "no settings gave a finite error") }
        let calibration = Self.calibrate(predicted: best.predicted, measured: measured)
        try self.init(
            features: dataset.features, settings: best.settings, objective: Statistics.median(objectives),
            datasetFingerprint: whole.fingerprint, validation: best.scores,
            profile: TrainingProfile(whole, usable: dataset),
            slope: calibration.slope, intercept: calibration.intercept,
            trees: BoostedTrees(
                dataset.values, width: dataset.width, labels: dataset.logarithms, best.settings),
            linear: best.settings.linearShare ?? 0 > 0 ? LinearPredictor(training: dataset) : nil)
    }

    /// Settings and how they did in cross-validation.
    private struct Validated {
        var settings: PredictorSettings
        /// The p99 of each row.
        var predicted: [Double]
        var scores: PredictionScores
    }

    /// ln p99 of each row as a model predicts it that was trained without the row's fold.
    private static func crossValidated(
        _ dataset: PredictionDataset, _ folds: [Int],
        _ train: (PredictionDataset) throws -> (PredictionDataset) -> [Double]
    ) rethrows -> [Double] {
        var predicted = [Double](repeating: 0, count: dataset.count)
        for fold in Set(folds).sorted() {
            let (inside, outside) = (
                folds.indices.filter { folds[$0] == fold }, folds.indices.filter { folds[$0] != fold }
            )
            let predict = try train(dataset.selecting(outside))
            for (index, result) in zip(inside, predict(dataset.selecting(inside))) { predicted[index] = result }
        }
        return predicted
    }

    /// a and b by Newton's method on the likelihood, for all objectives from the 5th to the 95th percentile of the
    /// measured p99: so that the score holds for any objective that may be asked for, and both outcomes occur.
    package static func calibrate(predicted: [Double], measured: [Double]) -> (slope: Double, intercept: Double) {
        let sorted = measured.sorted()
        let objectives = stride(from: 0.05, through: 0.951, by: 0.05).map {
            sorted[min(sorted.count - 1, Int($0 * Double(sorted.count)))]
        }
        var (slope, intercept) = (4.0, 0.0)
        for _ in 0..<50 {
            // Of a tiny prior beside the rows', so that perfectly separable ones do not run away.
            var (gradientA, gradientB) = (-1e-3 * slope, -1e-3 * intercept)
            var (aa, ab, bb) = (1e-3, 0.0, 1e-3)
            for (prediction, value) in zip(predicted, measured) {
                for objective in objectives {
                    let t = log(objective / prediction)
                    let probability = 1 / (1 + exp(-(slope * t + intercept)))
                    let error = (value <= objective ? 1 : 0) - probability
                    let weight = max(1e-12, probability * (1 - probability))
                    gradientA += error * t
                    gradientB += error
                    aa += weight * t * t
                    ab += weight * t
                    bb += weight
                }
            }
            let determinant = aa * bb - ab * ab
            guard determinant > 0 else { break }
            let stepA = (bb * gradientA - ab * gradientB) / determinant
            let stepB = (aa * gradientB - ab * gradientA) / determinant
            // Newton's full step can overshoot from afar.
            let size = max(1, abs(stepA) / 4, abs(stepB) / 4)
            slope += stepA / size
            intercept += stepB / size
            if abs(stepA) + abs(stepB) < 1e-9 { break }
        }
        return (slope, intercept)
    }
}

extension PredictorSettings {
    /// Other settings of the same kind, drawn at random around what is usual.
    func drawn(using generator: inout RandomGenerator) -> PredictorSettings {
        var drawn = self
        func uniform(_ range: ClosedRange<Double>, _ generator: inout RandomGenerator) -> Double {
            range.lowerBound + generator.uniform() * (range.upperBound - range.lowerBound)
        }
        drawn.depth = kind == .forest ? 4 + generator.index(below: 13) : 2 + generator.index(below: 6)
        drawn.rowShare = uniform(0.5...1, &generator)
        drawn.featureShare = uniform(0.3...1, &generator)
        drawn.leafRows = exp(uniform(log(1)...log(20), &generator)).rounded()
        if kind == .boosting {
            drawn.regularization = exp(uniform(log(0.01)...log(10), &generator))
            drawn.learningRate = exp(uniform(log(0.01)...log(0.2), &generator))
            drawn.trees = Int(exp(uniform(log(100)...log(1000), &generator)))
        }
        return drawn
    }
}

extension PredictionDataset {
    /// The objective that each row's p99 is judged by.
    public func objectives(_ settings: PredictorSettings) -> [Double] {
        settings.objective > 0 ? Array(repeating: settings.objective, count: count) : rows.map(\.objective)
    }

    /// ln p99 of each row.
    var logarithms: [Float] { rows.map { Float(log($0.p99)) } }

    /// Tells data sets apart: a fingerprint of features, labels, objectives and episodes.
    public var fingerprint: String {
        var fingerprint = Fingerprint()
        for name in features { name.utf8.forEach { fingerprint.add(UInt64($0)) } }
        // All NaNs mean the same.
        for value in values { fingerprint.add(value.isNaN ? 0x7fc0_0000 : UInt64(value.bitPattern)) }
        for row in rows { row.add(to: &fingerprint) }
        return fingerprint.text
    }

    /// Tells episodes apart, also those of other data sets: a fingerprint of the rows of each, by its number.
    public var episodeFingerprints: [Int: String] {
        var fingerprints: [Int: Fingerprint] = [:]
        for row in rows {
            fingerprints[row.episode, default: Fingerprint()].add(UInt64(bitPattern: Int64(row.window)))
            fingerprints[row.episode, default: Fingerprint()].add(row.time.bitPattern)
            row.add(to: &fingerprints[row.episode, default: Fingerprint()])
        }
        return fingerprints.mapValues(\.text)
    }
}

extension PredictionDataset.Row {
    fileprivate func add(to fingerprint: inout Fingerprint) {
        fingerprint.add(p99.bitPattern)
        fingerprint.add(objective.bitPattern)
        fingerprint.add(seed)
    }
}
