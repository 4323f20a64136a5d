import Gym
public import NeuralNetworks

/// Returns of whole episodes under a fixed policy.
public struct Evaluation: Sendable, Equatable {
    /// Sum of rewards of each episode.
    public var returns: [Double]
    /// Steps of each episode.
    public var lengths: [Int]

    /// Plays one episode from each seed.
    init(of episode: inout some Episode, seeds: [UInt64]) throws {
        (returns, lengths) = ([], [])
        for seed in seeds {
            let totals = try episode.play(seed: seed)
            returns.append(totals.rewards)
            lengths.append(totals.steps)
        }
    }
}

/// A network with fixed parameters that acts in environments of its own.
public struct Evaluator<Network: ActorCritic>: Sendable where Network.Observations: ObservationBatch {
    /// Shape of the network.
    public let network: Network
    /// Its parameters.
    public let parameters: [Float]
    /// The statistics that observations are normalised with; they do not change. `nil`: not at all.
    public let normalizer: BatchNormalizer?

    /// An evaluator of these parameters.
    public init(network: Network, parameters: [Float], normalizer: BatchNormalizer? = nil) {
        self.network = network
        self.parameters = parameters
        self.normalizer = normalizer
    }

    /// Plays one episode from each seed, always taking the action with the largest logit, the first among equals.
    /// - Parameters:
    ///   - environment: a group of one environment.
    ///   - seeds: one for each episode, which it decides.
    /// - Throws: what the environment throws; `LearningError` for a decision without candidates.
    public func evaluate<Environments: EnvironmentGroup>(
        in environment: Environments, seeds: [UInt64]
    ) throws -> Evaluation where Environments.Observations == Network.Observations {
        precondition(environment.count == 1, "evaluation steps one environment at a time")
        var episode = NetworkEpisode(self, environment)
        return try Evaluation(of: &episode, seeds: seeds)
    }

    /// The action with the largest logit, the first among equals.
    fileprivate func best(_ output: ActorCriticOutput) throws -> Int {
        guard output.choices(0) > 0 else { throw LearningError(.noCandidates, "a decision without candidates") }
        let action = output.action(0) { logits in
            var best = 0
            for index in logits.indices where logits[index] > logits[best] { best = index }
            return logits[best].isFinite ? best : nil
        }
        guard let action else {
            throw LearningError(.diverged, "the policy's logits are not finite: it has diverged in training")
        }
        return action
    }
}

/// An episode in which a network acts in a group of one environment.
private struct NetworkEpisode<Network: ActorCritic, Environments: EnvironmentGroup>: Episode
where Environments.Observations == Network.Observations {
    private let evaluator: Evaluator<Network>
    private var environment: Environments
    private var workspace: Network.Workspace
    private var observations: Environments.Observations
    private var finals: Environments.Observations
    private var outcomes = [Outcome(reward: 0)]

    init(_ evaluator: Evaluator<Network>, _ environment: Environments) {
        (self.evaluator, self.environment) = (evaluator, environment)
        workspace = evaluator.network.makeWorkspace()
        observations = environment.makeObservations()
        finals = observations
    }

    mutating func begin(seed: UInt64) throws {
        try environment.reset(seeds: [seed], into: &observations)
    }

    mutating func choose() throws -> Int? {
        evaluator.normalizer?.normalize(&observations)
        let parameters = evaluator.parameters
        evaluator.network.forward(
            observations, parameters: parameters.span, heads: .policy, workspace: &workspace)
        return try evaluator.best(workspace.output)
    }

    mutating func perform(_ action: Int) throws -> Outcome {
        try environment.step([action], into: &observations, outcomes: &outcomes, finalObservations: &finals)
        return outcomes[0]
    }
}

extension PPO {
    /// The present policy, to be evaluated.
    public var evaluator: Evaluator<Network> {
        Evaluator(network: network, parameters: parameters, normalizer: normalizer)
    }
}

extension DQN {
    /// The present policy, to be evaluated.
    public var evaluator: Evaluator<Network> {
        Evaluator(network: network, parameters: parameters, normalizer: normalizer)
    }
}
