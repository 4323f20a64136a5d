public import Checkpoints
public import Cluster
import Gym
import Settings

/// A trained table of action values as a policy of the cluster.
///
/// A candidate's preference is (Q − least Q) / (greatest Q − least Q) over the list: 1 for the best, 0 for the worst,
/// in between as far as the values are, whatever their scale; all are 1 where all values are equal. Observations are
/// encoded by `ObservationEncoder`, as they were in training. A copy has scratch memory of its own, so each thread can
/// have one; the table is shared.
public struct TabularPolicy: Policy, Sendable {
    private let discretizer: CandidateDiscretizer
    private let values: [Double]
    private var encoder: ObservationEncoder
    private var batch: CandidateBatch
    private var entries: [Int] = []

    /// The policy of a training run's checkpoint.
    /// - Parameter predictor: of p99s on nodes, for a policy that was trained with one.
    /// - Throws: `CheckpointError` when a part is missing or of another shape, or when the policy was trained on other
    ///   features than `ObservationEncoder` writes; it names the part or the feature.
    public init(_ checkpoint: Checkpoint, predictor: PlacementPredictor? = nil) throws {
        encoder = try checkpoint.encoder(predictor)
        batch = CandidateBatch(space: encoder.space)
        let bins = try checkpoint.bins()
        do {
            discretizer = try CandidateDiscretizer(bins: bins, schema: encoder.schema)
        } catch {
            throw CheckpointError(.unsound, path: "policy/bins", problem: error.description)
        }
        values = try checkpoint.actionValues(discretizer.count)
    }

    /// How good each candidate is among those on the list, 0 to 1.
    ///
    /// Cost O(nodes log nodes + candidates), without allocation once warm but for the result.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        guard !decision.candidates.isEmpty else { throw PolicyError("a decision without candidates") }
        batch.removeAll()
        encoder.encode(decision, in: snapshot, appendingTo: &batch)
        discretizer.entries(of: batch, actions: decision.candidates.count, into: &entries)
        let values = entries.map { self.values[$0] }
        guard let least = values.min(), let greatest = values.max(), greatest > least else {
            return values.map { _ in 1 }
        }
        return values.map { ($0 - least) / (greatest - least) }
    }
}
