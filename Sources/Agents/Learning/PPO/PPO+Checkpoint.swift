public import Checkpoints
import Foundation
import Gym
import NeuralNetworks
import Randomness

extension PPO {
    /// Everything that the run needs to go on: parameters, optimiser, normalisers, generators, environments, counters.
    /// - Throws: `CheckpointingError` when the environments cannot be stored.
    public func checkpoint() throws -> Checkpoint {
        var checkpoint = Checkpoint()
        checkpoint.setParameters(parameters, network.layout)
        checkpoint.setOptimizer(optimizer)
        if let normalizer { checkpoint.setNormalizer(normalizer) }
        if let rewardScaler {
            checkpoint.setStatistics(rewardScaler.statistics, at: "normalizer/returns")
            checkpoint["normalizer/returns/discounted"] = .float64(
                rewardScaler.returns, shape: [rewardScaler.returns.count])
        }
        checkpoint.setGenerators([generator], at: "generators/minibatches")
        checkpoint.setGenerators(workers.flatMap(\.generators), at: "generators/actions")
        checkpoint["progress/steps"] = .int64([Int64(steps)], shape: [])
        checkpoint["progress/iterations"] = .int64([Int64(iterations)], shape: [])
        checkpoint["progress/episodes"] = .int64([Int64(episodes)], shape: [])

        let count = settings.environments
        var observations = workers[0].observations.emptied()
        for worker in workers { observations.append(allOf: worker.observations) }
        checkpoint["environments/observations"] = .text(
            String(decoding: try EnvironmentState.encoder().encode(observations), as: UTF8.self))
        checkpoint["environments/returns"] = .float64(workers.flatMap(\.currentReturns), shape: [count])
        checkpoint["environments/lengths"] = .int64(
            workers.flatMap { $0.currentLengths.map(Int64.init) }, shape: [count])
        for worker in workers {
            for (index, state) in zip(worker.range, try worker.environments.environmentStates()) {
                checkpoint["environments/states/\(index)"] = .text(String(decoding: state, as: UTF8.self))
            }
        }
        return checkpoint
    }

    /// Puts back what `checkpoint` gave, so that the run goes on bit for bit as it would have. Nothing changes when it
    /// throws. Threads may differ from those of the run that wrote it, all other settings may not.
    /// - Throws: `CheckpointError` or `CheckpointingError` naming what is missing or does not fit.
    public func restore(from checkpoint: Checkpoint) throws {
        let count = settings.environments
        let parameters = try checkpoint.parameters(network.layout)
        var optimizer = optimizer
        try checkpoint.restore(&optimizer)
        let observations = try storedObservations(checkpoint)
        let normalizer = try storedNormalizer(checkpoint, widths: observations.rowWidths)
        var rewardScaler = rewardScaler
        if rewardScaler != nil {
            rewardScaler?.statistics = try checkpoint.statistics(width: 1, at: "normalizer/returns")
            rewardScaler?.returns = try checkpoint.doubles("normalizer/returns/discounted", shape: [count])
        }
        let generator = try checkpoint.generators(1, at: "generators/minibatches")[0]
        let generators = try checkpoint.generators(count, at: "generators/actions")
        let returns = try checkpoint.doubles("environments/returns", shape: [count])
        let lengths = try checkpoint.integers("environments/lengths", shape: [count])
        let groups = try workers.map { worker in
            var environments = worker.environments
            try environments.restore(
                worker.range.map { Data(try checkpoint.text("environments/states/\($0)").utf8) })
            return environments
        }
        let (steps, iterations, episodes) = (
            try checkpoint.count("progress/steps"), try checkpoint.count("progress/iterations"),
            try checkpoint.count("progress/episodes")
        )

        (self.steps, self.iterations, self.episodes) = (steps, iterations, episodes)
        (self.parameters, self.optimizer, self.generator) = (parameters, optimizer, generator)
        (self.normalizer, self.rewardScaler) = (normalizer, rewardScaler)
        for (worker, environments) in zip(workers, groups) {
            worker.environments = environments
            worker.generators = Array(generators[worker.range])
            worker.currentReturns = Array(returns[worker.range])
            worker.currentLengths = lengths[worker.range].map { Int($0) }
            worker.observations.removeAll()
            for index in worker.range { worker.observations.append(index, of: observations) }
        }
    }

    private func storedObservations(_ checkpoint: Checkpoint) throws -> Environments.Observations {
        let path = "environments/observations"
        let observations: Environments.Observations
        do {
            observations = try EnvironmentState.decoder().decode(
                Environments.Observations.self, from: Data(try checkpoint.text(path).utf8))
        } catch let error as DecodingError {
            throw CheckpointError(path: path, problem: "cannot be read: \(error)")
        }
        let widths = workers[0].observations.rowWidths
        guard observations.count == settings.environments, observations.rowWidths == widths else {
            throw CheckpointError(
                path: path,
                problem: "expected \(settings.environments) observations with rows of \(widths) features, found "
                    + "\(observations.count) with \(observations.rowWidths)")
        }
        return observations
    }

    private func storedNormalizer(_ checkpoint: Checkpoint, widths: [Int]) throws -> BatchNormalizer? {
        let stored = try checkpoint.normalizer(widths: widths)
        guard (stored == nil) == (normalizer == nil) else {
            throw CheckpointError(
                path: "normalizer/observations",
                problem: "is \(stored == nil ? "missing" : "present"), but normalizesObservations is "
                    + "\(settings.normalizesObservations): resume with the configuration of the run")
        }
        return stored
    }
}
