public import Baselines
public import Cluster
import Gym
public import Settings
public import Simulator

/// A simulated cluster as an environment to train in.
public struct ClusterTrainSettings: Configurable, Equatable {
    /// The family of clusters that episodes are drawn from.
    public var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder of this configuration.
    public var simulatorFile = ""
    /// Length of an episode, legal actions and reward.
    public var episode = ClusterEnvironmentSettings()
    /// Share of the episodes in which the HPA decides all control, so that the policy also learns to place pods for
    /// it: what a policy behind the scheduler extender does.
    public var controllerShare = 0.3
    /// The HPA of those episodes.
    public var autoscaler = HorizontalPodAutoscalerSettings()
    /// A file that `berth predict train` wrote: what p99 it predicts on a node is part of the observation. It becomes part of
    /// the checkpoints. Its path starts from the working directory. Empty: none.
    public var predictor = ""
    /// Nodes where the predicted p99 / objective is greater are no candidates, unless no other is left. Absent: no limit.
    public var riskLimit: Double?
    /// Episodes that the trained policy plays at the end, and whenever `evaluation.everySteps` asks for it, always taking
    /// its best action; they are of the same family. 0 for none: `berth evaluate` compares policies on others.
    public var evaluationEpisodes = 0
    /// Seed of the first of those episodes; the others count up from it.
    public var evaluationSeed: UInt64 = 1_000_000

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
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

extension EnvironmentKind {
    /// Placing pods and scaling services in a simulated cluster.
    static let cluster = EnvironmentKind(
        "cluster", ClusterTrainSettings.self,
        checks: [
            Check(name: "cluster") { checker in
                var checker = checker
                checker.rewardDependsOnAction = true
                return checker.problems {
                    ClusterEnvironment(
                        backend: try SimulatedCluster(settings: SimulatorSettings()),
                        settings: ClusterEnvironmentSettings(), seed: checker.seed)
                }
            },
            Check(name: "controlled-cluster") { checker in
                var checker = checker
                checker.rewardDependsOnAction = true
                return checker.problems { try ClusterTrainSettings().makeEnvironment(seed: checker.seed) }
            },
        ],
        readingFiles: { settings, file throws(SettingsError) in
            try SimulatorFile.read(&settings.simulatorFile, into: &settings.simulator, besides: file)
        }
    ) { settings, preparation in
        let predictor =
            try preparation.predictor ?? PolicyPredictor(file: settings.predictor, riskLimit: settings.riskLimit)
        let seeds = (0..<UInt64(settings.evaluationEpisodes)).map { settings.evaluationSeed + $0 }
        return .candidates(seeds: seeds, predictor: predictor) {
            try settings.makeEnvironment(seed: $0, predictor: predictor?.placement)
        }
    }
}
