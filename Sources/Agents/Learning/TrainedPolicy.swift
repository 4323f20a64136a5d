public import Checkpoints
public import Cluster

/// Policies from the checkpoints of training runs on clusters.
public enum TrainedPolicy {
    /// The policy of a checkpoint, whatever learned it: a table, or a network that scores candidates.
    /// - Throws: `CheckpointError` when a part is missing or of another shape, or when the policy was trained on other
    ///   features than `ObservationEncoder` writes, or on vectors of fixed size; it names the part or the feature.
    public static func load(_ checkpoint: Checkpoint) throws -> any Policy & Sendable {
        guard !checkpoint.hasParameters("actor.0") else {
            throw CheckpointError(
                path: "policy/actor",
                problem: "is a network over vectors of fixed size, such as the flat view: only policies that score "
                    + "candidates decide for clusters of any size; train with environment.kind cluster")
        }
        if checkpoint["policy/q"] != nil { return try TabularPolicy(checkpoint) }
        return try ScorerPolicy(checkpoint)
    }
}
