import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import Live
import NeuralNetworks
import Processes
import Settings
import Simulator

/// A run whose configuration has been found sound: its trainer, and how its policy is evaluated.
struct PreparedRun {
    var training: TrainingRun
    /// Removes what the run made outside its folder.
    let close: () throws -> Void

    private init(_ training: TrainingRun, close: @escaping () throws -> Void = {}) {
        (self.training, self.close) = (training, close)
    }

    /// - Parameters:
    ///   - processes: that train together.
    ///   - predictor: of the run that is resumed, in place of the configuration's.
    init(
        _ configuration: TrainConfiguration, folder: RunFolder, processes: ProcessGroup = .single,
        predictor: PolicyPredictor? = nil
    ) throws {
        let run = Preparation(configuration: configuration, folder: folder, processes: processes)
        try run.requireShareable()
        switch configuration.environment {
        case .cartpole(let settings):
            let limit = settings.limit(CartPole.timeLimit)
            self.init(try run.flat(settings) { TimeLimit(CartPole(seed: $0), limit: limit) })
        case .acrobot(let settings):
            let limit = settings.limit(Acrobot.timeLimit)
            self.init(try run.flat(settings) { TimeLimit(Acrobot(seed: $0), limit: limit) })
        case .mountainCar(let settings):
            let limit = settings.limit(MountainCar.timeLimit)
            self.init(try run.flat(settings) { TimeLimit(MountainCar(seed: $0), limit: limit) })
        case .frozenLake(let settings):
            let isLarge = settings.map == .large
            let limit = settings.gym.limit(isLarge ? FrozenLake.timeLimit8x8 : FrozenLake.timeLimit4x4)
            let standard = FrozenLake(
                seed: 0, map: isLarge ? FrozenLake.map8x8 : FrozenLake.map4x4, isSlippery: settings.slippery)
            self.init(try run.discrete(settings.gym, standard, limit: limit))
        case .taxi(let settings):
            self.init(try run.discrete(settings, Taxi(seed: 0), limit: settings.limit(Taxi.timeLimit)))
        case .cliffWalking(let settings):
            // Gymnasium has no limit here; a policy that walks in circles needs one.
            self.init(try run.discrete(settings, CliffWalking(seed: 0), limit: settings.limit(200)))
        case .cluster(let settings):
            let episodes = (first: settings.evaluationSeed, count: settings.evaluationEpisodes)
            let predictor =
                try predictor ?? PolicyPredictor(file: settings.predictor, riskLimit: settings.riskLimit)
            self.init(
                try run.candidates(episodes, predictor: predictor) {
                    try settings.makeEnvironment(seed: $0, predictor: predictor?.placement)
                })
        case .flatCluster(let settings):
            self.init(try run.masked(settings))
        case .live(let settings):
            self = try Self.live(run, settings, predictor)
        }
    }

    private static func live(
        _ run: Preparation, _ settings: LiveTrainSettings, _ resumed: PolicyPredictor?
    ) throws -> PreparedRun {
        guard run.environments == 1 else {
            throw SettingsError(
                key: "\(run.configuration.algorithm.name).environments",
                problem: "must be 1 on a live cluster, found \(run.environments)")
        }
        let policy =
            try settings.policy.isEmpty ? nil : Checkpoint.read(try RunFolder.newestCheckpoint(settings.policy))
        let predictor =
            try resumed ?? PolicyPredictor(file: settings.predictor, riskLimit: settings.riskLimit)
            ?? policy.flatMap { try PolicyPredictor($0) }
        try policy?.requireSchema(ObservationEncoder(predictor: predictor?.placement).schema)
        let cluster = try LiveRuns.cluster(settings.cluster)
        do {
            let training = try run.candidates(nil, policy: policy, predictor: predictor) {
                ClusterEnvironment(
                    backend: cluster, settings: settings.episode, seed: $0, predictor: predictor?.placement)
            }
            return PreparedRun(training, close: { try cluster.close() })
        } catch {
            try cluster.close()
            throw error
        }
    }

    /// Writes the resolved configuration into the run folder.
    func writeConfiguration() throws {
        let text = try training.configuration.yaml()
        try Data(text.utf8).write(to: URL(filePath: training.folder.configurationFile), options: .atomic)
    }

    /// Plays the evaluation episodes with the last policy and others with the best one, where it was kept; prints the
    /// mean returns and writes `evaluation.json`.
    func evaluate() throws {
        guard let evaluation = training.evaluation else { return }
        var report = EvaluationFile(last: try evaluation.play())
        print(report.last.summary)
        if FileManager.default.fileExists(atPath: training.folder.bestFile) {
            try training.trainer.restore(from: Checkpoint.read(training.folder.bestFile))
            let best = try evaluation.playOthers()
            print(
                "the best policy, of step \(Figures.grouped(training.trainer.steps)), in other episodes: "
                    + best.summary)
            report.best = EvaluationFile.Best(step: training.trainer.steps, returns: best)
        }
        try JSONFile.write(report, to: training.folder.evaluationFile)
    }
}

