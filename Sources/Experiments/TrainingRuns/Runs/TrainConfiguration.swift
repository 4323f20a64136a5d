public import Learning
public import Settings

/// What `berth train` reads from its configuration file.
public struct TrainConfiguration: Configurable, Equatable {
    /// Decides everything that is random in the run.
    public var seed: UInt64 = 0
    /// What the policy is trained in.
    public var environment = TrainEnvironment()
    /// Train with PPO. It is the algorithm where none is given.
    public var ppo: PPOSettings?
    /// Train with DQN.
    public var dqn: DQNSettings?
    /// Train with tabular Q-learning or SARSA.
    public var tabular: TabularSettings?
    /// When checkpoints are written.
    public var checkpoints = CheckpointSettings()
    /// When the policy is evaluated.
    public var evaluation = TrainEvaluationSettings()

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        let given = [("ppo", ppo != nil), ("dqn", dqn != nil), ("tabular", tabular != nil)].filter(\.1).map(\.0)
        guard given.count <= 1 else {
            throw SettingsError(key: given[1], problem: "there is \(given[0]) already: name one algorithm")
        }
    }

    /// The settings of the learner.
    var learner: any LearnerSettings {
        if let dqn { return dqn }
        if let tabular { return tabular }
        return ppo ?? PPOSettings()
    }
}

extension TrainConfiguration {
    /// Reads a configuration and the file of simulator settings that it may name.
    public static func read(_ file: String, overrides: [String] = []) throws(SettingsError) -> TrainConfiguration {
        var configuration = try load(from: file, overrides: overrides)
        if let settings = configuration.learner as? PPOSettings { configuration.ppo = settings }
        try configuration.environment.readFiles(besides: file)
        return configuration
    }
}

/// When checkpoints are written, beside the one at the end.
public struct CheckpointSettings: Configurable, Equatable {
    /// Steps from one checkpoint to the next; it is written after the iteration that reaches them.
    public var everySteps = 50_000
    /// How many are kept: the newest.
    public var keep = 2

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("everySteps", everySteps, in: 1...)
        try require("keep", keep, in: 1...)
    }
}

/// When the policy is evaluated while it is trained, on episodes of their own in which it always takes its best action.
/// How many and which seeds they have is said with the environment.
public struct TrainEvaluationSettings: Configurable, Equatable {
    /// Steps from one evaluation to the next; 0: only at the end. The best policy so far is kept as `best.h5`.
    public var everySteps = 0
    /// The run ends early when an evaluation's mean return reaches this. Absent: it never does.
    public var stopAtReturn: Double?

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("everySteps", everySteps, in: 0...)
        if stopAtReturn != nil, everySteps == 0 {
            throw SettingsError(key: "stopAtReturn", problem: "needs evaluations: set everySteps above 0")
        }
    }
}
