public import Checkpoints
public import Cluster
import Gym
import LinearAlgebra
import NeuralNetworks

/// A trained candidate scorer as a policy of the cluster: its preferences are the softmax of its logits.
///
/// For PPO those are its probabilities. For DQN the logits are action values (or, in a duel, advantages): the softmax
/// keeps their order, so the most preferred candidate is the one of the highest value.
///
/// Observations are encoded by `ObservationEncoder` and normalised with the training run's statistics, as they were in
/// training. A copy has scratch memory of its own, so each thread can have one.
public struct ScorerPolicy: Policy, Sendable {
    private let network: CandidateActorCritic
    private let parameters: [Float]
    private let normalizer: BatchNormalizer?
    private let unfamiliarInputs: UnfamiliarInputs?
    private var encoder: ObservationEncoder
    private var batch: CandidateBatch
    private var workspace: CandidateActorCritic.Workspace
    private var logProbabilities: [Float] = []
    private var probabilities: [Float] = []

    /// The policy of a training run's checkpoint.
    /// - Parameters:
    ///   - predictor: of p99s on nodes, for a policy that was trained with one.
    ///   - unfamiliarInputs: of the same checkpoint; counts what this policy and its copies read.
    /// - Throws: `CheckpointError` when a part is missing or of another shape, or when the policy was trained on other
    ///   features than `ObservationEncoder` writes; it names the part or the feature.
    public init(
        _ checkpoint: Checkpoint, predictor: PlacementPredictor? = nil, unfamiliarInputs: UnfamiliarInputs? = nil
    ) throws {
        encoder = try checkpoint.encoder(predictor)
        let space = encoder.space
        // A Q-network without a duel has no value.
        let hasValue = checkpoint.hasParameters("critic")
        network = CandidateActorCritic(
            space: space, hidden: try Self.hiddenWidths(checkpoint),
            embeddingWidth: hasValue ? try Self.width("critic.node.0.bias", in: checkpoint) : 1,
            heads: hasValue ? .both : .policy)
        parameters = try checkpoint.parameters(network.layout)
        guard parameters.allSatisfy(\.isFinite) else {
            throw CheckpointError(
                .unsound, path: "policy", problem: "holds weights that are not finite: the run had diverged")
        }
        batch = CandidateBatch(space: space)
        normalizer = try checkpoint.normalizer(widths: batch.rowWidths)
        self.unfamiliarInputs = unfamiliarInputs
        workspace = network.makeWorkspace()
    }

    /// Widths of the scorer's hidden layers, read off the shapes of its biases.
    private static func hiddenWidths(_ checkpoint: Checkpoint) throws -> [Int] {
        var widths = [try width("actor.candidate.bias", in: checkpoint)]
        var layer = 0
        while checkpoint[Checkpoint.path(ofParameter: "actor.scorer.\(layer + 1).bias")] != nil {
            widths.append(try width("actor.scorer.\(layer).bias", in: checkpoint))
            layer += 1
        }
        return widths
    }

    private static func width(_ name: String, in checkpoint: Checkpoint) throws -> Int {
        let path = Checkpoint.path(ofParameter: name)
        let width = try checkpoint.floats(path).count
        guard width > 0 else { throw CheckpointError(.unsound, path: path, problem: "is empty") }
        return width
    }

    /// The probability of each candidate.
    ///
    /// One pass over all candidates; cost O(candidates), without allocation once warm but for the result.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        guard !decision.candidates.isEmpty else { throw PolicyError("a decision without candidates") }
        batch.removeAll()
        encoder.encode(decision, in: snapshot, appendingTo: &batch)
        unfamiliarInputs?.count(batch)
        normalizer?.normalize(&batch)
        let parameters = parameters
        network.forward(batch, parameters: parameters.span, heads: .policy, workspace: &workspace)
        let output = workspace.output
        guard output.logits.allSatisfy(\.isFinite) else {
            throw PolicyError("the policy gave a score that is not finite")
        }
        Self.softmax(output, &logProbabilities, &probabilities)
        return probabilities.map(Double.init)
    }

    private static func softmax(
        _ output: ActorCriticOutput, _ logProbabilities: inout [Float], _ probabilities: inout [Float]
    ) {
        logProbabilities = output.logits
        probabilities = output.logits
        var logs = logProbabilities.mutableSpan
        var values = probabilities.mutableSpan
        Kernels.logSoftmax(
            output.logits.span, offsets: output.offsets.span, logProbabilities: &logs, probabilities: &values)
    }
}
