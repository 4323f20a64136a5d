import Randomness

/// A newly trained predictor beside the one in use, on episodes that neither has seen.
public struct PredictorComparison: Sendable {
    /// The new predictor.
    public let candidate: LatencyPredictor
    /// How well it does on the rows held out.
    public let candidateScores: PredictionScores
    /// How well the one in use does on the same rows.
    public let currentScores: PredictionScores
    /// How many rows those are.
    public let heldOutRows: Int

    /// Whether the new predictor's logarithmic error is no larger.
    public var isNoWorse: Bool { candidateScores.logarithmicError <= currentScores.logarithmicError }

    /// Trains a predictor on what a data set has, but for a share of the episodes that `current` was not trained on, and
    /// compares both on those.
    /// - Parameters:
    ///   - current: the predictor in use.
    ///   - dataset: what was recorded: old episodes and new ones.
    ///   - settings: how to train.
    ///   - share: of the new episodes that are held out, from 0 to 1, rounded; at least one.
    ///   - seed: decides which.
    /// - Throws: `PredictionError` where there are fewer than two new episodes, or the data set is broken.
    public init(
        retraining current: LatencyPredictor, on dataset: PredictionDataset, _ settings: PredictorSettings,
        heldOut share: Double, seed: UInt64
    ) throws {
        let known = Set(current.profile.episodes)
        let fingerprints = dataset.episodeFingerprints
        // Repetitions of an episode stay together, and one of a known episode is not new.
        var isNew: [UInt64: Bool] = [:]
        for row in dataset.rows {
            let fingerprint = fingerprints[row.episode] ?? ""
            isNew[row.seed] = isNew[row.seed] ?? true && !known.contains(fingerprint)
        }
        var groups = isNew.filter(\.value).keys.sorted()
        guard groups.count >= 2 else {
            throw PredictionError(
                .tooFewEpisodes,
                "\(groups.count) episodes are new to the predictor in use, it takes 2: record more with another firstSeed; "
                    + "an episode with the seed of a known one is a repetition of it")
        }
        var generator = RandomGenerator(seed: seed, stream: 3)
        generator.shuffle(&groups)
        let count = min(groups.count - 1, max(1, Int((share * Double(groups.count)).rounded())))
        let (training, test) = dataset.split(holdingOut: Set(groups.prefix(count)))
        candidate = try LatencyPredictor(training: training, settings)
        let objectives = test.objectives(settings)
        func scores(_ predictor: LatencyPredictor) throws -> PredictionScores {
            PredictionScores(
                predicted: try predictor.predict(test.values).map(\.p99), measured: test.rows.map(\.p99),
                objectives: objectives)
        }
        candidateScores = try scores(candidate)
        currentScores = try scores(current)
        heldOutRows = test.count
    }
}
