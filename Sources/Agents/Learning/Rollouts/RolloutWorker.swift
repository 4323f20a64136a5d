import Foundation
import Gym
import NeuralNetworks
import Processes
import Randomness

/// A block of environments and what a thread needs to act in them.
///
/// Sendable because a worker is touched by one thread at a time: by its pool thread within `WorkerPool.run`, and by the
/// learner's thread between runs.
final class RolloutWorker<Environments: EnvironmentGroup, Network: ActorCritic>: SharedWorker, @unchecked Sendable
where Environments.Observations == Network.Observations {
    typealias Observations = Environments.Observations

    var block: EnvironmentBlock<Environments>
    let network: Network

    /// Indices of the block's environments among all.
    var range: Range<Int> { block.range }

    // The rollout, step by step: element t * range.count + i is step t of environment range.lowerBound + i.
    var stored: Observations
    var actions: [Int] = []
    var logProbabilities: [Float] = []
    var values: [Float] = []
    var nextValues: [Float] = []
    var outcomes: [Outcome] = []
    /// What was observed, for the normaliser's statistics.
    var seen: Observations
    var episodes: [FinishedEpisode] = []
    /// Why the last rollout broke off.
    var failure: (any Error)?
    /// Of the last rollout.
    var times = RolloutTimes()

    private var workspace: Network.Workspace
    private var normalized: Observations
    private var finals: Observations
    private var stepActions: [Int]
    private var stepOutcomes: [Outcome]

    init(_ block: EnvironmentBlock<Environments>, network: Network) {
        self.block = block
        self.network = network
        let empty = block.observations.emptied()
        (stored, seen, normalized, finals) = (empty, empty, empty, empty)
        workspace = network.makeWorkspace()
        stepActions = Array(repeating: 0, count: block.range.count)
        stepOutcomes = Array(repeating: Outcome(reward: 0), count: block.range.count)
    }

    /// Takes `steps` steps in each environment with the policy's probabilities; an error goes to `failure`.
    /// - Parameter normalizer: applied to observations before the network sees them.
    func collect(steps: Int, parameters: [Float], normalizer: BatchNormalizer?) {
        do {
            failure = nil
            try roll(steps, parameters, normalizer)
        } catch {
            failure = error
        }
    }

    private func roll(_ steps: Int, _ parameters: [Float], _ normalizer: BatchNormalizer?) throws {
        let clock = ContinuousClock()
        var (environmentTime, inferenceTime) = (Duration.zero, Duration.zero)
        clear()
        let count = range.count
        for step in 0..<steps {
            let start = clock.now
            infer(parameters, normalizer, .both)
            let output = Self.output(of: &workspace)
            if step > 0 { fillNextValues(of: step - 1, from: output) }
            try act(on: output)
            let inferred = clock.now
            try block.step(stepActions, outcomes: &stepOutcomes, finalObservations: &finals)
            let stepped = clock.now
            environmentTime += stepped - inferred
            inferenceTime += inferred - start
            outcomes.append(contentsOf: stepOutcomes)
            nextValues.append(contentsOf: repeatElement(0, count: count))
            if finals.count > 0 { bootstrapTruncated(step, parameters, normalizer) }
            block.record(stepOutcomes, step: step, into: &episodes)
        }
        infer(parameters, normalizer, .value)
        fillNextValues(of: steps - 1, from: Self.output(of: &workspace))
        times = RolloutTimes(
            environments: environmentTime / .seconds(1), inference: inferenceTime / .seconds(1))
    }

    /// The last outputs. Read through an object's property, the whole workspace would be copied.
    private static func output(of workspace: inout Network.Workspace) -> ActorCriticOutput { workspace.output }

    private func clear() {
        stored.removeAll()
        seen.removeAll()
        actions.removeAll(keepingCapacity: true)
        logProbabilities.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        nextValues.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
        episodes.removeAll(keepingCapacity: true)
    }

    /// Runs the network on the current observations and, for a decision, stores what it sees.
    private func infer(_ parameters: [Float], _ normalizer: BatchNormalizer?, _ heads: ActorCriticHeads) {
        let isDecision = heads.contains(.policy)
        guard let normalizer else {
            network.forward(block.observations, parameters: parameters.span, heads: heads, workspace: &workspace)
            if isDecision { stored.append(allOf: block.observations) }
            return
        }
        normalized.removeAll()
        normalized.append(allOf: block.observations)
        normalizer.normalize(&normalized)
        network.forward(normalized, parameters: parameters.span, heads: heads, workspace: &workspace)
        if isDecision {
            stored.append(allOf: normalized)
            seen.append(allOf: block.observations)
        }
    }

    /// Draws an action for each environment.
    private func act(on output: ActorCriticOutput) throws {
        try drawActions(
            output, range, using: &block.generators, into: &stepActions, logProbabilities: &logProbabilities)
        actions.append(contentsOf: stepActions)
        values.append(contentsOf: output.values)
    }

    /// Gives step `step` the values of the states after it.
    private func fillNextValues(of step: Int, from output: ActorCriticOutput) {
        let count = range.count
        for index in 0..<count where !outcomes[step * count + index].ended {
            nextValues[step * count + index] = output.values[index]
        }
    }

    /// Values of the last observations of the episodes that were cut off in `step`; terminated ones keep 0.
    private func bootstrapTruncated(_ step: Int, _ parameters: [Float], _ normalizer: BatchNormalizer?) {
        guard stepOutcomes.contains(where: { $0.truncated && !$0.terminated }) else { return }
        normalizer?.normalize(&finals)
        network.forward(finals, parameters: parameters.span, heads: .value, workspace: &workspace)
        let output = Self.output(of: &workspace)
        var position = 0
        for index in stepOutcomes.indices where stepOutcomes[index].ended {
            if !stepOutcomes[index].terminated {
                nextValues[step * range.count + index] = output.values[position]
            }
            position += 1
        }
    }
}