/// Makes the trainer of a configuration's algorithm in an environment.
private struct Preparation {
    let configuration: TrainConfiguration
    let folder: RunFolder
    let processes: ProcessGroup

    /// Refuses several processes for what cannot be shared out.
    func requireShareable() throws {
        guard processes.size > 1 else { return }
        if case .tabular = configuration.algorithm {
            throw CommandFailure.usage(
                "a table is learned by one process, found \(processes.size)", hint: "start berth without mpirun")
        }
        if case .live = configuration.environment {
            throw CommandFailure.usage(
                "a live cluster is acted on by one process, found \(processes.size)",
                hint: "start berth without mpirun")
        }
    }

    /// Environments that the algorithm steps side by side.
    var environments: Int {
        switch configuration.algorithm {
        case .ppo(let settings): settings.environments
        case .dqn(let settings): settings.environments
        case .tabular: 1
        }
    }

    /// In environments with vectors as observations; tables tell apart what the settings' bins do.
    func flat<Base: FlatEnvironment & Sendable>(
        _ episodes: GymSettings, _ make: @escaping (UInt64) -> Base
    ) throws -> TrainingRun where Base.ActionSpace == Discrete {
        guard case .tabular(let settings) = configuration.algorithm else {
            return try network(episodes, make)
        }
        let environment = make(0)
        let discretizer = try prefixingErrors { () throws(SettingsError) in
            try settings.box(environment.observationSpace, actions: environment.actionSpace)
        }
        return try tabular(settings, environment, discretizer, episodes.seeds, schema: nil)
    }

    /// In copies of an environment with numbered states; networks see them as vectors of 0 but for a 1. What a table's
    /// policy returns is also computed, from the environment's transitions.
    func discrete<Base: TabularEnvironment>(
        _ episodes: GymSettings, _ environment: Base, limit: Double
    ) throws -> TrainingRun {
        let limited = TimeLimit(environment, limit: limit)
        guard case .tabular(let settings) = configuration.algorithm else {
            return try network(episodes) { _ in OneHotObservations(limited) }
        }
        let discretizer = try prefixingErrors { () throws(SettingsError) in
            try settings.states(environment.observationSpace, actions: environment.actionSpace)
        }
        let trainer = try TabularLearner(
            settings: settings, environment: limited, discretizer: discretizer, seed: configuration.seed)
        return try run(
            trainer, nil, episodes.seeds,
            expectedReturn: { environment.expectedReturn(of: trainer.greedyPolicy(), within: Int(limit)) },
            evaluate: { try trainer.evaluate(in: limited, seeds: $0) })
    }

    private func network<Base: FlatEnvironment & Sendable>(
        _ episodes: GymSettings, _ make: @escaping (UInt64) -> Base
    ) throws -> TrainingRun where Base.ActionSpace == Discrete {
        let standard = make(0)
        let (inputs, actions) = (standard.observationSpace.width, standard.actionSpace.count)
        return try learner(
            network: { $0.flat(inputs: inputs, actions: actions, heads: $1) }, seeds: episodes.seeds, schema: nil
        ) { range in FlatEnvironmentGroup(range.map { make(UInt64($0)) }) }
    }

    /// In environments whose decisions are lists of candidates.
    /// - Parameters:
    ///   - episodes: seeds of the evaluation episodes; `nil` where there can be none.
    ///   - policy: what the learner starts from.
    ///   - predictor: that the environments observe with.
    func candidates<Base: CandidateEnvironment & Sendable>(
        _ episodes: (first: UInt64, count: Int)?, policy: Checkpoint? = nil, predictor: PolicyPredictor? = nil,
        _ make: @escaping (UInt64) throws -> Base
    ) throws -> TrainingRun {
        let seeds = episodes.map { Self.seeds(from: $0.first, count: $0.count) } ?? []
        let encoder = ObservationEncoder(predictor: predictor?.placement)
        let (schema, space) = (encoder.schema, encoder.space)
        if case .tabular(let settings) = configuration.algorithm {
            guard policy == nil else {
                throw SettingsError(
                    key: "environment.policy", problem: "a table cannot start from a network: leave it out")
            }
            let discretizer = try prefixingErrors { () throws(SettingsError) in try settings.candidates(schema) }
            return try tabular(settings, try make(0), discretizer, seeds, schema: schema, predictor: predictor)
        }
        return try learner(
            network: { $0.candidates(space, heads: $1) }, seeds: seeds, schema: schema, policy: policy,
            predictor: predictor
        ) { range in CandidateEnvironmentGroup(try range.map { try make(UInt64($0)) }) }
    }

