import Checkpoints
import Cluster
import Gym
import Learning
import NeuralNetworks
import Processes
import Settings

/// What an environment is prepared with.
struct Preparation {
    /// What learns in it.
    let learner: any LearnerSettings
    /// Decides everything that is random.
    let seed: UInt64
    /// The processes that train together.
    let processes: ProcessGroup
    /// The predictor of a run that goes on, in place of the configuration's.
    let predictor: PolicyPredictor?
    /// The hold on the run.
    let control: RunControl
}

/// How each sort of learner is made in one environment: those with a network, and tables.
struct TrainingGround {
    /// Seeds of the episodes that policies are evaluated in; empty where there can be none.
    let seeds: [UInt64]
    /// Features that policies observe, where they have names.
    var schema: FeatureSchema?
    /// The predictor that policies decide with.
    var predictor: PolicyPredictor?
    /// Makes a learner with a network.
    let network: (any NetworkLearnerSettings, Preparation) throws -> PreparedLearner
    /// Makes a table.
    let table: (TabularSettings, Preparation) throws -> PreparedLearner
    /// Removes what the environment made outside the run folder.
    var close: () throws -> Void = {}
}

extension TrainingGround {
    /// Environments with vectors as observations; tables tell apart what their settings' bins do.
    static func flat<Base: FlatEnvironment & Sendable>(
        seeds: [UInt64], _ make: @escaping @Sendable (UInt64) -> Base
    ) -> TrainingGround where Base.ActionSpace == Discrete {
        TrainingGround(seeds: seeds, network: flatNetwork(make)) { settings, preparation in
            let environment = make(0)
            let discretizer = try naming { () throws(SettingsError) in
                try settings.box(environment.observationSpace, actions: environment.actionSpace)
            }
            return try PreparedLearner(settings, environment, discretizer, preparation)
        }
    }

    /// Copies of an environment with numbered states; networks see them as vectors of 0 but for a 1. What a table's
    /// policy returns is also computed, from the environment's transitions.
    static func states<Base: TabularEnvironment>(
        _ environment: Base, limit: Double, seeds: [UInt64]
    ) -> TrainingGround {
        let limited = TimeLimit(environment, limit: limit)
        return TrainingGround(seeds: seeds, network: flatNetwork { _ in OneHotObservations(limited) }) {
            settings, preparation in
            let discretizer = try naming { () throws(SettingsError) in
                try settings.states(environment.observationSpace, actions: environment.actionSpace)
            }
            let trainer = try TabularLearner(
                settings: settings, environment: limited, discretizer: discretizer, seed: preparation.seed)
            return PreparedLearner(
                trainer: trainer, evaluate: { try trainer.evaluate(in: limited, seeds: $0) },
                expectedReturn: { environment.expectedReturn(of: trainer.greedyPolicy(), within: Int(limit)) })
        }
    }

    /// Environments whose decisions are lists of candidates.
    /// - Parameters:
    ///   - policy: what a network starts from.
    ///   - predictor: that the environments observe with.
    static func candidates<Base: CandidateEnvironment & Sendable>(
        seeds: [UInt64], policy: Checkpoint? = nil, predictor: PolicyPredictor? = nil,
        _ make: @escaping (UInt64) throws -> Base
    ) -> TrainingGround {
        let encoder = ObservationEncoder(predictor: predictor?.placement)
        let (schema, space) = (encoder.schema, encoder.space)
        return TrainingGround(
            seeds: seeds, schema: schema, predictor: predictor,
            network: { learner, preparation in
                try learner.prepare(preparation, policy: policy, network: { $0.candidates(space, heads: $1) }) {
                    range in CandidateEnvironmentGroup(try range.map { try make(UInt64($0)) })
                }
            },
            table: { settings, preparation in
                guard policy == nil else {
                    throw SettingsError(
                        key: "environment.policy", problem: "a table cannot start from a network: leave it out")
                }
                let discretizer = try naming { () throws(SettingsError) in try settings.candidates(schema) }
                return try PreparedLearner(settings, try make(0), discretizer, preparation)
            })
    }

    /// Simulated clusters through the flat view.
    static func masked<Base: MaskedEnvironment & Sendable>(
        _ view: FlatView, seeds: [UInt64], _ make: @escaping (Range<Int>) -> MaskedEnvironmentGroup<Base>
    ) -> TrainingGround {
        TrainingGround(
            seeds: seeds, schema: FeatureSchema(context: view.featureNames, node: [], candidate: []),
            network: { learner, preparation in
                try learner.prepare(
                    preparation, policy: nil,
                    network: {
                        $0.masked(inputs: view.observationSpace.width, actions: view.actions.count, heads: $1)
                    }, makeEnvironments: make)
            },
            table: { _, _ in
                throw SettingsError(
                    key: TabularSettings.key, problem: "there is no table over the flat view of a cluster",
                    hint: "use ppo or dqn, or environment.kind cluster")
            })
    }

    private static func flatNetwork<Base: FlatEnvironment & Sendable>(
        _ make: @escaping @Sendable (UInt64) -> Base
    ) -> (any NetworkLearnerSettings, Preparation) throws -> PreparedLearner where Base.ActionSpace == Discrete {
        { learner, preparation in
            let standard = make(0)
            let (inputs, actions) = (standard.observationSpace.width, standard.actionSpace.count)
            return try learner.prepare(
                preparation, policy: nil, network: { $0.flat(inputs: inputs, actions: actions, heads: $1) }
            ) { range in FlatEnvironmentGroup(range.map { make(UInt64($0)) }) }
        }
    }

    /// Errors of a table's settings name their keys as the file has them.
    private static func naming<Value>(_ body: () throws(SettingsError) -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw SettingsError(key: "\(TabularSettings.key).\(error.key)", problem: error.problem, hint: error.hint)
        }
    }
}
