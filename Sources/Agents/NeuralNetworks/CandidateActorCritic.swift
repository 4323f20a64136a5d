import Foundation
public import Gym
import LinearAlgebra
public import Randomness

/// Gives each candidate of a decision a logit, and the decision a value; the same weights serve any number of either.
///
/// - Policy: the logit of a candidate is an MLP with ReLU of its features and those of the context. The first layer is
///   split: the context's product is computed once for each decision and added to that of its candidates.
/// - Value: node rows are embedded by a ReLU layer; an MLP reads the context, the embeddings' mean and maximum over the
///   nodes, and log(1 + number of nodes). It does not see the candidates.
public struct CandidateActorCritic: ActorCritic {
    /// Scratch memory of a `CandidateActorCritic`.
    public struct Workspace: ActorCriticWorkspace {
        /// Context's share of the scorer's first layer, decisions × width.
        var contextProducts: Matrix
        /// The scorer's first layer after its activation, candidates × width.
        var first: Matrix
        var scorer: MLPCache
        var embedding: MLPCache
        /// Context, mean, maximum, log-count; decisions × width.
        var criticInputs: Matrix
        var whereMaximal: [Int32] = []
        var critic: MLPCache
        /// Logits and values of the last forward pass.
        public internal(set) var output = ActorCriticOutput()
        /// The loss's gradient in them, which the caller fills in before the backward pass.
        public var outputGradients = ActorCriticOutput()
    }

    /// Names and shapes of the parameters.
    public let layout: ParameterLayout
    public let heads: ActorCriticHeads
    let initialization: Initialization
    /// Widths of the observations.
    public let space: CandidateSpace
    let firstWidth: Int
    let contextWeight: Range<Int>
    let candidateWeight: Range<Int>
    let firstBias: Range<Int>
    let scorer: MLP
    let embedding: MLP
    let critic: MLP

    /// A network for observations of `space`.
    /// - Parameters:
    ///   - hidden: widths of the scorer's and the critic's hidden layers, at least one.
    ///   - embeddingWidth: width of a node's embedding.
    ///   - heads: the policy, or both.
    ///   - initialization: of its parameters.
    public init(
        space: CandidateSpace, hidden: [Int] = [64, 64], embeddingWidth: Int = 32, heads: ActorCriticHeads = .both,
        initialization: Initialization = .orthogonal
    ) {
        precondition(!hidden.isEmpty, "the scorer needs a hidden layer")
        precondition(heads.contains(.policy), "an actor-critic without a policy")
        var layout = ParameterLayout()
        self.space = space
        self.heads = heads
        self.initialization = initialization
        firstWidth = hidden[0]
        contextWeight = layout.add("actor.context.weight", shape: [space.contextWidth, hidden[0]])
        candidateWeight = layout.add("actor.candidate.weight", shape: [space.candidateWidth, hidden[0]])
        firstBias = layout.add("actor.candidate.bias", shape: [hidden[0]])
        scorer = MLP("actor.scorer", widths: hidden + [1], hidden: .relu, layout: &layout)
        // Where there is no value, the shapes of its layers stay without parameters.
        var valueLayout = heads.contains(.value) ? layout : ParameterLayout()
        embedding = MLP(
            "critic.node", widths: [space.nodeWidth, embeddingWidth], hidden: .relu, output: .relu,
            layout: &valueLayout)
        let criticInputs = space.contextWidth + 2 * embeddingWidth + 1
        critic = MLP("critic.value", widths: [criticInputs] + hidden + [1], hidden: .relu, layout: &valueLayout)
        self.layout = heads.contains(.value) ? valueLayout : layout
    }

    public func choices(_ observations: CandidateBatch, _ index: Int) -> Int { observations.candidateCount(index) }

    /// Where the pooled embeddings stand among the critic's inputs.
    private var pooledPlace: Kernels.PooledPlace {
        Kernels.PooledPlace(stride: critic.inputs, column: space.contextWidth)
    }

