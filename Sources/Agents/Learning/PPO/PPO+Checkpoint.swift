public import Checkpoints
import Foundation
import Gym
import NeuralNetworks
import Randomness

extension PPO {
    /// Everything that the run needs to go on: parameters, optimiser, normalisers, generators, counters, and the
    /// environments where they can be stored.
    /// - Throws: `CheckpointingError` when the environments' state has no form.
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
        guard workers[0].environments.canBeStored else { return checkpoint }
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
    /// throws. Threads may differ from those of the run that wrote it, all other settings may not. Environments that
    /// cannot be stored begin new episodes instead: such a run does not go on bit for bit.
    /// - Throws: `CheckpointError` or `CheckpointingError` naming what is missing or does not fit.
    public func restore(from checkpoint: Checkpoint) throws {
        let count = settings.environments
        let parameters = try checkpoint.parameters(network.layout)
        var optimizer = optimizer
        try checkpoint.restore(&optimizer)
        let isStored = workers[0].environments.canBeStored
        let observations = isStored ? try storedObservations(checkpoint) : nil
        let normalizer = try storedNormalizer(checkpoint, widths: workers[0].observations.rowWidths)
        var rewardScaler = rewardScaler
        if rewardScaler != nil {
            rewardScaler?.statistics = try checkpoint.statistics(width: 1, at: "normalizer/returns")
            rewardScaler?.returns = try checkpoint.doubles("normalizer/returns/discounted", shape: [count])
        }
        let generator = try checkpoint.generators(1, at: "generators/minibatches")[0]
        let generators = try checkpoint.generators(count, at: "generators/actions")
        let returns = try isStored ? checkpoint.doubles("environments/returns", shape: [count]) : []
        let lengths = try isStored ? checkpoint.integers("environments/lengths", shape: [count]) : []
        let groups = try workers.map { worker in
            var environments = worker.environments
            guard isStored else { return environments }
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
            worker.generators = Array(generators[worker.range])
            guard let observations else { continue }
            worker.environments = environments
            worker.currentReturns = Array(returns[worker.range])
            worker.currentLengths = lengths[worker.range].map { Int($0) }
            worker.observations.removeAll()
            for index in worker.range { worker.observations.append(index, of: observations) }
        }
    }

    /// Starts from a policy that was trained before: takes its parameters and what its observations are normalised by,
    /// and nothing else.
    /// - Throws: `CheckpointError` naming what is missing or does not fit.
    public func adoptPolicy(from checkpoint: Checkpoint) throws {
        let parameters = try checkpoint.parameters(network.layout)
        let normalizer = try storedNormalizer(checkpoint, widths: workers[0].observations.rowWidths)
        (self.parameters, self.normalizer) = (parameters, normalizer)
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
