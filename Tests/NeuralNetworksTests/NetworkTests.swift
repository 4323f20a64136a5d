import Foundation
import Gym
import LinearAlgebra
import NeuralNetworks
import Randomness
import Testing

/// `tanh` in double precision, named apart from the activation.
func tanhOf(_ x: Double) -> Double { tanh(x) }

@Suite("Networks")
struct NetworkTests {
    @Test(
        "Orthogonal weights have orthogonal rows or columns of the gain's length",
        arguments: [(4, 64), (64, 64), (64, 2), (1, 1)])
    func orthogonal(inputs: Int, outputs: Int) {
        var generator = RandomGenerator(seed: 7)
        let weights = Matrix(
            rows: inputs, columns: outputs,
            values: orthogonalWeights(inputs: inputs, outputs: outputs, gain: 2, using: &generator))
        var gram = Matrix(rows: min(inputs, outputs), columns: min(inputs, outputs))
        var products = gram.values.mutableSpan
        if inputs >= outputs {
            Kernels.addTransposedProduct(
                weights.values.span, weights.values.span, rows: outputs, inner: inputs, columns: outputs,
                into: &products)
        } else {
            Kernels.product(
                weights.values.span, transposed: weights.values.span, rows: inputs, inner: outputs, columns: inputs,
                into: &products)
        }
        for i in 0..<gram.rows {
            for j in 0..<gram.columns { #expect(abs(gram[i, j] - (i == j ? 4 : 0)) < 1e-5) }
        }
    }

    @Test("A new actor-critic is almost uniform, has unit gain in its value, and depends on its seed only")
    func initialization() {
        let network = MLPActorCritic(inputs: 4, actions: 2)
        #expect(network.layout.count == 2 * (4 * 64 + 64 + 64 * 64 + 64) + 64 * 2 + 2 + 64 + 1)
        var generator = RandomGenerator(seed: 5)
        let parameters = network.initialParameters(using: &generator)
        var again = RandomGenerator(seed: 5)
        #expect(network.initialParameters(using: &again) == parameters)
        var other = RandomGenerator(seed: 6)
        #expect(network.initialParameters(using: &other) != parameters)
        for (name, norm) in [
            ("actor.0.weight", 2.0 * 4), ("actor.1.weight", 2.0 * 64), ("actor.2.weight", 1e-4 * 2),
            ("critic.2.weight", 1), ("actor.0.bias", 0),
        ] {
            let range = network.layout[name]?.range ?? 0..<0
            let sum = parameters[range].reduce(0.0) { $0 + Double($1) * Double($1) }
            #expect(abs(sum - norm) < 1e-4 * (norm + 1e-3), "\(name)")
        }
    }

    @Test("Uniform weights and biases fill the range that PyTorch draws from", arguments: [true, false])
    func uniformInitialization(isFlat: Bool) throws {
        var generator = RandomGenerator(seed: 11)
        let space = CandidateSpace(contextWidth: 9, nodeWidth: 5, candidateWidth: 16, bound: 5)
        let flat = MLPActorCritic(inputs: 25, actions: 3, initialization: .uniform)
        let candidates = CandidateActorCritic(space: space, initialization: .uniform)
        let layout = isFlat ? flat.layout : candidates.layout
        let parameters =
            isFlat ? flat.initialParameters(using: &generator) : candidates.initialParameters(using: &generator)
        // Name, inputs of its layer.
        let first =
            isFlat
            ? [("actor.0.weight", 25.0), ("actor.0.bias", 25), ("actor.1.weight", 64)]
            : [("actor.candidate.weight", 25.0), ("actor.candidate.bias", 25), ("actor.context.weight", 25)]
        for (name, inputs) in first {
            let values = parameters[try #require(layout[name]).range]
            let bound = 1 / Float(inputs).squareRoot()
            #expect(values.allSatisfy { abs($0) <= bound }, "\(name)")
            // Of 64 and more draws the largest lies in the last tenth but for a chance of 0.9^64.
            #expect(values.contains { abs($0) > 0.9 * bound }, "\(name)")
            let mean = values.reduce(0, +) / Float(values.count)
            #expect(abs(mean) < 4 * bound / (3 * Float(values.count)).squareRoot(), "\(name)")
        }
    }

    @Test("An observation's outputs do not depend on the rest of the batch")
    func batchIndependence() {
        var generator = RandomGenerator(seed: 8)
        let space = CandidateSpace(contextWidth: 9, nodeWidth: 5, candidateWidth: 11, bound: 5)
        let network = CandidateActorCritic(space: space)
        let parameters = network.initialParameters(using: &generator)
        var batch = CandidateBatch(space: space)
        for _ in 0..<37 { batch.append(0, of: space.sample(using: &generator)) }
        var workspace = network.makeWorkspace()
        network.forward(batch, parameters: parameters.span, heads: .both, workspace: &workspace)
        let together = workspace.output
        for index in 0..<batch.count {
            var single = CandidateBatch(space: space)
            single.append(index, of: batch)
            network.forward(single, parameters: parameters.span, heads: .both, workspace: &workspace)
            #expect(abs(workspace.output.values[0] - together.values[index]) < 1e-5)
            let logits = together.logits[together.offsets[index]..<together.offsets[index + 1]]
            #expect(workspace.output.logits.count == logits.count)
            for (alone, inBatch) in zip(workspace.output.logits, logits) { #expect(abs(alone - inBatch) < 1e-6) }
        }
    }

    @Test("The order of candidates orders the logits and leaves the value alone")
    func permutation() {
        var generator = RandomGenerator(seed: 9)
        let space = CandidateSpace(contextWidth: 3, nodeWidth: 2, candidateWidth: 4, bound: 5)
        let network = CandidateActorCritic(space: space)
        let parameters = network.initialParameters(using: &generator)
        let rows = (0..<20).map { _ in Float(generator.normal()) }
        func batch(reversed: Bool) -> CandidateBatch {
            var batch = CandidateBatch(space: space)
            batch.append(nodeCount: 3, candidateCount: 5) { context, nodes, candidates in
                for i in context.indices { context[i] = 0.5 }
                for i in nodes.indices { nodes[i] = Float(i) }
                for row in 0..<5 {
                    for column in 0..<4 { candidates[row * 4 + column] = rows[(reversed ? 4 - row : row) * 4 + column] }
                }
            }
            return batch
        }
        var workspace = network.makeWorkspace()
        network.forward(batch(reversed: false), parameters: parameters.span, heads: .both, workspace: &workspace)
        let (logits, values) = (workspace.output.logits, workspace.output.values)
        network.forward(batch(reversed: true), parameters: parameters.span, heads: .both, workspace: &workspace)
        for (reversed, logit) in zip(workspace.output.logits, logits.reversed()) {
            #expect(abs(reversed - logit) < 1e-7)
        }
        #expect(workspace.output.values == values)
        #expect(Set(logits).count == 5)
    }

    @Test("Adam clips by the norm of all gradients")
    func clipping() {
        var optimizer = AdamOptimizer(count: 2, epsilon: 1)
        var parameters: [Float] = [0, 0]
        let norm = optimizer.update(&parameters, gradients: ([3, 4] as [Float]).span, rate: 1, maximumNorm: 1)
        #expect(norm == 5)
        // The first step divides the clipped gradient g = (0.6, 0.8) by |g| + epsilon.
        #expect(abs(parameters[0] + 0.6 / 1.6) < 1e-5 && abs(parameters[1] + 0.8 / 1.8) < 1e-5)
    }

    @Test("Adam takes no step along a gradient that is not finite", arguments: [Float.nan, .infinity])
    func notFinite(gradient: Float) {
        var optimizer = AdamOptimizer(count: 2)
        let before = optimizer
        var parameters: [Float] = [1, 2]
        let norm = optimizer.update(&parameters, gradients: [0.1, gradient].span, rate: 1, maximumNorm: 1)
        #expect(!norm.isFinite && parameters == [1, 2] && optimizer == before)
    }

    @Test("Adam's moments survive storing; moments of another length are refused")
    func restoring() {
        var optimizer = AdamOptimizer(count: 3)
        var parameters: [Float] = [1, 2, 3]
        optimizer.update(&parameters, gradients: ([0.1, -0.2, 0.3] as [Float]).span, rate: 0.01)
        var other = AdamOptimizer(count: 3)
        let isRestored = other.restore(
            step: optimizer.step, firstMoment: optimizer.firstMoment, secondMoment: optimizer.secondMoment)
        #expect(isRestored && other == optimizer)
        let isRefused = !other.restore(step: 1, firstMoment: [1], secondMoment: [1])
        #expect(isRefused && other == optimizer)
    }
}
