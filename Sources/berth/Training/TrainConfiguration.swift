import Baselines
import Cluster
import Learning
import Live
import Settings
import Simulator

/// What `berth train` reads from its configuration file.
struct TrainConfiguration: Configurable, Equatable {
    /// Decides everything that is random in the run.
    var seed: UInt64 = 0
    /// What the policy is trained in.
    var environment = TrainEnvironment.cartpole(GymSettings())
    /// Train with PPO. It is the algorithm where none is given.
    var ppo: PPOSettings?
    /// Train with DQN.
    var dqn: DQNSettings?
    /// Train with tabular Q-learning or SARSA.
    var tabular: TabularSettings?
    /// When checkpoints are written.
    var checkpoints = CheckpointSettings()
    /// When the policy is evaluated.
    var evaluation = TrainEvaluationSettings()

    func validate() throws(SettingsError) {
        let given = [("ppo", ppo != nil), ("dqn", dqn != nil), ("tabular", tabular != nil)].filter(\.1).map(\.0)
        guard given.count <= 1 else {
            throw SettingsError(key: given[1], problem: "there is \(given[0]) already: name one algorithm")
        }
    }

    /// The algorithm and its settings.
    var algorithm: Algorithm {
        if let dqn { return .dqn(dqn) }
        if let tabular { return .tabular(tabular) }
        return .ppo(ppo ?? PPOSettings())
    }
}

/// What a policy is trained with.
enum Algorithm {
    case ppo(PPOSettings)
    case dqn(DQNSettings)
    case tabular(TabularSettings)

    /// Steps of a whole run.
    var totalSteps: Int {
        switch self {
        case .ppo(let settings): settings.totalSteps
        case .dqn(let settings): settings.totalSteps
        case .tabular(let settings): settings.totalSteps
        }
    }

    /// The key of its settings.
    var name: String {
        switch self {
        case .ppo: "ppo"
        case .dqn: "dqn"
        case .tabular: "tabular"
        }
    }
}

extension TrainConfiguration {
    /// Reads a configuration and the file of simulator settings that it may name.
    static func read(_ file: String, overrides: [String] = []) throws(SettingsError) -> TrainConfiguration {
        var configuration = try load(from: file, overrides: overrides)
        if case .ppo(let settings) = configuration.algorithm { configuration.ppo = settings }
        if case .cluster(var settings) = configuration.environment {
            try SimulatorFile.read(&settings.simulatorFile, into: &settings.simulator, besides: file)
            configuration.environment = .cluster(settings)
        }
        if case .flatCluster(var settings) = configuration.environment {
            try SimulatorFile.read(&settings.simulatorFile, into: &settings.simulator, besides: file)
            configuration.environment = .flatCluster(settings)
        }
        if case .live(var settings) = configuration.environment {
            settings.cluster.resolvePaths(besides: file)
            configuration.environment = .live(settings)
        }
        return configuration
    }
}

/// When checkpoints are written, beside the one at the end.
struct CheckpointSettings: Configurable, Equatable {
    /// Steps from one checkpoint to the next; it is written after the iteration that reaches them.
    var everySteps = 50_000
    /// How many are kept: the newest.
    var keep = 2

    func validate() throws(SettingsError) {
        try require("everySteps", everySteps, in: 1...)
        try require("keep", keep, in: 1...)
    }
}

/// When the policy is evaluated while it is trained, on episodes of their own in which it always takes its best action.
/// How many and which seeds they have is said with the environment.
struct TrainEvaluationSettings: Configurable, Equatable {
    /// Steps from one evaluation to the next; 0: only at the end. The best policy so far is kept as `best.h5`.
    var everySteps = 0
    /// The run ends early when an evaluation's mean return reaches this. Absent: it never does.
    var stopAtReturn: Double?

    func validate() throws(SettingsError) {
        try require("everySteps", everySteps, in: 0...)
        if stopAtReturn != nil, everySteps == 0 {
            throw SettingsError(key: "stopAtReturn", problem: "needs evaluations: set everySteps above 0")
        }
    }
}
