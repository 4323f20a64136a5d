public import Checkpoints
public import Cluster
public import Learning
public import Prediction
public import Settings

/// The predictor that a policy is trained with: part of its checkpoints, so that whoever has one needs no other file.
public struct PolicyPredictor: Sendable {
    /// Predicts p99s on nodes.
    public let predictor: LatencyPredictor
    /// Placements have no candidates over this predicted p99 / objective; `nil` for no limit.
    public let riskLimit: Double?

    /// What observations and candidates are made with.
    public var placement: PlacementPredictor { predictor.placementPredictor(riskLimit: riskLimit) }

    /// The predictor in a file; `nil` where no file is named.
    public init?(file: String, riskLimit: Double?) throws {
        guard !file.isEmpty else { return nil }
        let predictor = try LatencyPredictor(file: file)
        try PredictionError.naming(file) {
            try predictor.requireNoUse(
                of: PredictionFeature.unknownBeforePlacement, because: "is not known before a pod is placed")
        }
        (self.predictor, self.riskLimit) = (predictor, riskLimit)
    }

    /// The predictor in a policy's checkpoint; `nil` where it was trained with none.
    public init?(_ checkpoint: Checkpoint) throws {
        guard checkpoint["predictor/version"] != nil else { return nil }
        predictor = try LatencyPredictor(checkpoint)
        riskLimit = try checkpoint["predictor/risk_limit"] == nil ? nil : checkpoint.double("predictor/risk_limit")
    }

    /// Refuses a risk limit that is none, or that has no predictor.
    public static func validate(_ file: String, _ riskLimit: Double?) throws(SettingsError) {
        guard let riskLimit else { return }
        guard !file.isEmpty else {
            throw SettingsError(key: "riskLimit", problem: "is given without a predictor", hint: "name a predictor too")
        }
        guard riskLimit > 0, riskLimit.isFinite else {
            throw SettingsError(key: "riskLimit", problem: "must be above 0, found \(riskLimit)")
        }
    }

    /// Adds it to a policy's checkpoint.
    public func store(in checkpoint: inout Checkpoint) throws {
        for (path, value) in try predictor.checkpoint().values { checkpoint[path] = value }
        if let riskLimit { checkpoint["predictor/risk_limit"] = .float64([riskLimit], shape: []) }
    }
}

/// A trained policy, and the predictor that it decides with.
public struct LoadedPolicy: Sendable {
    /// Decides.
    public let policy: any Policy & Sendable
    /// The predictor that it was trained with; `nil` for none.
    public let predictor: PolicyPredictor?
    /// Counts what it reads that its training never saw; `nil` where nothing is known of that.
    public let unfamiliarInputs: UnfamiliarInputs?

    /// The policy of a run folder's newest checkpoint, or of a checkpoint file.
    /// - Parameters:
    ///   - path: the folder or the file.
    ///   - observer: told of inputs that the policy's training never saw.
    /// - Throws: `ExperimentError` with the code `runMissing` when there is none; `CheckpointError` and
    ///   `PredictionError`, which name the file, when it cannot be used.
    public init(_ path: String, observer: UnfamiliarInputs.Observer? = nil) throws {
        let file = try RunFolder.newestCheckpoint(path)
        (policy, predictor, unfamiliarInputs) = try PredictionError.naming(file) {
            let checkpoint = try Checkpoint.read(file)
            let predictor = try PolicyPredictor(checkpoint)
            let unfamiliarInputs = try UnfamiliarInputs(checkpoint, observer: observer)
            let policy = try TrainedPolicy.load(
                checkpoint, predictor: predictor?.placement, unfamiliarInputs: unfamiliarInputs)
            return (policy, predictor, unfamiliarInputs)
        }
    }
}