extension RolloutWorker {
    func write(to message: inout Message) {
        message.append(stored)
        message.append(seen)
        message.append(actions)
        message.append(logProbabilities)
        message.append(values)
        message.append(nextValues)
        message.append(outcomes)
        message.append(episodes)
        message.append([times])
    }

    func read(from message: inout Message) throws {
        try message.take(into: &stored)
        try message.take(into: &seen)
        actions = try message.take(Int.self)
        logProbabilities = try message.take(Float.self)
        values = try message.take(Float.self)
        nextValues = try message.take(Float.self)
        outcomes = try message.take(Outcome.self)
        episodes = try message.take(FinishedEpisode.self)
        times = try message.take(RolloutTimes.self).first ?? RolloutTimes()
    }
}

extension RolloutWorker {
    func state() throws -> EnvironmentBlock<Environments>.State { try block.state() }

    func restore(_ state: EnvironmentBlock<Environments>.State) throws -> Bool { try block.restore(state) }
}

/// Draws an action for each environment of a block from the softmax of its logits. No member of the generic worker, where
/// every access to a generator would look its type up.
private func drawActions(
    _ output: ActorCriticOutput, _ range: Range<Int>, using generators: inout [RandomGenerator],
    into actions: inout [Int], logProbabilities: inout [Float]
) throws {
    for index in 0..<range.count {
        guard output.choices(index) > 0 else {
            throw LearningError.noCandidates(environment: range.lowerBound + index)
        }
        var logProbability: Float = 0
        let action = output.action(index) { logits in
            guard let draw = sample(logits, using: &generators[index]) else { return nil }
            logProbability += draw.logProbability
            return draw.action
        }
        guard let action else { throw LearningError.diverged("the policy's logits are") }
        actions[index] = action
        logProbabilities.append(logProbability)
    }
}

/// Draws an index from the softmax of `logits`; `nil` when they are not finite. Exponentials are summed in order.
func sample(
    _ logits: Span<Float>, using generator: inout RandomGenerator
) -> (action: Int, logProbability: Float)? {
    var most = -Float.infinity
    for index in logits.indices { most = max(most, logits[index]) }
    var sum: Float = 0
    for index in logits.indices { sum += exp(logits[index] - most) }
    guard sum.isFinite, most.isFinite else { return nil }
    let target = Float(generator.uniform()) * sum
    var (reached, action): (Float, Int) = (0, logits.count - 1)
    for index in logits.indices {
        reached += exp(logits[index] - most)
        if target < reached {
            action = index
            break
        }
    }
    return (action, logits[action] - most - log(sum))
}
