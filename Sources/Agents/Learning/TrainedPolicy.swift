public import Checkpoints
public import Cluster

/// Policies from the checkpoints of training runs on clusters.
public enum TrainedPolicy {
    /// The policy of a checkpoint, whatever learned it: a table, or a network that scores candidates.
    /// - Throws: `CheckpointError` when a part is missing or of another shape, or when the policy was trained on other
    ///   features than `ObservationEncoder` writes; it names the part or the feature.
    public static func load(_ checkpoint: Checkpoint) throws -> any Policy & Sendable {
        if checkpoint["policy/q"] != nil { return try TabularPolicy(checkpoint) }
        return try ScorerPolicy(checkpoint)
    }
}
