import Gym
import NeuralNetworks
import Processes
import Randomness

/// A block of environments, and what a thread needs to gather experiences in them.
///
/// Sendable because a worker is touched by one thread at a time: by its pool thread within `WorkerPool.run`, and by the
/// learner's thread between runs.
final class ExperienceWorker<Environments: EnvironmentGroup, Network: ActorCritic>: SharedWorker, @unchecked Sendable
where Environments.Observations == Network.Observations {
    typealias Observations = Environments.Observations

    var block: EnvironmentBlock<Environments>
    /// The steps of each environment that are not yet part of a transition of n steps.
    var pending: [PendingSteps<Observations>]

    // What the last round gave.
    /// Its transitions.
    var experiences: Experiences<Observations>
    /// Its outcomes: element t * range.count + i is step t of environment range.lowerBound + i.
    var outcomes: [Outcome] = []
    /// What was observed, for the normaliser's statistics; empty without one.
    var seen: Observations
    var episodes: [FinishedEpisode] = []
    /// Why the round broke off.
    var failure: (any Error)?
    /// Of the last round.
    var times = RolloutTimes()

    private let network: Network
    private let settings: DQNSettings
    private var workspace: Network.Workspace
    private var normalized: Observations
    private var finals: Observations
    private var isRandom: [Bool]
    private var stepActions: [Int]
    private var stepOutcomes: [Outcome]

    init(_ block: EnvironmentBlock<Environments>, network: Network, settings: DQNSettings) {
        self.block = block
        self.network = network
        self.settings = settings
        let empty = block.observations.emptied()
        (seen, normalized, finals) = (empty, empty, empty)
        experiences = Experiences(like: empty)
        let count = block.range.count
        pending = Array(repeating: PendingSteps(like: empty), count: count)
        workspace = network.makeWorkspace()
        isRandom = Array(repeating: false, count: count)
        stepActions = Array(repeating: 0, count: count)
        stepOutcomes = Array(repeating: Outcome(reward: 0), count: count)
    }

    /// Takes a step in each environment for each of `explorations`, the share of random actions in that step; an error
    /// goes to `failure`.
    /// - Parameter normalizer: applied to observations before the network sees them.
    func collect(explorations: [Double], parameters: [Float], normalizer: BatchNormalizer?) {
        do {
            failure = nil
            try roll(explorations, parameters, normalizer)
        } catch {
            failure = error
        }
    }

    private func roll(_ explorations: [Double], _ parameters: [Float], _ normalizer: BatchNormalizer?) throws {
        let clock = ContinuousClock()
        var (environmentTime, inferenceTime) = (Duration.zero, Duration.zero)
        experiences.removeAll()
        outcomes.removeAll(keepingCapacity: true)
        seen.removeAll()
        episodes.removeAll(keepingCapacity: true)
        for (step, exploration) in explorations.enumerated() {
            let start = clock.now
            if normalizer != nil { seen.append(allOf: block.observations) }
            try act(exploration, parameters, normalizer)
            let chosen = clock.now
            try block.step(stepActions, outcomes: &stepOutcomes, finalObservations: &finals)
            environmentTime += clock.now - chosen
            inferenceTime += chosen - start
            outcomes.append(contentsOf: stepOutcomes)
            remember()
            block.record(stepOutcomes, step: step, into: &episodes)
        }
        times = RolloutTimes(
            environments: environmentTime / .seconds(1), inference: inferenceTime / .seconds(1))
    }

    /// ε-greedy: a random legal action with probability `exploration`, else the one of the highest value.
    private func act(_ exploration: Double, _ parameters: [Float], _ normalizer: BatchNormalizer?) throws {
        var isGreedy = false
        for index in stepActions.indices {
            let choices = network.choices(block.observations, index)
            guard choices > 0 else {
                throw LearningError.noCandidates(environment: block.range.lowerBound + index)
            }
            isRandom[index] = block.generators[index].uniform() < exploration
            if isRandom[index] { stepActions[index] = block.generators[index].index(below: choices) }
            isGreedy = isGreedy || !isRandom[index]
        }
        if isGreedy {
            infer(parameters, normalizer)
            let output = workspace.output
            for index in stepActions.indices where !isRandom[index] {
                guard let best = ActionValues.best(output, index) else {
                    throw LearningError.diverged("the action values are")
                }
                stepActions[index] = best
            }
        }
        for index in stepActions.indices {
            pending[index].begin(stepActions[index], from: index, of: block.observations)
        }
    }

    private func infer(_ parameters: [Float], _ normalizer: BatchNormalizer?) {
        guard let normalizer else {
            // The order of the actions does not depend on the state's value.
            network.forward(block.observations, parameters: parameters.span, heads: .policy, workspace: &workspace)
            return
        }
        normalized.removeAll()
        normalized.append(allOf: block.observations)
        normalizer.normalize(&normalized)
        network.forward(normalized, parameters: parameters.span, heads: .policy, workspace: &workspace)
    }

    /// Takes the last step into the pending ones, and out of them the transitions that are complete.
    private func remember() {
        var position = 0
        for index in stepOutcomes.indices {
            let outcome = stepOutcomes[index]
            pending[index].end(reward: outcome.reward, elapsed: outcome.elapsed)
            if outcome.ended {
                while pending[index].count > 0 {
                    pending[index].emit(
                        to: position, of: finals, isTerminated: outcome.terminated, discount: settings.discount,
                        into: &experiences)
                }
                position += 1
            } else if pending[index].count == settings.nSteps {
                pending[index].emit(
                    to: index, of: block.observations, isTerminated: false, discount: settings.discount,
                    into: &experiences)
            }
        }
    }
}

extension ExperienceWorker {
    func write(to message: inout Message) {
        message.append(experiences.observations)
        message.append(experiences.actions)
        message.append(experiences.returns)
        message.append(experiences.discounts)
        message.append(experiences.nextObservations)
        message.append(seen)
        message.append(outcomes)
        message.append(episodes)
        message.append([times])
    }

    func read(from message: inout Message) throws {
        try message.take(into: &experiences.observations)
        experiences.actions = try message.take(Int.self)
        experiences.returns = try message.take(Float.self)
        experiences.discounts = try message.take(Float.self)
        try message.take(into: &experiences.nextObservations)
        try message.take(into: &seen)
        outcomes = try message.take(Outcome.self)
        episodes = try message.take(FinishedEpisode.self)
        times = try message.take(RolloutTimes.self).first ?? RolloutTimes()
    }
}

extension ExperienceWorker {
    /// Where a worker stands.
    struct State: Codable {
        var block: EnvironmentBlock<Environments>.State
        var pending: [PendingSteps<Observations>]
    }

    func state() throws -> State { State(block: try block.state(), pending: pending) }

    func restore(_ state: State) throws -> Bool {
        guard state.pending.count == block.range.count, try block.restore(state.block) else { return false }
        pending = state.pending
        return true
    }
}