    public func initialParameters(using generator: inout RandomGenerator) -> [Float] {
        var parameters = [Float](repeating: 0, count: layout.count)
        initializeFirstLayer(&parameters, using: &generator)
        scorer.initialize(&parameters, initialization, outputGain: 0.01, using: &generator)
        guard heads.contains(.value) else { return parameters }
        embedding.initialize(&parameters, initialization, outputGain: Activation.relu.gain, using: &generator)
        critic.initialize(&parameters, initialization, outputGain: 1, using: &generator)
        return parameters
    }

    /// The two parts of the scorer's first layer are one matrix to the initialisation.
    private func initializeFirstLayer(_ parameters: inout [Float], using generator: inout RandomGenerator) {
        let inputs = space.contextWidth + space.candidateWidth
        var layout = ParameterLayout()
        let layer = MLP("first", widths: [inputs, firstWidth], hidden: .relu, output: .relu, layout: &layout)
        var first = [Float](repeating: 0, count: layout.count)
        layer.initialize(&first, initialization, outputGain: Activation.relu.gain, using: &generator)
        parameters.replaceSubrange(contextWeight, with: first[..<contextWeight.count])
        parameters.replaceSubrange(candidateWeight, with: first[contextWeight.count..<inputs * firstWidth])
        parameters.replaceSubrange(firstBias, with: first[(inputs * firstWidth)...])
    }

    public func makeWorkspace() -> Workspace {
        Workspace(
            contextProducts: Matrix(rows: 0, columns: firstWidth), first: Matrix(rows: 0, columns: firstWidth),
            scorer: MLPCache(for: scorer), embedding: MLPCache(for: embedding),
            criticInputs: Matrix(rows: 0, columns: critic.inputs), critic: MLPCache(for: critic))
    }

    public func forward(
        _ observations: CandidateBatch, parameters: Span<Float>, heads: ActorCriticHeads, workspace: inout Workspace
    ) {
        precondition(heads.isSubset(of: self.heads), "a head that the network does not have")
        if heads.contains(.policy) { score(observations, parameters, &workspace) }
        if heads.contains(.value) { evaluate(observations, parameters, &workspace) }
    }

    private func score(_ observations: CandidateBatch, _ parameters: Span<Float>, _ workspace: inout Workspace) {
        let decisions = observations.count
        let candidates = observations.candidateOffsets[decisions]
        workspace.contextProducts.resize(rows: decisions)
        do {
            var products = workspace.contextProducts.values.mutableSpan
            Kernels.product(
                observations.contexts.span, parameters.extracting(contextWeight),
                bias: parameters.extracting(firstBias), rows: decisions, inner: space.contextWidth,
                columns: firstWidth, into: &products)
        }
        workspace.first.resize(rows: candidates)
        do {
            let products = workspace.contextProducts
            var first = workspace.first.values.mutableSpan
            Kernels.product(
                observations.candidateRows.span, parameters.extracting(candidateWeight), rows: candidates,
                inner: space.candidateWidth, columns: firstWidth, into: &first)
            Kernels.add(
                products.values.span, toSegments: observations.candidateOffsets.span,
                width: firstWidth, of: &first)
            Kernels.relu(&first)
        }
        let first = workspace.first
        scorer.forward(parameters: parameters, first.values.span, cache: &workspace.scorer)
        workspace.output.logits.replaceElements(with: workspace.scorer.outputs.values)
        workspace.output.offsets = observations.candidateOffsets
    }

    private func evaluate(_ observations: CandidateBatch, _ parameters: Span<Float>, _ workspace: inout Workspace) {
        let decisions = observations.count
        embedding.forward(parameters: parameters, observations.nodeRows.span, cache: &workspace.embedding)
        workspace.criticInputs.resize(rows: decisions)
        if workspace.whereMaximal.count != decisions * embedding.outputs {
            workspace.whereMaximal = Array(repeating: -1, count: decisions * embedding.outputs)
        }
        gatherCriticInputs(
            observations, workspace.embedding.outputs, &workspace.criticInputs.values, &workspace.whereMaximal)
        let inputs = workspace.criticInputs
        critic.forward(parameters: parameters, inputs.values.span, cache: &workspace.critic)
        workspace.output.values.replaceElements(with: workspace.critic.outputs.values)
    }