    /// In simulated clusters through the flat view.
    func masked(_ settings: FlatClusterTrainSettings) throws -> TrainingRun {
        if case .tabular = configuration.algorithm {
            throw SettingsError(
                key: "tabular", problem: "there is no table over the flat view of a cluster",
                hint: "use ppo or dqn, or environment.kind cluster")
        }
        let view = try settings.makeView()
        // Making a simulator checks its settings, which takes far longer than a copy.
        let cluster = try SimulatedCluster(settings: settings.simulator)
        return try learner(
            network: {
                $0.masked(inputs: view.observationSpace.width, actions: view.actions.count, heads: $1)
            },
            seeds: Self.seeds(from: settings.evaluationSeed, count: settings.evaluationEpisodes),
            schema: FeatureSchema(context: view.featureNames, node: [], candidate: [])
        ) { range in
            MaskedEnvironmentGroup(
                range.map { index in
                    FlatClusterEnvironment(
                        ClusterEnvironment(backend: cluster, settings: settings.episode, seed: UInt64(index)),
                        view: view)
                }, countsSteps: settings.discounting == .steps)
        }
    }

    private static func seeds(from first: UInt64, count: Int) -> [UInt64] {
        (0..<UInt64(count)).map { first + $0 }
    }

    /// PPO or DQN with a network.
    private func learner<Group: EnvironmentGroup, Network: ActorCritic>(
        network: (NetworkSettings, ActorCriticHeads) -> Network, seeds: [UInt64], schema: FeatureSchema?,
        policy: Checkpoint? = nil, predictor: PolicyPredictor? = nil,
        _ makeEnvironments: @escaping (Range<Int>) throws -> Group
    ) throws -> TrainingRun where Group.Observations == Network.Observations {
        func run(_ trainer: any Trainer, _ evaluator: @escaping () -> Evaluator<Network>) throws -> TrainingRun {
            try self.run(trainer, schema, seeds, predictor: predictor) {
                try evaluator().evaluate(in: makeEnvironments(0..<1), seeds: $0)
            }
        }
        switch configuration.algorithm {
        case .dqn(let settings):
            let trainer = try DQN(
                settings: settings, network: network(settings.network, settings.heads), seed: configuration.seed,
                processes: processes, makeEnvironments: makeEnvironments)
            if let policy { try trainer.adoptPolicy(from: policy) }
            return try run(trainer) { trainer.evaluator }
        case .ppo(let settings):
            let trainer = try PPO(
                settings: settings, network: network(settings.network, .both), seed: configuration.seed,
                processes: processes, makeEnvironments: makeEnvironments)
            if let policy { try trainer.adoptPolicy(from: policy) }
            return try run(trainer) { trainer.evaluator }
        case .tabular:
            preconditionFailure("a table has no network")
        }
    }

    private func tabular<Base: Environment & Sendable, Cells: Discretizer>(
        _ settings: TabularSettings, _ environment: Base, _ discretizer: Cells, _ seeds: [UInt64],
        schema: FeatureSchema?, predictor: PolicyPredictor? = nil
    ) throws -> TrainingRun where Base.ActionSpace == Discrete, Cells.Observation == Base.Observation {
        let trainer = try TabularLearner(
            settings: settings, environment: environment, discretizer: discretizer, seed: configuration.seed)
        return try run(trainer, schema, seeds, predictor: predictor) {
            try trainer.evaluate(in: environment, seeds: $0)
        }
    }

    private func run(
        _ trainer: any Trainer, _ schema: FeatureSchema?, _ seeds: [UInt64], predictor: PolicyPredictor? = nil,
        expectedReturn: (() -> Double)? = nil, evaluate: @escaping ([UInt64]) throws -> Evaluation
    ) throws -> TrainingRun {
        try TrainingRun(
            configuration: configuration, folder: folder, processes: processes, trainer: trainer, schema: schema,
            predictor: predictor,
            evaluation: seeds.isEmpty
                ? nil : PolicyEvaluation(seeds: seeds, evaluate: evaluate, expectedReturn: expectedReturn))
    }

    /// Errors of the table's settings name their keys as the file has them.
    private func prefixingErrors<Value>(_ body: () throws(SettingsError) -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw SettingsError(key: "tabular.\(error.key)", problem: error.problem, hint: error.hint)
        }
    }
}

extension GymSettings {
    /// Steps of an episode, given Gymnasium's own limit.
    fileprivate func limit(_ standard: Double) -> Double { timeLimit.map { Double($0) } ?? standard }

    /// Seeds of the evaluation episodes.
    fileprivate var seeds: [UInt64] { (0..<UInt64(evaluationEpisodes)).map { evaluationSeed + $0 } }
}
