public import Checkpoints
import Cluster
import Foundation
import Learning
import LinearAlgebra
import NeuralNetworks

/// A trained policy as an ONNX model (onnx.ai), which its runtimes run without this project.
///
/// Observations go in as the environment or the encoder gives them: the statistics that they were normalised with in
/// training are part of the graph. docs/onnx.md describes inputs, outputs and metadata.
public struct PolicyModel: Sendable {
    /// Version of ONNX's operators that the model uses.
    public static let operatorVersion = Int(GraphBuilder.operatorVersion)

    /// What the model reads.
    public let inputs: [ModelTensor]
    /// What it gives.
    public let outputs: [ModelTensor]
    /// What the model says about itself: the names of its features, the algorithm and what the logits are.
    public let metadata: [String: String]
    /// The model as a file holds it, a `ModelProto`. Equal checkpoints give equal bytes.
    public let bytes: [UInt8]

    /// The model of a training run's checkpoint.
    /// - Throws: `CheckpointError` that names the part of the checkpoint that is missing, of another shape, not finite,
    ///   or not a network.
    public init(_ checkpoint: Checkpoint) throws {
        guard checkpoint["policy/q"] == nil else {
            throw CheckpointError(
                .mismatch, path: "policy/q", problem: "is a table of action values: only networks can be exported")
        }
        let configuration = try RunConfiguration(checkpoint)
        guard !configuration.isMasked else {
            throw CheckpointError(
                .mismatch, path: "policy/actor",
                problem: "was trained on the flat view of a cluster, where some actions are illegal: a model of it "
                    + "would give them probabilities; export a policy of environment.kind cluster")
        }
        var metadata = [
            "project_version": checkpoint.projectVersion, "algorithm": configuration.algorithm.rawValue,
            "logits": Self.meaningOfLogits(checkpoint, configuration),
        ]
        let graph: GraphBuilder
        if checkpoint.hasParameters("actor.candidate") {
            let schema = try checkpoint.schema()
            graph = try Self.candidateGraph(checkpoint, configuration, schema)
            metadata["features.context"] = try Self.list(schema.context)
            metadata["features.candidates"] = try Self.list(schema.candidate)
        } else {
            graph = try Self.flatGraph(checkpoint, configuration)
        }
        inputs = graph.inputs
        outputs = graph.outputs
        self.metadata = metadata
        // In order of name, so that equal checkpoints give equal models.
        bytes = graph.model(
            version: ProjectVersion.current,
            metadata: metadata.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) })
    }

    /// Names as a JSON list: they have commas and colons in them.
    private static func list(_ names: [String]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(names), as: UTF8.self)
    }

    // MARK: What the outputs mean

    private static func meaningOfLogits(_ checkpoint: Checkpoint, _ configuration: RunConfiguration) -> String {
        switch configuration.algorithm {
        case .ppo: "logarithms of the probabilities, up to a constant of the observation"
        // A Q-network has a value beside it in a duel only.
        case .dqn where checkpoint.hasParameters("critic"):
            "advantages: action values, up to a constant of the observation"
        case .dqn: "action values"
        }
    }

    private static func meaningOfProbabilities(_ configuration: RunConfiguration) -> String {
        switch configuration.algorithm {
        case .ppo: "the policy: the softmax of the logits"
        case .dqn: "the softmax of the logits: it keeps their order, and no policy was trained to follow it"
        }
    }

    // MARK: Graphs

    private static func flatGraph(
        _ checkpoint: Checkpoint, _ configuration: RunConfiguration
    ) throws -> GraphBuilder {
        let actor = try checkpoint.layers("actor")
        let width = actor[0].weight.rows
        let actions = ModelTensor.Dimension.fixed(actor[actor.count - 1].bias.count)
        let batch = ModelTensor.Dimension.free("batch")
        var graph = GraphBuilder(name: "policy")
        let input = graph.addInput(
            ModelTensor("observation", [batch, .fixed(width)], meaning: "observations as the environment gives them"))
        let observation = graph.addNormalizer(try checkpoint.normalizer(widths: [width])?.kinds[0], of: input)
        let logits = graph.addLayers(actor, hidden: configuration.activation, input: observation, output: "logits")
        let probabilities = graph.addNode("Softmax", [logits], output: "probabilities", axis: 1)
        graph.addOutput(
            ModelTensor(logits, [batch, actions], meaning: meaningOfLogits(checkpoint, configuration)))
        graph.addOutput(
            ModelTensor(probabilities, [batch, actions], meaning: meaningOfProbabilities(configuration)))
        guard checkpoint.hasParameters("critic") else { return graph }
        let critic = try checkpoint.layers("critic", inputs: width, outputs: 1)
        let values = graph.addLayers(critic, hidden: configuration.activation, input: observation, output: "values")
        let value = graph.addColumn(values, output: "value")
        graph.addOutput(
            ModelTensor(value, [batch], meaning: "expected discounted return, of rewards as training scaled them"))
        return graph
    }

    private static func candidateGraph(
        _ checkpoint: Checkpoint, _ configuration: RunConfiguration, _ schema: FeatureSchema
    ) throws -> GraphBuilder {
        let (contextWidth, candidateWidth) = (schema.context.count, schema.candidate.count)
        let first = try checkpoint.layer("actor.candidate", inputs: candidateWidth)
        let width = first.bias.count
        let contextWeight = try checkpoint.matrix("actor.context.weight", inputs: contextWidth, outputs: width)
        let scorer = try checkpoint.layers("actor.scorer", inputs: width, outputs: 1)
        let kinds = try checkpoint.normalizer(widths: [contextWidth, schema.node.count, candidateWidth])?.kinds

        let count = ModelTensor.Dimension.free("n")
        var graph = GraphBuilder(name: "policy")
        let contextInput = graph.addInput(
            ModelTensor("context", [.fixed(1), .fixed(contextWidth)], meaning: "features of the decision"))
        let candidateInput = graph.addInput(
            ModelTensor("candidates", [count, .fixed(candidateWidth)], meaning: "features of each candidate"))
        let context = graph.addNormalizer(kinds?[0], of: contextInput)
        let candidates = graph.addNormalizer(kinds?[2], of: candidateInput)
        // The scorer's first layer, split as in `CandidateActorCritic`: the context's share is one row for all.
        let contextProduct = graph.addProduct(context, contextWeight, name: "actor.context")
        let contextSum = graph.addBias(
            contextProduct, first.bias, name: first.name, output: "actor.context.sum")
        let candidateProducts = graph.addProduct(candidates, first.weight, name: first.name)
        let sums = graph.addNode("Add", [candidateProducts, contextSum], output: "actor.candidate.sum")
        let hidden = graph.addActivation(.relu, sums, name: first.name)
        let scores = graph.addLayers(scorer, hidden: .relu, input: hidden, output: "scores")
        let logits = graph.addColumn(scores, output: "logits")
        let probabilities = graph.addNode("Softmax", [logits], output: "probabilities", axis: 0)
        graph.addOutput(ModelTensor(logits, [count], meaning: meaningOfLogits(checkpoint, configuration)))
        graph.addOutput(ModelTensor(probabilities, [count], meaning: meaningOfProbabilities(configuration)))
        return graph
    }
}
