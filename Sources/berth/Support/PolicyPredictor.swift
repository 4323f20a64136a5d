import Checkpoints
import Cluster
import Learning
import Prediction
import Settings

/// The predictor that a policy is trained with: part of its checkpoints, so that whoever has one needs no other file.
struct PolicyPredictor: Sendable {
    /// Predicts p99s on nodes.
    let predictor: LatencyPredictor
    /// Placements have no candidates over this predicted p99 / objective; `nil` for no limit.
    let riskLimit: Double?

    /// What observations and candidates are made with.
    var placement: PlacementPredictor { predictor.placementPredictor(riskLimit: riskLimit) }

    /// The predictor in a file; `nil` where no file is named.
    init?(file: String, riskLimit: Double?) throws {
        guard !file.isEmpty else { return nil }
        let predictor = try LatencyPredictor(file: file)
        try PredictionError.naming(file) {
            try predictor.requireNoUse(
                of: PredictionFeature.unknownBeforePlacement, because: "is not known before a pod is placed")
        }
        (self.predictor, self.riskLimit) = (predictor, riskLimit)
    }

    /// The predictor in a policy's checkpoint; `nil` where it was trained with none.
    init?(_ checkpoint: Checkpoint) throws {
        guard checkpoint["predictor/version"] != nil else { return nil }
        predictor = try LatencyPredictor(checkpoint)
        riskLimit = try checkpoint["predictor/risk_limit"] == nil ? nil : checkpoint.double("predictor/risk_limit")
    }

    /// Refuses a risk limit that is none, or that has no predictor.
    static func validate(_ file: String, _ riskLimit: Double?) throws(SettingsError) {
        guard let riskLimit else { return }
        guard !file.isEmpty else {
            throw SettingsError(key: "riskLimit", problem: "is given without a predictor", hint: "name a predictor too")
        }
        guard riskLimit > 0, riskLimit.isFinite else {
            throw SettingsError(key: "riskLimit", problem: "must be above 0, found \(riskLimit)")
        }
    }

    /// Adds it to a policy's checkpoint.
    func store(in checkpoint: inout Checkpoint) throws {
        for (path, value) in try predictor.checkpoint().values { checkpoint[path] = value }
        if let riskLimit { checkpoint["predictor/risk_limit"] = .float64([riskLimit], shape: []) }
    }
}

/// A trained policy, and the predictor that it decides with.
struct LoadedPolicy {
    let policy: any Policy & Sendable
    let predictor: PolicyPredictor?
    /// Counts what it reads that its training never saw; `nil` where nothing is known of that.
    let unfamiliarInputs: UnfamiliarInputs?
}
