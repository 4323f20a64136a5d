public import Checkpoints
import NeuralNetworks
import Randomness

extension PPO {
    /// Tells the first of several processes where the others' environments stand; all have to call it.
    /// - Throws: `ProcessGroupError` when they do not have the same network, or cannot be reached.
    public func gatherStates() throws { try processes.gatherStates(workers, parameters: parameters) }

    /// Everything that the run needs to go on: parameters, optimiser, normalisers, generators, counters, and the
    /// environments where they can be stored.
    /// In a group of processes it is the first one's to ask for, after `gatherStates`.
    /// - Throws: `CheckpointingError` when the environments' state has no form.
    public func checkpoint() throws -> Checkpoint {
        var checkpoint = Checkpoint()
        checkpoint.setParameters(parameters, network.layout)
        checkpoint.setOptimizer(optimizer)
        if let normalizer { checkpoint.setNormalizer(normalizer) }
        if let rewardScaler { checkpoint.setRewardScaler(rewardScaler) }
        checkpoint.setGenerators([generator], at: "generators/minibatches")
        checkpoint.setProgress(steps: steps, iterations: iterations, episodes: episodes)
        try checkpoint.setBlocks(workers.map(\.block))
        return checkpoint
    }

    /// Puts back what `checkpoint` gave, so that the run goes on bit for bit as it would have. Nothing changes when it
    /// throws. Threads may differ from those of the run that wrote it, all other settings may not. Environments that
    /// cannot be stored begin new episodes instead: such a run does not go on bit for bit.
    /// - Throws: `CheckpointError` or `CheckpointingError` naming what is missing or does not fit.
    public func restore(from checkpoint: Checkpoint) throws {
        let parameters = try checkpoint.parameters(network.layout)
        var optimizer = optimizer
        try checkpoint.restore(&optimizer)
        let normalizer = try checkpoint.normalizer(
            like: normalizer, widths: workers[0].block.observations.rowWidths)
        var rewardScaler = rewardScaler
        if var scaler = rewardScaler {
            try checkpoint.restore(&scaler)
            rewardScaler = scaler
        }
        let generator = try checkpoint.generators(1, at: "generators/minibatches")[0]
        let blocks = try checkpoint.blocks(like: workers.map(\.block))
        let progress = try checkpoint.progress()

        (steps, iterations, episodes) = (progress.steps, progress.iterations, progress.episodes)
        (self.parameters, self.optimizer, self.generator) = (parameters, optimizer, generator)
        (self.normalizer, self.rewardScaler) = (normalizer, rewardScaler)
        for (worker, block) in zip(workers, blocks) { worker.block = block }
    }

    /// Starts from a policy that was trained before: takes its parameters and what its observations are normalised by,
    /// and nothing else.
    /// - Throws: `CheckpointError` naming what is missing or does not fit.
    public func adoptPolicy(from checkpoint: Checkpoint) throws {
        let parameters = try checkpoint.parameters(network.layout)
        let normalizer = try checkpoint.normalizer(
            like: normalizer, widths: workers[0].block.observations.rowWidths)
        (self.parameters, self.normalizer) = (parameters, normalizer)
    }
}
