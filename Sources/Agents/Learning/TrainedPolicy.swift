public import Checkpoints
public import Cluster

/// Policies from the checkpoints of training runs on clusters.
public enum TrainedPolicy {
    /// The policy of a checkpoint, whatever learned it: a table, or a network that scores candidates. With a risk limit it
    /// keeps to it.
    /// - Parameters:
    ///   - predictor: of p99s on nodes, for a policy that was trained with one.
    ///   - unfamiliarInputs: of the same checkpoint; counts what the policy and its copies read.
    /// - Throws: `CheckpointError` when a part is missing or of another shape, or when the policy was trained on other
    ///   features than `ObservationEncoder` writes, or on vectors of fixed size; it names the part or the feature.
    public static func load(
        _ checkpoint: Checkpoint, predictor: PlacementPredictor? = nil, unfamiliarInputs: UnfamiliarInputs? = nil
    ) throws -> any Policy & Sendable {
        guard !checkpoint.hasParameters("actor.0") else {
            throw CheckpointError(
                .mismatch, path: "policy/actor",
                problem: "is a network over vectors of fixed size, such as the flat view: only policies that score "
                    + "candidates decide for clusters of any size; train with environment.kind cluster")
        }
        let policy: any Policy & Sendable =
            if checkpoint["policy/q"] != nil {
                try TabularPolicy(checkpoint, predictor: predictor)
            } else {
                try ScorerPolicy(checkpoint, predictor: predictor, unfamiliarInputs: unfamiliarInputs)
            }
        guard let predictor, predictor.riskLimit != nil else { return policy }
        return policy.limited(by: predictor)
    }
}
