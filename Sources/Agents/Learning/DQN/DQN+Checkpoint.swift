public import Checkpoints
import Foundation
import Gym
import NeuralNetworks
import Randomness

extension DQN {
    private static var pendingPath: String { "environments/pending" }

    /// Tells the first of several processes where the others' environments stand; all have to call it.
    /// - Throws: `ProcessGroupError` when they do not have the same network, or cannot be reached.
    public func gatherStates() throws { try processes.gatherStates(workers, parameters: parameters) }

    /// Everything that the run needs to go on: parameters of both networks, optimiser, normalisers, generators,
    /// counters, the replay buffer, and the environments where they can be stored.
    /// In a group of processes it is the first one's to ask for, after `gatherStates`.
    /// - Throws: `CheckpointingError` when the environments' state has no form.
    public func checkpoint() throws -> Checkpoint {
        var checkpoint = Checkpoint()
        checkpoint.setParameters(parameters, network.layout)
        checkpoint["target/parameters"] = .float32(target, shape: [target.count])
        checkpoint["target/steps"] = .int64([Int64(targetSteps)], shape: [])
        checkpoint.setOptimizer(optimizer)
        if let normalizer { checkpoint.setNormalizer(normalizer) }
        if let rewardScaler { checkpoint.setRewardScaler(rewardScaler) }
        checkpoint.setGenerators([generator], at: "generators/minibatches")
        checkpoint.setProgress(steps: steps, iterations: iterations, episodes: episodes)
        checkpoint.setReplay(replay)
        try checkpoint.setBlocks(workers.map(\.block))
        if workers[0].block.environments.canBeStored {
            let pending = workers.flatMap(\.pending)
            checkpoint[Self.pendingPath] = .text(
                String(decoding: try EnvironmentState.encoder().encode(pending), as: UTF8.self))
        }
        return checkpoint
    }

    /// Puts back what `checkpoint` gave, so that the run goes on bit for bit as it would have. Nothing changes when it
    /// throws. Threads may differ from those of the run that wrote it, all other settings may not. Environments that
    /// cannot be stored begin new episodes instead: such a run does not go on bit for bit.
    /// - Throws: `CheckpointError` or `CheckpointingError` naming what is missing or does not fit.
    public func restore(from checkpoint: Checkpoint) throws {
        let stored = try checkpoint.parameters(network.layout)
        let storedTarget = try checkpoint.floats("target/parameters", shape: [target.count])
        let storedTargetSteps = try checkpoint.count("target/steps")
        var storedOptimizer = optimizer
        try checkpoint.restore(&storedOptimizer)
        let storedNormalizer = try checkpoint.normalizer(
            like: normalizer, widths: workers[0].block.observations.rowWidths)
        var storedScaler = rewardScaler
        if var scaler = rewardScaler {
            try checkpoint.restore(&scaler)
            storedScaler = scaler
        }
        let storedGenerator = try checkpoint.generators(1, at: "generators/minibatches")[0]
        let progress = try checkpoint.progress()
        let storedReplay = try checkpoint.replay(like: replay, observations: workers[0].block.observations)
        guard isLegal(storedReplay) else {
            throw CheckpointError(
                .unsound, path: "replay/actions", problem: "holds an action that its observation does not offer")
        }
        let blocks = try checkpoint.blocks(like: workers.map(\.block))
        let pending = try storedPending(checkpoint)

        (steps, iterations, episodes) = (progress.steps, progress.iterations, progress.episodes)
        (parameters, optimizer, generator) = (stored, storedOptimizer, storedGenerator)
        (target, targetSteps, replay) = (storedTarget, storedTargetSteps, storedReplay)
        (normalizer, rewardScaler) = (storedNormalizer, storedScaler)
        for (worker, block) in zip(workers, blocks) {
            worker.block = block
            if let pending { worker.pending = Array(pending[block.range]) }
        }
    }

    /// Starts from a policy that was trained before: takes its parameters and what its observations are normalised by,
    /// and nothing else.
    /// - Throws: `CheckpointError` naming what is missing or does not fit.
    public func adoptPolicy(from checkpoint: Checkpoint) throws {
        let stored = try checkpoint.parameters(network.layout)
        let storedNormalizer = try checkpoint.normalizer(
            like: normalizer, widths: workers[0].block.observations.rowWidths)
        (parameters, target, normalizer) = (stored, stored, storedNormalizer)
    }

    private func isLegal(_ replay: ReplayBuffer<Environments.Observations>) -> Bool {
        replay.segments.allSatisfy { segment in
            segment.actions.indices.allSatisfy {
                segment.actions[$0] < network.choices(segment.observations, $0)
            }
        }
    }

