import Gym
import LinearAlgebra
import NeuralNetworks
import Randomness
import Testing

private func noise(_ count: Int, _ generator: inout RandomGenerator) -> [Float] {
    (0..<count).map { _ in Float(generator.normal()) }
}

/// Ragged observations: one node and one candidate, many, and none of the nodes.
private func raggedBatch(_ space: CandidateSpace, _ generator: inout RandomGenerator) -> CandidateBatch {
    var batch = CandidateBatch(space: space)
    for (nodes, candidates) in [(1, 1), (5, 7), (0, 2), (20, 33), (3, 2)] {
        batch.append(nodeCount: nodes, candidateCount: candidates) { context, nodeRows, candidateRows in
            for i in context.indices { context[i] = Float(generator.normal()) }
            for i in nodeRows.indices { nodeRows[i] = Float(generator.normal()) }
            for i in candidateRows.indices { candidateRows[i] = Float(generator.normal()) }
        }
    }
    return batch
}

@Suite("Gradients against finite differences")
struct GradientTests {
    @Test("of each layer and activation", arguments: [Activation.tanh, .relu, .identity])
    func layers(activation: Activation) {
        var generator = RandomGenerator(seed: 1)
        var layout = ParameterLayout()
        let network = MLP("net", widths: [3, 5, 4], hidden: activation, output: activation, layout: &layout)
        let parameters = noise(layout.count, &generator).map { $0 * 0.7 }
        let x = noise(6 * 3, &generator)
        let weights = noise(6 * 4, &generator)
        var cache = MLPCache(for: network)
        network.forward(parameters: parameters.span, x.span, cache: &cache)
        cache.outputGradients = Matrix(rows: 6, columns: 4, values: weights)
        var gradients = [Float](repeating: 0, count: layout.count)
        var span = gradients.mutableSpan
        network.backward(
            parameters: parameters.span, x.span, cache: &cache, gradients: &span, needsInputGradients: true)

        let apply: (Double) -> Double =
            switch activation {
            case .tanh: { tanhOf($0) }
            case .relu: { max($0, 0) }
            case .identity: { $0 }
            }
        func loss(_ parameters: [Double], _ x: [Double]) -> Double {
            let reference = DoubleReference(layout: layout, parameters: parameters)
            return (0..<6).reduce(0) { sum, row in
                let y = reference.mlp("net", Array(x[row * 3..<row * 3 + 3]), hidden: apply, output: apply)
                return sum + (0..<4).reduce(0) { $0 + y[$1] * Double(weights[row * 4 + $1]) }
            }
        }
        let inParameters = centralDifferences(at: parameters) { loss($0, x.map(Double.init)) }
        let inInputs = centralDifferences(at: x) { loss(parameters.map(Double.init), $0) }
        #expect(relativeDifference(gradients, inParameters) < 1e-3)
        #expect(relativeDifference(cache.inputGradients.values, inInputs) < 1e-3)
    }

    @Test("of the flat actor-critic")
    func flat() {
        var generator = RandomGenerator(seed: 2)
        let network = MLPActorCritic(inputs: 4, actions: 3, hidden: [17, 16])
        let parameters = noise(network.layout.count, &generator).map { $0 * 0.4 }
        let observations = Matrix(rows: 9, columns: 4, values: noise(36, &generator))
        var workspace = network.makeWorkspace()
        network.forward(observations, parameters: parameters.span, heads: .both, workspace: &workspace)
        #expect(workspace.output.offsets == (0...9).map { $0 * 3 })
        workspace.outputGradients.logits = noise(27, &generator)
        workspace.outputGradients.values = noise(9, &generator)
        var gradients = [Float](repeating: 0, count: parameters.count)
        network.backward(observations, parameters: parameters.span, workspace: &workspace, gradients: &gradients)
        let weights = workspace.outputGradients

        let exact = centralDifferences(at: parameters) { parameters in
            let reference = DoubleReference(layout: network.layout, parameters: parameters)
            return (0..<9).reduce(0) { sum, row in
                let x = observations.values[row * 4..<row * 4 + 4].map(Double.init)
                let logits = reference.mlp("actor", x, hidden: tanhOf)
                let value = reference.mlp("critic", x, hidden: tanhOf)[0]
                return sum
                    + (0..<3).reduce(value * Double(weights.values[row])) {
                        $0 + logits[$1] * Double(weights.logits[row * 3 + $1])
                    }
            }
        }
        #expect(relativeDifference(gradients, exact) < 1e-3)
    }

    @Test("of the candidate scorer and its critic with pooling")
    func candidates() {
        var generator = RandomGenerator(seed: 3)
        let space = CandidateSpace(contextWidth: 5, nodeWidth: 4, candidateWidth: 6, bound: 10)
        let network = CandidateActorCritic(space: space, hidden: [18, 9], embeddingWidth: 7)
        let parameters = noise(network.layout.count, &generator).map { $0 * 0.4 }
        let batch = raggedBatch(space, &generator)
        var workspace = network.makeWorkspace()
        network.forward(batch, parameters: parameters.span, heads: .both, workspace: &workspace)
        let reference = DoubleReference(layout: network.layout, parameters: parameters.map(Double.init))
            .candidates(batch)
        #expect(workspace.output.offsets == batch.candidateOffsets)
        for (logit, exact) in zip(workspace.output.logits, reference.logits) {
            #expect(abs(Double(logit) - exact) < 1e-5 * (1 + abs(exact)))
        }
        for (value, exact) in zip(workspace.output.values, reference.values) {
            #expect(abs(Double(value) - exact) < 1e-5 * (1 + abs(exact)))
        }

        workspace.outputGradients.logits = noise(workspace.output.logits.count, &generator)
        workspace.outputGradients.values = noise(batch.count, &generator)
        let weights = workspace.outputGradients
        var gradients = [Float](repeating: 0, count: parameters.count)
        network.backward(batch, parameters: parameters.span, workspace: &workspace, gradients: &gradients)
        let exact = centralDifferences(at: parameters) { parameters in
            let (logits, values) = DoubleReference(layout: network.layout, parameters: parameters).candidates(batch)
            return zip(logits, weights.logits).reduce(0) { $0 + $1.0 * Double($1.1) }
                + zip(values, weights.values).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        #expect(relativeDifference(gradients, exact) < 1e-3)
    }

    @Test("are added to what is there")
    func accumulation() {
        var generator = RandomGenerator(seed: 4)
        let network = MLPActorCritic(inputs: 4, actions: 2)
        let parameters = network.initialParameters(using: &generator)
        let observations = Matrix(rows: 3, columns: 4, values: noise(12, &generator))
        var gradients = [Float](repeating: 0, count: parameters.count)
        var once: [Float] = []
        for _ in 0..<2 {
            var workspace = network.makeWorkspace()
            network.forward(observations, parameters: parameters.span, heads: .both, workspace: &workspace)
            workspace.outputGradients.logits = [1, -1, 1, -1, 1, -1]
            workspace.outputGradients.values = [1, 2, 3]
            network.backward(observations, parameters: parameters.span, workspace: &workspace, gradients: &gradients)
            if once.isEmpty { once = gradients }
        }
        for (twice, single) in zip(gradients, once) { #expect(abs(twice - 2 * single) <= 1e-5 * (1 + abs(single))) }
    }
}
