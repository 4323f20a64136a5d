import Gym
public import NeuralNetworks
import Randomness

/// Returns of whole episodes under a fixed policy.
public struct Evaluation: Sendable, Equatable {
    /// Sum of rewards of each episode.
    public var returns: [Double]
    /// Steps of each episode.
    public var lengths: [Int]

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
        var environment = environment
        var workspace = network.makeWorkspace()
        var observations = environment.makeObservations()
        var finals = observations
        var outcomes = [Outcome(reward: 0)]
        var evaluation = Evaluation(returns: [], lengths: [])
        for seed in seeds {
            var generator = RandomGenerator(seed: seed, stream: 6)
            try environment.reset(seeds: [seed], into: &observations)
            var (total, length) = (0.0, 0)
            repeat {
                normalizer?.normalize(&observations)
                network.forward(observations, parameters: parameters.span, heads: .policy, workspace: &workspace)
                let output = workspace.output
                let action = try choose(choice, output, &generator)
                try environment.step(
                    [action], into: &observations, outcomes: &outcomes, finalObservations: &finals)
                total += outcomes[0].reward
                length += 1
            } while !outcomes[0].ended
            evaluation.returns.append(total)
            evaluation.lengths.append(length)
        }
        return evaluation
    }

    private func choose(
        _ choice: ActionChoice, _ output: ActorCriticOutput, _ generator: inout RandomGenerator
    ) throws -> Int {
        guard output.choices(0) > 0 else { throw LearningError("a decision without candidates") }
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
            throw LearningError("the policy's logits are not finite: it has diverged in training")
        }
        return action
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