    /// The steps that had not yet become transitions; `nil` where the environments are not stored.
    private func storedPending(_ checkpoint: Checkpoint) throws -> [PendingSteps<Environments.Observations>]? {
        guard workers[0].block.environments.canBeStored else { return nil }
        let path = Self.pendingPath
        let pending: [PendingSteps<Environments.Observations>]
        do {
            pending = try EnvironmentState.decoder().decode(
                [PendingSteps<Environments.Observations>].self, from: Data(try checkpoint.text(path).utf8))
        } catch let error as DecodingError {
            throw CheckpointError(.unsound, path: path, problem: "cannot be read: \(error)")
        }
        let widths = workers[0].block.observations.rowWidths
        guard pending.count == settings.environments,
            pending.allSatisfy({ $0.count < settings.nSteps && $0.isSound(rowWidths: widths) })
        else {
            throw CheckpointError(
                .mismatch, path: path,
                problem: "does not hold fewer than \(settings.nSteps) steps for each of \(settings.environments) "
                    + "environments: resume with the configuration of the run")
        }
        return pending
    }
}

extension Checkpoint {
    mutating func setReplay<Observations: ObservationBatch>(_ replay: ReplayBuffer<Observations>) {
        var all = Experiences(like: replay.segments[0].observations)
        for segment in replay.segments { all.append(allOf: segment) }
        setObservations(all.observations, at: "replay/observations")
        setObservations(all.nextObservations, at: "replay/next_observations")
        self["replay/actions"] = .int64(all.actions.map(Int64.init), shape: [all.count])
        self["replay/returns"] = .float32(all.returns, shape: [all.count])
        self["replay/discounts"] = .float32(all.discounts, shape: [all.count])
        self["replay/segments"] = .int64(replay.segments.map { Int64($0.count) }, shape: [replay.segments.count])
        self["replay/newest"] = .int64([Int64(replay.newest)], shape: [])
        guard let priorities = replay.priorities else { return }
        let stored = replay.segments.indices.flatMap { segment in
            replay.segments[segment].actions.indices.map { priorities[segment * replay.segmentLength + $0] }
        }
        self["replay/priorities"] = .float64(stored, shape: [all.count])
        self["replay/largest_priority"] = .float64([replay.largestPriority], shape: [])
    }

    /// The buffer that `setReplay` stored.
    /// - Parameters:
    ///   - replay: of the same settings.
    ///   - observations: a batch of the same widths.
    func replay<Observations: ObservationBatch>(
        like replay: ReplayBuffer<Observations>, observations: Observations
    ) throws -> ReplayBuffer<Observations> {
        let counts = try integers("replay/segments", shape: [replay.segments.count]).map { Int($0) }
        var all = Experiences(like: observations)
        all.actions = try integers("replay/actions").map { Int($0) }
        all.returns = try floats("replay/returns", shape: [all.count])
        all.discounts = try floats("replay/discounts", shape: [all.count])
        all.observations = try self.observations(all.count, like: observations, at: "replay/observations")
        all.nextObservations = try self.observations(all.count, like: observations, at: "replay/next_observations")
        let isPrioritized = replay.priorities != nil
        let priorities = try isPrioritized ? doubles("replay/priorities", shape: [all.count]) : []
        let largest = try isPrioritized ? double("replay/largest_priority") : 1
        var result = replay
        guard all.actions.allSatisfy({ $0 >= 0 }), largest > 0, largest.isFinite,
            result.restore(
                all, counts: counts, newest: try count("replay/newest"), priorities: priorities,
                largestPriority: largest)
        else {
            throw CheckpointError(
                .mismatch, path: "replay",
                problem: "does not fit this run's replayCapacity: resume with the configuration of the run")
        }
        return result
    }

    /// Stores observations as the rows of each kind, and how many of them each observation has.
    private mutating func setObservations(_ batch: some ObservationBatch, at path: String) {
        for (kind, width) in batch.rowWidths.enumerated() {
            let (values, counts) = batch.rows(ofKind: kind)
            self["\(path)/\(kind)/rows"] = .float32(values, shape: [counts.reduce(0, +), width])
            self["\(path)/\(kind)/counts"] = .int64(counts.map(Int64.init), shape: [counts.count])
        }
    }

    private func observations<Observations: ObservationBatch>(
        _ count: Int, like batch: Observations, at path: String
    ) throws -> Observations {
        let kinds = try batch.rowWidths.indices.map { kind in
            (
                values: try floats("\(path)/\(kind)/rows"),
                counts: try integers("\(path)/\(kind)/counts", shape: [count]).map { Int($0) }
            )
        }
        guard let observations = batch.filled(with: kinds) else {
            throw CheckpointError(.unsound, path: path, problem: "its rows are not as many as its counts say")
        }
        return observations
    }
}
