import Checkpoints
import Foundation
import Gym
import Learning
import NeuralNetworks
import Testing

@Suite("Resuming")
struct ResumeTests {
    /// Everything that has state.
    private var settings: PPOSettings {
        var settings = PPOSettings()
        settings.rolloutSteps = 24
        settings.environments = 5
        settings.batchSize = 50
        settings.totalSteps = 5000
        settings.normalizesObservations = true
        settings.scalesRewards = true
        settings.valueClipRange = 0.2
        settings.gradientShards = 2
        return settings
    }

    @Test("goes on bit for bit, through a file, with other threads", arguments: [1, 2])
    func cartPole(threads: Int) throws {
        let whole = try cartPoleLearner(settings, seed: 4)
        for _ in 0..<12 { _ = try whole.runIteration() }

        let first = try cartPoleLearner(settings, seed: 4)
        for _ in 0..<6 { _ = try first.runIteration() }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("resume-\(threads)-\(UUID()).h5").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try first.checkpoint().write(to: path)
        var settings = settings
        settings.threads = threads
        let second = try cartPoleLearner(settings, seed: 99)
        try second.restore(from: Checkpoint.read(path))
        #expect(second.steps == first.steps && second.episodes == first.episodes)
        for _ in 0..<6 { _ = try second.runIteration() }
        #expect(second.parameters == whole.parameters)
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("goes on bit for bit over candidates")
    func candidates() throws {
        let whole = try pickLearner(settings, seed: 5)
        for _ in 0..<8 { _ = try whole.runIteration() }
        let first = try pickLearner(settings, seed: 5)
        for _ in 0..<4 { _ = try first.runIteration() }
        let second = try pickLearner(settings, seed: 0)
        try second.restore(from: first.checkpoint())
        for _ in 0..<4 { _ = try second.runIteration() }
        #expect(second.parameters == whole.parameters)
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("refuses what does not fit, names it and changes nothing")
    func refusals() throws {
        let learner = try cartPoleLearner(settings, seed: 1)
        _ = try learner.runIteration()
        let checkpoint = try learner.checkpoint()
        let other = try cartPoleLearner(settings, seed: 2)
        let before = try other.checkpoint()
        for (path, value) in [
            ("policy/actor/1/weight", Checkpoint.Value.float32([1], shape: [1])),
            ("optimizer/step", .int64([-1], shape: [])),
            ("generators/actions", .uint64(Array(repeating: 0, count: 20), shape: [5, 4])),
            ("environments/observations", .text("{}")),
            ("environments/states/3", .text("{}")),
            ("progress/steps", .int64([-5], shape: [])),
        ] {
            var broken = checkpoint
            broken[path] = value
            #expect(throws: (any Error).self, "\(path)") { try other.restore(from: broken) }
            broken[path] = nil
            #expect(throws: (any Error).self, "\(path)") { try other.restore(from: broken) }
        }
        var withoutNormalizer = settings
        withoutNormalizer.normalizesObservations = false
        let plain = try cartPoleLearner(withoutNormalizer, seed: 2)
        #expect(throws: CheckpointError.self) { try plain.restore(from: checkpoint) }
        #expect(try other.checkpoint() == before)
    }

    @Test("leaves out environments that cannot be stored, and goes on with new episodes")
    func notCodable() throws {
        func learner(seed: UInt64) throws -> PPO<CandidateEnvironmentGroup<EmptyList>, CandidateActorCritic> {
            try PPO(
                settings: PPOSettings(), network: NetworkSettings().candidates(PickLargest.space), seed: seed
            ) { range in CandidateEnvironmentGroup(range.map { _ in EmptyList() }) }
        }
        let checkpoint = try learner(seed: 0).checkpoint()
        #expect(!checkpoint.values.keys.contains { $0.hasPrefix("environments/") })
        let other = try learner(seed: 1)
        try other.restore(from: checkpoint)
        #expect(try other.checkpoint() == checkpoint)
    }

    @Test("starts from another run's policy and takes nothing else of it")
    func adoptsAPolicy() throws {
        let first = try cartPoleLearner(settings, seed: 1)
        _ = try first.runIteration()
        let second = try cartPoleLearner(settings, seed: 2)
        try second.adoptPolicy(from: first.checkpoint())
        #expect(second.parameters == first.parameters && second.steps == 0)
        #expect(try second.checkpoint()["optimizer/first_moment"] != first.checkpoint()["optimizer/first_moment"])
    }
}
