import Foundation
import Gym
import NeuralNetworks
import Randomness

/// Why learning cannot go on.
public struct LearningError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}

/// An episode that ended during a rollout.
struct FinishedEpisode: Sendable {
    /// Step of the rollout in which it ended, and its environment: they order episodes whatever the threads.
    var step: Int
    var environment: Int
    /// Sum of its rewards.
    var totalReward: Double
    /// Its steps.
    var length: Int
}

/// A block of environments (`EnvironmentBlocks`) and what a thread needs to act in them.
///
/// Sendable because a worker is touched by one thread at a time: by its pool thread within `WorkerPool.run`, and by the
/// learner's thread between runs.
final class RolloutWorker<Environments: EnvironmentGroup, Network: ActorCritic>: @unchecked Sendable
where Environments.Observations == Network.Observations {
    typealias Observations = Environments.Observations

    /// Indices of the group's environments among all.
    let range: Range<Int>
    let network: Network
    var environments: Environments
    /// Draws the actions of each environment; one each, so that grouping does not change them.
    var generators: [RandomGenerator]
    /// What each environment shows now, not normalised.
    var observations: Observations
    /// Sum of rewards and steps of each environment's current episode.
    var currentReturns: [Double]
    var currentLengths: [Int]

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
    var environmentSeconds = 0.0
    var inferenceSeconds = 0.0

    private var workspace: Network.Workspace
    private var normalized: Observations
    private var finals: Observations
    private var stepActions: [Int]
    private var stepOutcomes: [Outcome]

    init(_ environments: Environments, range: Range<Int>, network: Network, generators: [RandomGenerator]) {
        self.environments = environments
        self.range = range
        self.network = network
        self.generators = generators
        observations = environments.makeObservations()
        (stored, seen, normalized, finals) = (observations, observations, observations, observations)
        currentReturns = Array(repeating: 0, count: range.count)
        currentLengths = Array(repeating: 0, count: range.count)
        workspace = network.makeWorkspace()
        stepActions = Array(repeating: 0, count: range.count)
        stepOutcomes = Array(repeating: Outcome(reward: 0), count: range.count)
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
            try act()
            let inferred = clock.now
            try environments.step(
                stepActions, into: &observations, outcomes: &stepOutcomes, finalObservations: &finals)
            let stepped = clock.now
            environmentTime += stepped - inferred
            inferenceTime += inferred - start
            outcomes.append(contentsOf: stepOutcomes)
            if step > 0 { fillNextValues(of: step - 1) }
            nextValues.append(contentsOf: repeatElement(0, count: count))
            if finals.count > 0 { bootstrapTruncated(step, parameters, normalizer) }
            recordEpisodes(step)
        }
        infer(parameters, normalizer, .value)
        for index in 0..<count where !outcomes[(steps - 1) * count + index].ended {
            nextValues[(steps - 1) * count + index] = workspace.output.values[index]
        }
        environmentSeconds = environmentTime / .seconds(1)
        inferenceSeconds = inferenceTime / .seconds(1)
    }

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
            network.forward(observations, parameters: parameters.span, heads: heads, workspace: &workspace)
            if isDecision { stored.append(allOf: observations) }
            return
        }
        normalized.removeAll()
        normalized.append(allOf: observations)
        normalizer.normalize(&normalized)
        network.forward(normalized, parameters: parameters.span, heads: heads, workspace: &workspace)
        if isDecision {
            stored.append(allOf: normalized)
            seen.append(allOf: observations)
        }
    }

    /// Draws an action for each environment from the softmax of its logits.
    private func act() throws {
        let output = workspace.output
        for index in 0..<range.count {
            let logits = output.logits.span.extracting(output.offsets[index]..<output.offsets[index + 1])
            guard !logits.isEmpty else {
                throw LearningError(
                    "environment \(range.lowerBound + index) gave a decision without candidates: every decision "
                        + "before the end of an episode needs at least one")
            }
            guard let draw = sample(logits, using: &generators[index]) else {
                throw LearningError(
                    "the policy's logits are not finite: the run has diverged; lower learningRate or "
                        + "maximumGradientNorm, and check the environment's features and rewards")
            }
            stepActions[index] = draw.action
            actions.append(draw.action)
            logProbabilities.append(draw.logProbability)
        }
        values.append(contentsOf: output.values)
    }

    /// Gives step `step` the values that the last forward pass computed for the states after it.
    private func fillNextValues(of step: Int) {
        let count = range.count
        let output = workspace.output
        for index in 0..<count where !outcomes[step * count + index].ended {
            nextValues[step * count + index] = output.values[index]
        }
    }

    /// Values of the last observations of the episodes that were cut off in `step`; terminated ones keep 0.
    private func bootstrapTruncated(_ step: Int, _ parameters: [Float], _ normalizer: BatchNormalizer?) {
        guard stepOutcomes.contains(where: { $0.truncated && !$0.terminated }) else { return }
        normalizer?.normalize(&finals)
        network.forward(finals, parameters: parameters.span, heads: .value, workspace: &workspace)
        let output = workspace.output
        var position = 0
        for index in stepOutcomes.indices where stepOutcomes[index].ended {
            if !stepOutcomes[index].terminated {
                nextValues[step * range.count + index] = output.values[position]
            }
            position += 1
        }
    }

    private func recordEpisodes(_ step: Int) {
        for index in stepOutcomes.indices {
            currentReturns[index] += stepOutcomes[index].reward
            currentLengths[index] += 1
            guard stepOutcomes[index].ended else { continue }
            episodes.append(
                FinishedEpisode(
                    step: step, environment: range.lowerBound + index, totalReward: currentReturns[index],
                    length: currentLengths[index]))
            currentReturns[index] = 0
            currentLengths[index] = 0
        }
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