    private func gatherCriticInputs(
        _ observations: CandidateBatch, _ embeddings: Matrix, _ inputs: inout [Float], _ whereMaximal: inout [Int32]
    ) {
        var inputs = inputs.mutableSpan
        var index = whereMaximal.mutableSpan
        Kernels.poolSegments(
            embeddings.values.span, offsets: observations.nodeOffsets.span, width: embedding.outputs, into: &inputs,
            at: pooledPlace, whereMaximal: &index)
        let contexts = observations.contexts.span
        for decision in 0..<observations.count {
            let start = decision * critic.inputs
            for column in 0..<space.contextWidth {
                inputs[start + column] = contexts[decision * space.contextWidth + column]
            }
            inputs[start + critic.inputs - 1] = logCount(observations.nodeCount(decision))
        }
    }

    public func backward(
        _ observations: CandidateBatch, parameters: Span<Float>, workspace: inout Workspace,
        gradients: inout [Float]
    ) {
        var gradients = gradients.mutableSpan
        backwardScores(observations, parameters, &workspace, &gradients)
        if heads.contains(.value) { backwardValues(observations, parameters, &workspace, &gradients) }
    }

    private func backwardScores(
        _ observations: CandidateBatch, _ parameters: Span<Float>, _ workspace: inout Workspace,
        _ gradients: inout MutableSpan<Float>
    ) {
        let decisions = observations.count
        let candidates = observations.candidateOffsets[decisions]
        workspace.scorer.outputGradients.assign(workspace.outputGradients.logits)
        let first = workspace.first
        scorer.backward(
            parameters: parameters, first.values.span, cache: &workspace.scorer, gradients: &gradients,
            needsInputGradients: true)
        do {
            var delta = workspace.scorer.inputGradients.values.mutableSpan
            Kernels.reluBackward(first.values.span, gradient: &delta)
        }
        Kernels.addTransposedProduct(
            observations.candidateRows.span, workspace.scorer.inputGradients.values.span,
            rows: space.candidateWidth, inner: candidates, columns: firstWidth, into: &gradients,
            at: candidateWeight.lowerBound)
        do {
            let delta = workspace.scorer.inputGradients
            // The forward pass's products are no longer needed; their place takes the gradients in them.
            var sums = workspace.contextProducts.values.mutableSpan
            Kernels.sumSegments(
                delta.values.span, offsets: observations.candidateOffsets.span,
                width: firstWidth, into: &sums)
        }
        Kernels.addColumnSums(
            workspace.contextProducts.values.span, rows: decisions, columns: firstWidth, into: &gradients,
            at: firstBias.lowerBound)
        Kernels.addTransposedProduct(
            observations.contexts.span, workspace.contextProducts.values.span, rows: space.contextWidth,
            inner: decisions, columns: firstWidth, into: &gradients, at: contextWeight.lowerBound)
    }

    private func backwardValues(
        _ observations: CandidateBatch, _ parameters: Span<Float>, _ workspace: inout Workspace,
        _ gradients: inout MutableSpan<Float>
    ) {
        workspace.critic.outputGradients.assign(workspace.outputGradients.values)
        let inputs = workspace.criticInputs
        critic.backward(
            parameters: parameters, inputs.values.span, cache: &workspace.critic, gradients: &gradients,
            needsInputGradients: true)
        workspace.embedding.outputGradients.resize(rows: observations.nodeOffsets[observations.count])
        workspace.embedding.outputGradients.clear()
        do {
            let inputGradients = workspace.critic.inputGradients
            let index = workspace.whereMaximal
            var rows = workspace.embedding.outputGradients.values.mutableSpan
            Kernels.poolSegmentsBackward(
                inputGradients.values.span, at: pooledPlace, offsets: observations.nodeOffsets.span,
                width: embedding.outputs, whereMaximal: index.span, rowGradients: &rows)
        }
        embedding.backward(
            parameters: parameters, observations.nodeRows.span, cache: &workspace.embedding, gradients: &gradients)
    }

    /// log(1 + count): 0 without nodes, 8.5 for 5,000.
    private func logCount(_ count: Int) -> Float {
        Float(log(1 + Double(count)))
    }
}
