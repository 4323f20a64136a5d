import Checkpoints
import Gym
import Learning
import NeuralNetworks
import Processes
import Settings

/// The settings of a learner, and how it is made in an environment.
protocol LearnerSettings: Configurable, Equatable {
    /// The key of the settings in a configuration.
    static var key: String { get }
    /// Steps of a whole run.
    var totalSteps: Int { get }
    /// Environments that it steps side by side.
    var environments: Int { get }

    /// Makes the learner.
    /// - Throws: `SettingsError` and `ExperimentError` for what cannot be learned there, or not by so many processes.
    func prepare(_ preparation: Preparation, in ground: TrainingGround) throws -> PreparedLearner
}

/// The settings of a learner that trains a network.
protocol NetworkLearnerSettings: LearnerSettings {
    /// Makes the learner.
    /// - Parameters:
    ///   - policy: what it starts from; `nil`: from a new network.
    ///   - network: makes the network with the heads that it needs.
    ///   - makeEnvironments: makes those of a range of numbers, which seed them.
    func prepare<Group: EnvironmentGroup, Network: ActorCritic>(
        _ preparation: Preparation, policy: Checkpoint?, network: (NetworkSettings, ActorCriticHeads) -> Network,
        makeEnvironments: @escaping (Range<Int>) throws -> Group
    ) throws -> PreparedLearner where Group.Observations == Network.Observations
}

extension NetworkLearnerSettings {
    func prepare(_ preparation: Preparation, in ground: TrainingGround) throws -> PreparedLearner {
        try ground.network(self, preparation)
    }
}

/// A learner in its environment.
struct PreparedLearner {
    let trainer: any Trainer
    /// Plays episodes with the present policy, one from each seed.
    let evaluate: ([UInt64]) throws -> Evaluation
    /// What an episode returns in the mean, where the environment has a table of its transitions.
    var expectedReturn: (() -> Double)?
}

extension PreparedLearner {
    /// A table.
    init<Base: Environment & Sendable, Cells: Discretizer>(
        _ settings: TabularSettings, _ environment: Base, _ discretizer: Cells, _ preparation: Preparation
    ) throws where Base.ActionSpace == Discrete, Cells.Observation == Base.Observation {
        let trainer = try TabularLearner(
            settings: settings, environment: environment, discretizer: discretizer, seed: preparation.seed)
        self.init(trainer: trainer, evaluate: { try trainer.evaluate(in: environment, seeds: $0) })
    }
}

extension PPOSettings: NetworkLearnerSettings {
    static var key: String { "ppo" }

    func prepare<Group: EnvironmentGroup, Network: ActorCritic>(
        _ preparation: Preparation, policy: Checkpoint?, network: (NetworkSettings, ActorCriticHeads) -> Network,
        makeEnvironments: @escaping (Range<Int>) throws -> Group
    ) throws -> PreparedLearner where Group.Observations == Network.Observations {
        let trainer = try PPO(
            settings: self, network: network(self.network, .both), seed: preparation.seed,
            processes: preparation.processes, makeEnvironments: makeEnvironments)
        if let policy { try trainer.adoptPolicy(from: policy) }
        return PreparedLearner(
            trainer: trainer, evaluate: { try trainer.evaluator.evaluate(in: makeEnvironments(0..<1), seeds: $0) })
    }
}

extension DQNSettings: NetworkLearnerSettings {
    static var key: String { "dqn" }

    func prepare<Group: EnvironmentGroup, Network: ActorCritic>(
        _ preparation: Preparation, policy: Checkpoint?, network: (NetworkSettings, ActorCriticHeads) -> Network,
        makeEnvironments: @escaping (Range<Int>) throws -> Group
    ) throws -> PreparedLearner where Group.Observations == Network.Observations {
        let trainer = try DQN(
            settings: self, network: network(self.network, heads), seed: preparation.seed,
            processes: preparation.processes, makeEnvironments: makeEnvironments)
        if let policy { try trainer.adoptPolicy(from: policy) }
        return PreparedLearner(
            trainer: trainer, evaluate: { try trainer.evaluator.evaluate(in: makeEnvironments(0..<1), seeds: $0) })
    }
}

extension TabularSettings: LearnerSettings {
    static var key: String { "tabular" }
    var environments: Int { 1 }

    func prepare(_ preparation: Preparation, in ground: TrainingGround) throws -> PreparedLearner {
        guard preparation.processes.size == 1 else {
            throw ExperimentError(
                .tooManyProcesses, "a table is learned by one process, found \(preparation.processes.size)",
                hint: "start berth without mpirun")
        }
        return try ground.table(self, preparation)
    }
}
