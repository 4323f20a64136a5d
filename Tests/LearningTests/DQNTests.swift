import Checkpoints
import Foundation
import Gym
import Learning
import NeuralNetworks
import Randomness
import Testing

typealias CartPoleDQN = DQN<CartPoleGroup, MLPActorCritic>

private func cartPoleDQN(_ settings: DQNSettings, seed: UInt64) throws -> CartPoleDQN {
    try DQN(
        settings: settings, network: settings.network.flat(inputs: 4, actions: 2, heads: settings.heads), seed: seed,
        makeEnvironments: cartPoles)
}

private func pickDQN(_ settings: DQNSettings, seed: UInt64) throws -> DQN<PickGroup, CandidateActorCritic> {
    try DQN(
        settings: settings, network: settings.network.candidates(PickLargest.space, heads: settings.heads),
        seed: seed, makeEnvironments: pickers)
}

@Suite("DQN")
struct DQNTests {
    /// Everything that has state.
    private var everything: DQNSettings {
        var settings = DQNSettings()
        (settings.totalSteps, settings.environments, settings.trainEvery) = (4000, 5, 3)
        (settings.learningStarts, settings.stepsPerIteration, settings.targetUpdateEvery) = (60, 100, 70)
        (settings.replayCapacity, settings.batchSize, settings.nSteps) = (250, 16, 3)
        (settings.double, settings.dueling, settings.targetUpdateRate) = (true, true, 0.5)
        settings.prioritized = PrioritizedReplaySettings()
        settings.learningRateSchedule = .linear
        (settings.scalesRewards, settings.normalizesObservations) = (true, true)
        return settings
    }

    @Test("learns to balance the pole")
    func cartPole() throws {
        var settings = DQNSettings()
        (settings.totalSteps, settings.trainEvery, settings.gradientSteps) = (40_000, 128, 64)
        (settings.targetUpdateEvery, settings.replayCapacity, settings.learningRate) = (10, 100_000, 2e-3)
        (settings.exploration.end, settings.exploration.fraction) = (0.04, 0.16)
        let learner = try cartPoleDQN(settings, seed: 1)
        var best = 0.0
        while !learner.isFinished {
            _ = try learner.runIteration()
            guard learner.steps > 15_000 else { continue }
            let result = try Evaluator(network: learner.network, parameters: learner.parameters).evaluate(
                in: cartPoles(0..<1), seeds: Array(100..<105))
            best = max(best, result.meanReturn)
            if best >= 475 { break }
        }
        #expect(best >= 475)
    }

    @Test("learns to pick among candidates, with every option", arguments: [false, true])
    func candidates(withOptions: Bool) throws {
        var settings = withOptions ? everything : DQNSettings()
        (settings.totalSteps, settings.environments, settings.trainEvery) = (20_000, 5, 2)
        (settings.gradientSteps, settings.replayCapacity, settings.batchSize) = (2, 10_000, 64)
        // Values differ by a reward; a long view would drown that in the noise of what follows.
        (settings.discount, settings.nSteps) = (0.5, withOptions ? 2 : 1)
        (settings.targetUpdateEvery, settings.learningRate) = (200, 1e-3)
        let learner = try pickDQN(settings, seed: 3)
        while !learner.isFinished { _ = try learner.runIteration() }
        let result = try Evaluator(
            network: learner.network, parameters: learner.parameters, normalizer: learner.normalizer
        ).evaluate(in: pickers(0..<1), seeds: Array(0..<100))
        // Of 12; random choice gives 3.8.
        #expect(result.meanReturn > 8.5)
    }

    @Test("values what is cut off by what would have come, and an end by nothing", arguments: [true, false])
    func endings(truncates: Bool) throws {
        var settings = DQNSettings()
        (settings.totalSteps, settings.learningStarts, settings.targetUpdateEvery) = (8000, 100, 20)
        (settings.discount, settings.learningRate) = (0.5, 3e-3)
        let learner = try DQN(
            settings: settings, network: settings.network.flat(inputs: 1, actions: 2, heads: .policy), seed: 2
        ) { FlatEnvironmentGroup($0.map { _ in ConstantReward(length: 1, truncates: truncates) }) }
        var metrics = DQNMetrics()
        while !learner.isFinished { metrics = try learner.runIteration() }
        // Q = 1 + Q/2 = 2 when cut off, 1 at an end.
        #expect(abs((metrics.actionValue ?? 0) - (truncates ? 2 : 1)) < 0.02)
    }

    @Test("goes on bit for bit, through a file, with other threads", arguments: [1, 2])
    func resume(threads: Int) throws {
        let whole = try cartPoleDQN(everything, seed: 4)
        for _ in 0..<9 { _ = try whole.runIteration() }
        let first = try cartPoleDQN(everything, seed: 4)
        for _ in 0..<5 { _ = try first.runIteration() }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("dqn-\(threads)-\(UUID()).h5").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try first.checkpoint().write(to: path)
        var settings = everything
        settings.threads = threads
        let second = try cartPoleDQN(settings, seed: 99)
        try second.restore(from: Checkpoint.read(path))
        for _ in 0..<4 { _ = try second.runIteration() }
        #expect(second.parameters == whole.parameters)
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("goes on bit for bit over candidates")
    func resumeCandidates() throws {
        let whole = try pickDQN(everything, seed: 5)
        for _ in 0..<8 { _ = try whole.runIteration() }
        let first = try pickDQN(everything, seed: 5)
        for _ in 0..<4 { _ = try first.runIteration() }
        let second = try pickDQN(everything, seed: 0)
        try second.restore(from: first.checkpoint())
        for _ in 0..<4 { _ = try second.runIteration() }
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("refuses what does not fit, names it and changes nothing")
    func refusals() throws {
        let learner = try pickDQN(everything, seed: 1)
        for _ in 0..<2 { _ = try learner.runIteration() }
        let checkpoint = try learner.checkpoint()
        let other = try pickDQN(everything, seed: 2)
        let before = try other.checkpoint()
        guard case .int64(let actions, let shape)? = checkpoint["replay/actions"] else {
            Issue.record("no actions are stored")
            return
        }
        for (path, value) in [
            ("target/parameters", Checkpoint.Value.float32([1], shape: [1])),
            ("replay/actions", .int64(Array(repeating: 1000, count: actions.count), shape: shape)),
            ("replay/actions", .int64([1], shape: [1])),
            ("replay/observations/2/counts", .int64(Array(repeating: -1, count: actions.count), shape: shape)),
            ("replay/next_observations/1/rows", .float32([1], shape: [1])),
            ("replay/segments", .int64([1], shape: [1])),
            ("replay/newest", .int64([1_000_000], shape: [])),
            ("replay/largest_priority", .float64([.nan], shape: [])),
            ("environments/pending", .text("[]")),
            ("progress/steps", .int64([-5], shape: [])),
        ] {
            var broken = checkpoint
            broken[path] = value
            #expect(throws: (any Error).self, "\(path)") { try other.restore(from: broken) }
            broken[path] = nil
            #expect(throws: (any Error).self, "\(path)") { try other.restore(from: broken) }
        }
        #expect(try other.checkpoint() == before)
        try other.restore(from: checkpoint)
        #expect(try other.checkpoint() == checkpoint)
    }
}
