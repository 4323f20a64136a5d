import Foundation
import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import Randomness
import Testing

/// Shows a vector of targets; each component of the action that is the nearest value to its target is worth 1.
private struct Targets: FlatEnvironment, Sendable, Codable {
    static let counts = [3, 2, 4]
    private var generator: RandomGenerator
    private var targets: [Float] = [0, 0, 0]
    private var step = 0

    init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    var observationSpace: Box { Box(low: [0, 0, 0], high: [1, 1, 1]) }
    var actionSpace: MultiDiscrete { MultiDiscrete(counts: Self.counts) }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        step = 0
        draw(&observation)
    }

    mutating func step(_ action: [Int], into observation: inout MutableSpan<Float>) throws -> Outcome {
        let wanted = zip(targets, Self.counts).map { min(Int($0 * Float($1)), $1 - 1) }
        let hits = zip(action, wanted).filter { $0 == $1 }
        step += 1
        draw(&observation)
        return Outcome(reward: Double(hits.count), terminated: step == 10)
    }

    private mutating func draw(_ observation: inout MutableSpan<Float>) {
        for index in targets.indices {
            targets[index] = Float(generator.uniform())
            observation[index] = targets[index]
        }
    }
}

@Suite("Vectors as actions")
struct MultiDiscreteTests {
    @Test("Every vector has a number of its own")
    func numbers() {
        let space = MultiDiscrete(counts: [3, 1, 4])
        #expect(space.product == 12)
        #expect((0..<12).map { space.index(of: space.value(at: $0)) } == Array(0..<12))
        #expect(space.value(at: 5) == [2, 0, 1])
        #expect(Set((0..<12).map { space.value(at: $0) }).count == 12)
    }

    @Test("PPO learns each component, in less than all vectors' outputs")
    func learns() throws {
        var settings = PPOSettings()
        // What follows does not depend on an action, so a long view would only add noise.
        (settings.totalSteps, settings.learningRate, settings.discount) = (80_000, 3e-3, 0.1)
        let network = MLPActorCritic(inputs: 3, actions: MultiDiscrete(counts: Targets.counts))
        #expect(network.layout["actor.2.bias"]?.range.count == 9)
        let learner = try PPO(settings: settings, network: network, seed: 2) { range in
            FlatEnvironmentGroup(range.map { NumberedActions(Targets(seed: UInt64($0))) })
        }
        while !learner.isFinished { _ = try learner.runIteration() }
        let evaluation = try learner.evaluator.evaluate(
            in: FlatEnvironmentGroup([NumberedActions(Targets(seed: 0))]), seeds: Array(1000..<1050))
        // Of 30; random actions get 10 · (1/3 + 1/2 + 1/4) = 10.8.
        #expect(evaluation.meanReturn > 26)
    }

    @Test("A vector of one component is that component, bit for bit")
    func single() throws {
        func trained(_ network: MLPActorCritic) throws -> [Float] {
            var settings = PPOSettings()
            settings.totalSteps = 4096
            let learner = try PPO(settings: settings, network: network, seed: 3) { range in
                FlatEnvironmentGroup(range.map { CartPole(seed: UInt64($0)) })
            }
            while !learner.isFinished { _ = try learner.runIteration() }
            return learner.parameters
        }
        #expect(
            try trained(MLPActorCritic(inputs: 4, actions: MultiDiscrete(counts: [2])))
                == trained(MLPActorCritic(inputs: 4, actions: 2)))
    }

    @Test("The loss's gradient is that of independent components", arguments: [true, false])
    func gradient(normalizesEntropy: Bool) {
        var generator = RandomGenerator(seed: 4)
        var output = ActorCriticOutput()
        output.parts = [3, 1, 2]
        output.offsets = [0, 6, 12]
        output.logits = (0..<12).map { _ in Float(generator.normal()) }
        output.values = [0, 0]
        let space = MultiDiscrete(counts: output.parts)
        let actions = [[2, 0, 1], [0, 0, 1]]
        var samples = PPOSamples()
        samples.actions = actions.map(space.index)
        samples.logProbabilities = [-1.9, -1.2]
        samples.advantages = [0.7, -1.3]
        (samples.returns, samples.values) = ([0, 0], [0, 0])
        let loss = PPOLoss(clipRange: 10, entropyCoefficient: 0.3, normalizesEntropy: normalizesEntropy)

        // Written out, in double precision.
        func value(_ logits: [Float]) -> Double {
            var total = 0.0
            for sample in 0..<2 {
                var (logProbability, entropy, most) = (0.0, 0.0, 0.0)
                var begin = sample * 6
                for (part, width) in output.parts.enumerated() {
                    let exponentials = logits[begin..<begin + width].map { exp(Double($0)) }
                    let sum = exponentials.reduce(0, +)
                    let logs = exponentials.map { log($0 / sum) }
                    logProbability += logs[actions[sample][part]]
                    for index in 0..<width { entropy -= exponentials[index] / sum * logs[index] }
                    most += log(Double(width))
                    begin += width
                }
                let ratio = exp(logProbability - Double(samples.logProbabilities[sample]))
                total -= ratio * Double(samples.advantages[sample])
                total -= 0.3 * (normalizesEntropy ? entropy / most : entropy)
            }
            return total / 2
        }
        var (gradients, scratch) = (ActorCriticOutput(), PPOLoss.Scratch())
        let sums = loss.gradients(samples, output: output, batchSize: 2, scratch: &scratch, into: &gradients)
        #expect(abs(sums.loss(loss) - value(output.logits)) < 1e-5)
        for index in output.logits.indices {
            var (up, down) = (output.logits, output.logits)
            up[index] += 1e-2
            down[index] -= 1e-2
            let slope = (value(up) - value(down)) / Double(up[index] - down[index])
            #expect(abs(slope - Double(gradients.logits[index])) < 1e-4, "logit \(index)")
        }
    }
}
