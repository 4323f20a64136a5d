import Gym
public import NeuralNetworks
import Randomness

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

    /// Mean of the returns; NaN without episodes.
    public var meanReturn: Double { returns.reduce(0, +) / Double(returns.count) }

    /// Sample standard deviation of the returns; NaN for fewer than two episodes.
    public var standardDeviation: Double {
        let mean = meanReturn
        let squares = returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(returns.count - 1)).squareRoot()
    }
}

/// How an evaluated policy chooses.
public enum ActionChoice: String, Codable, Sendable {
    /// The action with the largest logit, the first among equals.
    case greedy
    /// A draw from the softmax of the logits, as in training.
    case sampled
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

    /// Plays one episode from each seed.
    /// - Parameters:
    ///   - environment: a group of one environment.
    ///   - seeds: one for each episode; it decides the episode and the draws.
    /// - Throws: what the environment throws; `LearningError` for a decision without candidates.
    public func evaluate<Environments: EnvironmentGroup>(
        in environment: Environments, seeds: [UInt64], choice: ActionChoice = .greedy
    ) throws -> Evaluation where Environments.Observations == Network.Observations {
        precondition(environment.count == 1, "evaluation steps one environment at a time")
        var episode = NetworkEpisode(self, environment, choice)
        return try Evaluation(of: &episode, seeds: seeds)
    }

    fileprivate func choose(
        _ choice: ActionChoice, _ output: ActorCriticOutput, _ generator: inout RandomGenerator
    ) throws -> Int {
        guard output.choices(0) > 0 else { throw LearningError(.noCandidates, "a decision without candidates") }
        let action = output.action(0) { logits in
            switch choice {
            case .greedy:
                var best = 0
                for index in logits.indices where logits[index] > logits[best] { best = index }
                return logits[best].isFinite ? best : nil
            case .sampled:
                return sample(logits, using: &generator)?.action
            }
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
    private let choice: ActionChoice
    private var environment: Environments
    private var workspace: Network.Workspace
    private var observations: Environments.Observations
    private var finals: Environments.Observations
    private var outcomes = [Outcome(reward: 0)]
    private var generator = RandomGenerator(seed: 0)

    init(_ evaluator: Evaluator<Network>, _ environment: Environments, _ choice: ActionChoice) {
        (self.evaluator, self.environment, self.choice) = (evaluator, environment, choice)
        workspace = evaluator.network.makeWorkspace()
        observations = environment.makeObservations()
        finals = observations
    }

    mutating func begin(seed: UInt64) throws {
        generator = RandomGenerator(seed: seed, stream: 6)
        try environment.reset(seeds: [seed], into: &observations)
    }

    mutating func choose() throws -> Int? {
        evaluator.normalizer?.normalize(&observations)
        let parameters = evaluator.parameters
        evaluator.network.forward(
            observations, parameters: parameters.span, heads: .policy, workspace: &workspace)
        return try evaluator.choose(choice, workspace.output, &generator)
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
