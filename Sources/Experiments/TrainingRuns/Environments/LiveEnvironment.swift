import Checkpoints
public import Cluster
import Learning
public import Live
import Processes
public import Settings

/// A live cluster as an environment to train in. There is one, so `ppo.environments` has to be 1.
public struct LiveTrainSettings: Configurable, Equatable {
    /// The cluster, its services and their load.
    public var cluster = LiveSettings()
    /// Length of an episode, legal actions and reward.
    public var episode = ClusterEnvironmentSettings()
    /// A run folder or checkpoint whose policy is the first one; its path starts from the working directory. Empty:
    /// a new policy.
    public var policy = ""
    /// A file that `berth predict train` wrote: what p99 it predicts on a node is part of the observation. Its path starts
    /// from the working directory. Empty: that of the first policy, if it has one.
    public var predictor = ""
    /// Nodes where the predicted p99 / objective is greater are no candidates, unless no other is left. Absent: no limit, or
    /// that of the first policy's predictor.
    public var riskLimit: Double?

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try PolicyPredictor.validate(predictor, riskLimit)
    }
}

extension EnvironmentKind {
    /// Placing pods and scaling services in a live cluster.
    static let live = EnvironmentKind(
        "live", LiveTrainSettings.self,
        readingFiles: { settings, file throws(SettingsError) in settings.cluster.resolvePaths(besides: file) },
        ground: { try $0.ground($1) })
}

extension LiveTrainSettings {
    fileprivate func ground(_ preparation: Preparation) throws -> TrainingGround {
        guard preparation.processes.size == 1 else {
            throw ExperimentError(
                .tooManyProcesses, "a live cluster is acted on by one process, found \(preparation.processes.size)",
                hint: "start berth without mpirun")
        }
        let learner = preparation.learner
        guard learner.environments == 1 else {
            throw SettingsError(
                key: "\(type(of: learner).key).environments",
                problem: "must be 1 on a live cluster, found \(learner.environments)")
        }
        let first = try policy.isEmpty ? nil : Checkpoint.read(try RunFolder.newestCheckpoint(policy))
        let predictor =
            try preparation.predictor ?? PolicyPredictor(file: predictor, riskLimit: riskLimit)
            ?? first.flatMap { try PolicyPredictor($0) }
        try first?.requireSchema(ObservationEncoder(predictor: predictor?.placement).schema)
        let backend = try LiveRuns.cluster(cluster, preparation.control)
        var ground = TrainingGround.candidates(seeds: [], policy: first, predictor: predictor) { [episode] seed in
            ClusterEnvironment(backend: backend, settings: episode, seed: seed, predictor: predictor?.placement)
        }
        ground.close = { try backend.close() }
        return ground
    }
}
