import Baselines
import Cluster
import Gym
import Live
import Settings
import Simulator

/// What a policy is trained in.
enum TrainEnvironment: ConfigurableChoice, Equatable {
    /// Balancing a pole on a cart.
    case cartpole(GymSettings)
    /// Swinging a double pendulum up.
    case acrobot(GymSettings)
    /// Driving out of a valley.
    case mountainCar(GymSettings)
    /// Crossing a frozen lake.
    case frozenLake(FrozenLakeSettings)
    /// Taking passengers to where they want to go.
    case taxi(GymSettings)
    /// Walking along a cliff.
    case cliffWalking(GymSettings)
    /// Placing pods and scaling services in a simulated cluster.
    case cluster(ClusterTrainSettings)
    /// The same through the flat view, as learners in Python see it.
    case flatCluster(FlatClusterTrainSettings)
    /// Placing pods and scaling services in a live cluster.
    case live(LiveTrainSettings)

    static var choices: [Choice<TrainEnvironment>] {
        [
            Choice("cartpole", GymSettings.self) { .cartpole($0) },
            Choice("acrobot", GymSettings.self) { .acrobot($0) },
            Choice("mountain-car", GymSettings.self) { .mountainCar($0) },
            Choice("frozen-lake", FrozenLakeSettings.self) { .frozenLake($0) },
            Choice("taxi", GymSettings.self) { .taxi($0) },
            Choice("cliff-walking", GymSettings.self) { .cliffWalking($0) },
            Choice("cluster", ClusterTrainSettings.self) { .cluster($0) },
            Choice("flat-cluster", FlatClusterTrainSettings.self) { .flatCluster($0) },
            Choice("live", LiveTrainSettings.self) { .live($0) },
        ]
    }

    var selected: (kind: String, settings: any Configurable) {
        switch self {
        case .cartpole(let settings): ("cartpole", settings)
        case .acrobot(let settings): ("acrobot", settings)
        case .mountainCar(let settings): ("mountain-car", settings)
        case .frozenLake(let settings): ("frozen-lake", settings)
        case .taxi(let settings): ("taxi", settings)
        case .cliffWalking(let settings): ("cliff-walking", settings)
        case .cluster(let settings): ("cluster", settings)
        case .flatCluster(let settings): ("flat-cluster", settings)
        case .live(let settings): ("live", settings)
        }
    }
}

/// One of Gymnasium's environments to train in.
struct GymSettings: Configurable, Equatable {
    /// Steps after which an episode is truncated. Absent: Gymnasium's own limit; 200 for CliffWalking, which has none
    /// there.
    var timeLimit: Int?
    /// Episodes that the trained policy plays at the end, always taking its best action; 0 for none.
    var evaluationEpisodes = 100
    /// Seed of the first of those episodes; the others count up from it.
    var evaluationSeed: UInt64 = 1_000_000

    func validate() throws(SettingsError) {
        if let timeLimit { try require("timeLimit", timeLimit, in: 1...) }
        try require("evaluationEpisodes", evaluationEpisodes, in: 0...1_000_000)
        try require("evaluationSeed", evaluationSeed, in: 0...UInt64(Int64.max))
    }
}

/// FrozenLake as an environment to train in.
struct FrozenLakeSettings: Configurable, Equatable {
    /// Size of the lake.
    enum Map: String, Codable, Sendable, CaseIterable {
        case small = "4x4"
        case large = "8x8"
    }

    /// Which of Gymnasium's two lakes.
    var map = Map.small
    /// Whether two of three steps slip to the side.
    var slippery = true
    /// Steps after which an episode is truncated. Absent: Gymnasium's own limit, 100 and 200 for the two lakes.
    var timeLimit: Int?
    /// Episodes that the trained policy plays at the end, always taking its best action; 0 for none.
    var evaluationEpisodes = 100
    /// Seed of the first of those episodes; the others count up from it.
    var evaluationSeed: UInt64 = 1_000_000

    func validate() throws(SettingsError) { try gym.validate() }

