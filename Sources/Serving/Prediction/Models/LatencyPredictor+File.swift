public import Checkpoints
import Foundation
import Settings

extension LatencyPredictor {
    /// Version of the meaning of a predictor's file.
    static let formatVersion: Int64 = 3

    /// The predictor as named values: what its file holds.
    public func checkpoint() throws -> Checkpoint {
        var result = Checkpoint()
        result["predictor/version"] = .int64([Self.formatVersion], shape: [])
        result["predictor/features"] = .text(features.joined(separator: "\n"))
        result["predictor/settings"] = .text(try settings.yaml())
        result["predictor/objective"] = .float64([objective], shape: [])
        result["predictor/dataset_fingerprint"] = .text(datasetFingerprint)
        result["predictor/calibration"] = .float64([slope, intercept], shape: [2])
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        result["predictor/validation"] = .text(String(decoding: try encoder.encode(validation), as: UTF8.self))
        result["predictor/training_profile"] = .text(String(decoding: try encoder.encode(profile), as: UTF8.self))
        result["predictor/trees"] = .text(try trees.json())
        linear?.store(in: &result)
        return result
    }

    /// Reads a predictor back.
    /// - Throws: `CheckpointError` for what is missing; `PredictionError` for another version or other features than this
    ///   program computes.
    public init(_ checkpoint: Checkpoint) throws {
        let version = try checkpoint.integer("predictor/version")
        guard version == Self.formatVersion else {
            throw PredictionError(
                .mismatch,
                "the predictor has version \(version), this program reads version \(Self.formatVersion): train it again"
            )
        }
        let features = try checkpoint.text("predictor/features").split(separator: "\n").map(String.init)
        if let mismatch = PredictionFeature.mismatch(features) {
            throw PredictionError(
                .mismatch, "the predictor is of other features than this program's: \(mismatch); train it again")
        }
        let calibration = try checkpoint.doubles("predictor/calibration", shape: [2])
        let objective = try checkpoint.double("predictor/objective")
        guard objective > 0, objective.isFinite, calibration.allSatisfy(\.isFinite) else {
            throw PredictionError(.unsound, "predictor/objective or predictor/calibration holds no sound number")
        }
        let validation = try Self.decode(PredictionScores.self, "predictor/validation", of: checkpoint)
        let profile = try Self.decode(TrainingProfile.self, "predictor/training_profile", of: checkpoint)
        guard profile.isOf(features) else {
            throw PredictionError(.unsound, "predictor/training_profile is of other features than the predictor")
        }
        let settings = try PredictorSettings.decode(yaml: try checkpoint.text("predictor/settings"))
        try self.init(
            features: features, settings: settings,
            objective: objective, datasetFingerprint: try checkpoint.text("predictor/dataset_fingerprint"),
            validation: validation, profile: profile, slope: calibration[0], intercept: calibration[1],
            trees: BoostedTrees(json: try checkpoint.text("predictor/trees"), width: features.count),
            linear: settings.linearShare ?? 0 > 0 ? LinearPredictor(checkpoint, width: features.count) : nil)
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ name: String, of checkpoint: Checkpoint
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(try checkpoint.text(name).utf8))
        } catch is DecodingError {
            throw PredictionError(.unsound, "\(name) cannot be read")
        }
    }

    /// Writes the predictor as one file, in place of what was there, whole or not at all.
    /// - Throws: `CheckpointError` naming the file.
    public func write(to file: String) throws { try checkpoint().write(to: file) }

    /// Reads a file that `write` wrote.
    /// - Throws: `CheckpointError` or `PredictionError` naming the file and what is wrong with it.
    public init(file: String) throws {
        self = try PredictionError.naming(file) { try Self(Checkpoint.read(file)) }
    }
}
