import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import Live
import NeuralNetworks
import Settings

/// A run whose configuration has been found sound: its trainer, and how its policy is evaluated at the end.
struct PreparedRun {
    let training: TrainingRun
    private let evaluation: () throws -> EpisodeReturns?
    /// Removes what the run made outside its folder.
    let close: () throws -> Void

    init(_ configuration: TrainConfiguration, folder: RunFolder) throws {
        switch configuration.environment {
        case .cartpole(let settings):
            let limit = Double(settings.timeLimit)
            let trainer = try PPO(
                settings: configuration.ppo,
                network: configuration.ppo.network.flat(inputs: 4, actions: 2), seed: configuration.seed
            ) { range in
                FlatEnvironmentGroup(range.map { TimeLimit(CartPole(seed: UInt64($0)), limit: limit) })
            }
            training = TrainingRun(configuration: configuration, folder: folder, trainer: trainer, schema: nil)
            evaluation = {
                guard settings.evaluationEpisodes > 0 else { return nil }
                let evaluator = Evaluator(
                    network: trainer.network, parameters: trainer.parameters, normalizer: trainer.normalizer)
                let seeds = (0..<UInt64(settings.evaluationEpisodes)).map { settings.evaluationSeed + $0 }
                let result = try evaluator.evaluate(
                    in: FlatEnvironmentGroup([TimeLimit(CartPole(seed: 0), limit: limit)]), seeds: seeds)
                return EpisodeReturns(seeds: seeds, returns: result.returns, lengths: result.lengths)
            }
            close = {}
        case .cluster(let settings):
            let trainer = try PPO(
                settings: configuration.ppo, network: configuration.ppo.network.candidates(ObservationEncoder.space),
                seed: configuration.seed
            ) { range in
                CandidateEnvironmentGroup(try range.map { try settings.makeEnvironment(seed: UInt64($0)) })
            }
            training = TrainingRun(
                configuration: configuration, folder: folder, trainer: trainer, schema: ObservationEncoder.schema)
            // `berth evaluate` compares policies on clusters, on conditions of its own.
            evaluation = { nil }
            close = {}
        case .live(let settings):
            guard configuration.ppo.environments == 1 else {
                throw SettingsError(
                    key: "ppo.environments",
                    problem: "must be 1 on a live cluster, found \(configuration.ppo.environments)")
            }
            let policy =
                try settings.policy.isEmpty
                ? nil : Checkpoint.read(try RunFolder.newestCheckpoint(settings.policy))
            try policy?.requireSchema(ObservationEncoder.schema)
            let cluster = try LiveRuns.cluster(settings.cluster)
            do {
                let trainer = try PPO(
                    settings: configuration.ppo,
                    network: configuration.ppo.network.candidates(ObservationEncoder.space), seed: configuration.seed
                ) { range in
                    CandidateEnvironmentGroup(
                        range.map { ClusterEnvironment(backend: cluster, settings: settings.episode, seed: UInt64($0)) }
                    )
                }
                if let policy { try trainer.adoptPolicy(from: policy) }
                training = TrainingRun(
                    configuration: configuration, folder: folder, trainer: trainer, schema: ObservationEncoder.schema)
            } catch {
                try cluster.close()
                throw error
            }
            evaluation = { nil }
            close = { try cluster.close() }
        }
    }

    /// Plays the evaluation episodes, prints their mean return and writes `evaluation.json`.
    func evaluate() throws {
        guard let returns = try evaluation() else { return }
        print(returns.summary)
        try JSONFile.write(returns, to: training.folder.evaluationFile)
    }
}

/// What episodes of a trained policy returned.
struct EpisodeReturns: Encodable {
    /// Seed of each episode.
    var seeds: [UInt64]
    /// Sum of rewards of each episode.
    var returns: [Double]
    /// Steps of each episode.
    var lengths: [Int]
    /// Mean of the returns.
    var mean: Double
    /// Standard deviation of the returns, as of a sample; `nil` for a single episode.
    var deviation: Double?

    init(seeds: [UInt64], returns: [Double], lengths: [Int]) {
        (self.seeds, self.returns, self.lengths) = (seeds, returns, lengths)
        let mean = returns.reduce(0, +) / Double(returns.count)
        self.mean = mean
        guard returns.count > 1 else { return }
        deviation = (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(returns.count - 1)).squareRoot()
    }

    /// One line for the screen.
    var summary: String {
        let spread = deviation.map { String(format: " ± %.2f", $0) } ?? ""
        return "mean return \(String(format: "%.2f", mean))\(spread) over \(returns.count) evaluation episodes"
    }
}