    /// The settings that it has in common with the others.
    var gym: GymSettings {
        var settings = GymSettings()
        settings.timeLimit = timeLimit
        (settings.evaluationEpisodes, settings.evaluationSeed) = (evaluationEpisodes, evaluationSeed)
        return settings
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
    /// A file that `berth predict train` wrote: what p99 it predicts on a node is part of the observation. It becomes part of
    /// the checkpoints. Its path starts from the working directory. Empty: none.
    var predictor = ""
    /// Nodes where the predicted p99 / objective is greater are no candidates, unless no other is left. Absent: no limit.
    var riskLimit: Double?
    /// Episodes that the trained policy plays at the end, and whenever `evaluation.everySteps` asks for it, always taking
    /// its best action; they are of the same family. 0 for none: `berth evaluate` compares policies on others.
    var evaluationEpisodes = 0
    /// Seed of the first of those episodes; the others count up from it.
    var evaluationSeed: UInt64 = 1_000_000

    func validate() throws(SettingsError) {
        try require("controllerShare", controllerShare, in: 0...1)
        try PolicyPredictor.validate(predictor, riskLimit)
        try require("evaluationEpisodes", evaluationEpisodes, in: 0...1_000_000)
        try require("evaluationSeed", evaluationSeed, in: 0...UInt64(Int64.max))
        try SimulatorFile.refuseBoth(simulator, simulatorFile)
    }

    /// An environment that has not been reset.
    func makeEnvironment(
        seed: UInt64, predictor: PlacementPredictor? = nil
    ) throws -> ControlledEnvironment<SimulatedCluster, HorizontalPodAutoscaler> {
        ControlledEnvironment(
            ClusterEnvironment(
                backend: try SimulatedCluster(settings: simulator), settings: episode, seed: seed,
                predictor: predictor),
            controller: HorizontalPodAutoscaler(autoscaler), share: controllerShare, seed: seed)
    }
}

/// A simulated cluster through the flat view, as an environment to train in: for comparisons with learners in Python,
/// which see the same. Policies of it are not served.
struct FlatClusterTrainSettings: Configurable, Equatable {
    /// What discounts are of.
    enum Discounting: String, Codable, Sendable, CaseIterable {
        /// Control intervals: actions that take no time cost nothing.
        case intervals
        /// Steps, whatever time they take: as most learners in Python do.
        case steps
    }

    /// The family of clusters that episodes are drawn from.
    var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder of this configuration.
    var simulatorFile = ""
    /// Length of an episode, legal actions and reward.
    var episode = ClusterEnvironmentSettings()
    /// Size of the flat view.
    var view = FlatViewSettings()
    /// What the algorithm's discounts are of.
    var discounting = Discounting.intervals
    /// Episodes that the trained policy plays at the end, and whenever `evaluation.everySteps` asks for it, always taking
    /// its best action; they are of the same family. 0 for none.
    var evaluationEpisodes = 0
    /// Seed of the first of those episodes; the others count up from it.
    var evaluationSeed: UInt64 = 1_000_000

    func validate() throws(SettingsError) {
        try require("evaluationEpisodes", evaluationEpisodes, in: 0...1_000_000)
        try require("evaluationSeed", evaluationSeed, in: 0...UInt64(Int64.max))
        try SimulatorFile.refuseBoth(simulator, simulatorFile)
    }

    /// The view that holds every cluster of the family.
    func makeView() throws(SettingsError) -> FlatView {
        do {
            return try view.makeView(of: simulator, rules: episode.actions)
        } catch {
            throw SettingsError(key: "environment.\(error.key)", problem: error.problem, hint: error.hint)
        }
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
    /// A file that `berth predict train` wrote: what p99 it predicts on a node is part of the observation. Its path starts
    /// from the working directory. Empty: that of the first policy, if it has one.
    var predictor = ""
    /// Nodes where the predicted p99 / objective is greater are no candidates, unless no other is left. Absent: no limit, or
    /// that of the first policy's predictor.
    var riskLimit: Double?

    func validate() throws(SettingsError) {
        try PolicyPredictor.validate(predictor, riskLimit)
    }
}
