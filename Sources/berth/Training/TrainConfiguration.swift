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
    var environment = TrainEnvironment.cartpole(CartPoleSettings())
    /// The algorithm and the network.
    var ppo = PPOSettings()
    /// When checkpoints are written.
    var checkpoints = CheckpointSettings()
}

extension TrainConfiguration {
    /// Reads a configuration and the file of simulator settings that it may name.
    static func read(_ file: String, overrides: [String] = []) throws(SettingsError) -> TrainConfiguration {
        var configuration = try load(from: file, overrides: overrides)
        if case .cluster(var settings) = configuration.environment {
            try SimulatorFile.read(&settings.simulatorFile, into: &settings.simulator, besides: file)
            configuration.environment = .cluster(settings)
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

/// What a policy is trained in.
enum TrainEnvironment: ConfigurableChoice, Equatable {
    /// Balancing a pole on a cart.
    case cartpole(CartPoleSettings)
    /// Placing pods and scaling services in a simulated cluster.
    case cluster(ClusterTrainSettings)
    /// Placing pods and scaling services in a live cluster.
    case live(LiveTrainSettings)

    static var choices: [Choice<TrainEnvironment>] {
        [
            Choice("cartpole", CartPoleSettings.self) { .cartpole($0) },
            Choice("cluster", ClusterTrainSettings.self) { .cluster($0) },
            Choice("live", LiveTrainSettings.self) { .live($0) },
        ]
    }

    var selected: (kind: String, settings: any Configurable) {
        switch self {
        case .cartpole(let settings): ("cartpole", settings)
        case .cluster(let settings): ("cluster", settings)
        case .live(let settings): ("live", settings)
        }
    }
}

/// CartPole as an environment to train in; the defaults make it Gymnasium's CartPole-v1.
struct CartPoleSettings: Configurable, Equatable {
    /// Steps after which an episode is truncated.
    var timeLimit = 500
    /// Episodes that the trained policy plays at the end, always taking its most probable action; 0 for none.
    var evaluationEpisodes = 100
    /// Seed of the first of those episodes; the others count up from it.
    var evaluationSeed: UInt64 = 1_000_000

    func validate() throws(SettingsError) {
        try require("timeLimit", timeLimit, in: 1...)
        try require("evaluationEpisodes", evaluationEpisodes, in: 0...1_000_000)
        try require("evaluationSeed", evaluationSeed, in: 0...UInt64(Int64.max))
    }
}

/// A simulated cluster as an environment to train in.
struct ClusterTrainSettings: Configurable, Equatable {
    /// The family of clusters that episodes are drawn from.
    var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder of this configuration.
    var simulatorFile = ""
    /// Length of an episode, legal actions and reward.
    var episode = ClusterEnvironmentSettings()
    /// Share of the episodes in which the HPA decides all control, so that the policy also learns to place pods for
    /// it: what a policy behind the scheduler extender does.
    var controllerShare = 0.3
    /// The HPA of those episodes.
    var autoscaler = HorizontalPodAutoscalerSettings()

    func validate() throws(SettingsError) {
        try require("controllerShare", controllerShare, in: 0...1)
        try SimulatorFile.refuseBoth(simulator, simulatorFile)
    }

    /// An environment that has not been reset.
    func makeEnvironment(
        seed: UInt64
    ) throws -> ControlledEnvironment<SimulatedCluster, HorizontalPodAutoscaler> {
        ControlledEnvironment(
            ClusterEnvironment(backend: try SimulatedCluster(settings: simulator), settings: episode, seed: seed),
            controller: HorizontalPodAutoscaler(autoscaler), share: controllerShare, seed: seed)
    }
}

/// A live cluster as an environment to train in. There is one, so `ppo.environments` has to be 1.
struct LiveTrainSettings: Configurable, Equatable {
    /// The cluster, its services and their load.
    var cluster = LiveSettings()
    /// Length of an episode, legal actions and reward.
    var episode = ClusterEnvironmentSettings()
    /// A run folder or checkpoint whose policy is the first one; its path starts from the working directory. Empty:
    /// a new policy.
    var policy = ""
}
