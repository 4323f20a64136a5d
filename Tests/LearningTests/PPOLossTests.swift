import Foundation
import Learning
import NeuralNetworks
import Randomness
import Testing

/// The loss once more in double precision, from its documentation.
private func exactLoss(
    _ loss: PPOLoss, _ samples: PPOSamples, offsets: [Int], logits: [Double], values: [Double]
) -> Double {
    var total = 0.0
    for sample in 0..<samples.count {
        let list = Array(logits[offsets[sample]..<offsets[sample + 1]])
        let logSum = log(list.reduce(0) { $0 + exp($1) })
        let ratio = exp(list[samples.actions[sample]] - logSum - Double(samples.logProbabilities[sample]))
        let advantage = Double(samples.advantages[sample])
        let (low, high) = (1 - Double(loss.clipRange), 1 + Double(loss.clipRange))
        total += max(-ratio * advantage, -min(max(ratio, low), high) * advantage)
        if list.count > 1 {
            let entropy = -list.reduce(0) { $0 + exp($1 - logSum) * ($1 - logSum) }
            let most = loss.normalizesEntropy ? log(Double(list.count)) : 1
            total -= Double(loss.entropyCoefficient) * entropy / most
        }
        let (target, old) = (Double(samples.returns[sample]), Double(samples.values[sample]))
        var square = pow(values[sample] - target, 2)
        if let range = loss.valueClipRange.map(Double.init) {
            square = max(square, pow(old + min(max(values[sample] - old, -range), range) - target, 2))
        }
        total += Double(loss.valueCoefficient) * 0.5 * square
    }
    return total / Double(samples.count)
}

private struct Case {
    var output = ActorCriticOutput()
    var samples = PPOSamples()

    /// Ragged decisions, single candidates among them, with ratios on both sides of the clip range.
    init(count: Int, seed: UInt64) {
        var generator = RandomGenerator(seed: seed)
        for index in 0..<count {
            let choices = index % 4 == 0 ? 1 : 2 + generator.index(below: 20)
            output.offsets.append(output.logits.count + choices)
            for _ in 0..<choices { output.logits.append(Float(generator.normal())) }
            let list = output.logits.suffix(choices)
            let logSum = log(list.reduce(0) { $0 + exp($1) })
            let action = generator.index(below: choices)
            samples.actions.append(action)
            samples.logProbabilities.append(
                list[list.startIndex + action] - logSum + Float(generator.uniform(in: -0.5...0.5)))
            samples.advantages.append(Float(generator.normal()))
            output.values.append(Float(generator.normal()))
            samples.returns.append(Float(generator.normal()))
            samples.values.append(output.values[index] + Float(generator.uniform(in: -0.4...0.4)))
        }
    }
}

@Suite("The loss of PPO")
struct PPOLossTests {
    static let losses = [
        PPOLoss(clipRange: 0.2, valueCoefficient: 0, entropyCoefficient: 0),
        PPOLoss(clipRange: 0.2, valueCoefficient: 0, entropyCoefficient: 0.3, normalizesEntropy: true),
        PPOLoss(clipRange: 0.2, valueCoefficient: 0, entropyCoefficient: 0.3, normalizesEntropy: false),
        PPOLoss(clipRange: 0.1, valueCoefficient: 0.7, entropyCoefficient: 0),
        PPOLoss(clipRange: 0.1, valueClipRange: 0.2, valueCoefficient: 0.7, entropyCoefficient: 0.1),
    ]

    @Test("has the gradient of finite differences in logits and values", arguments: 0..<5)
    func gradients(index: Int) {
        let loss = Self.losses[index]
        let test = Case(count: 60, seed: UInt64(index) + 1)
        var gradients = ActorCriticOutput()
        var scratch = PPOLoss.Scratch()
        let sums = loss.gradients(
            test.samples, output: test.output, batchSize: 60, scratch: &scratch, into: &gradients)
        let (logits, values) = (test.output.logits.map(Double.init), test.output.values.map(Double.init))
        let exact = exactLoss(loss, test.samples, offsets: test.output.offsets, logits: logits, values: values)
        #expect(abs(sums.loss(loss) - exact) < 1e-5 * (1 + abs(exact)))
        #expect(sums.count == 60 && sums.clipped > 0 && sums.clipped < 60)

        func difference(_ change: (Double) -> Double) -> Double { (change(1e-6) - change(-1e-6)) / 2e-6 }
        for position in logits.indices {
            let slope = difference { step in
                var moved = logits
                moved[position] += step
                return exactLoss(loss, test.samples, offsets: test.output.offsets, logits: moved, values: values)
            }
            #expect(abs(Double(gradients.logits[position]) - slope) < 1e-3 * max(abs(slope), 1e-4))
        }
        for position in values.indices {
            let slope = difference { step in
                var moved = values
                moved[position] += step
                return exactLoss(loss, test.samples, offsets: test.output.offsets, logits: logits, values: moved)
            }
            #expect(abs(Double(gradients.values[position]) - slope) < 1e-3 * max(abs(slope), 1e-4))
        }
    }

    @Test("is the sum of its parts when a minibatch is split")
    func parts() {
        let loss = PPOLoss(clipRange: 0.2, valueCoefficient: 0.5, entropyCoefficient: 0.1)
        let whole = Case(count: 10, seed: 3)
        var scratch = PPOLoss.Scratch()
        var all = ActorCriticOutput()
        let sums = loss.gradients(whole.samples, output: whole.output, batchSize: 10, scratch: &scratch, into: &all)
        var half = whole
        let cut = whole.output.offsets[4]
        half.output.offsets = Array(whole.output.offsets.prefix(5))
        half.output.logits = Array(whole.output.logits.prefix(cut))
        half.output.values = Array(whole.output.values.prefix(4))
        half.samples.actions = Array(whole.samples.actions.prefix(4))
        half.samples.logProbabilities = Array(whole.samples.logProbabilities.prefix(4))
        half.samples.advantages = Array(whole.samples.advantages.prefix(4))
        half.samples.returns = Array(whole.samples.returns.prefix(4))
        half.samples.values = Array(whole.samples.values.prefix(4))
        var part = ActorCriticOutput()
        let partial = loss.gradients(half.samples, output: half.output, batchSize: 10, scratch: &scratch, into: &part)
        #expect(part.logits == Array(all.logits.prefix(cut)))
        #expect(part.values == Array(all.values.prefix(4)))
        #expect(partial.count == 4 && sums.count == 10)
    }

    @Test("a uniform policy has normalised entropy 1 over any list, and 0 over a single candidate")
    func entropy() {
        let loss = PPOLoss(clipRange: 0.2, entropyCoefficient: 1)
        for (choices, entropy) in [(1, 0.0), (2, 1.0), (300, 1.0)] {
            var test = Case(count: 1, seed: 1)
            test.output.logits = Array(repeating: 0.5, count: choices)
            test.output.offsets = [0, choices]
            test.samples.actions = [0]
            var scratch = PPOLoss.Scratch()
            var gradients = ActorCriticOutput()
            let sums = loss.gradients(
                test.samples, output: test.output, batchSize: 1, scratch: &scratch, into: &gradients)
            #expect(abs(sums.entropy - entropy) < 1e-5)
        }
    }
}
