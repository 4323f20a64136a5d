import Checkpoints
import Cluster
import Gym
import Learning
import NeuralNetworks
import Simulator
import Testing

private typealias SimulatedEnvironment = ClusterEnvironment<SimulatedCluster>

@Suite("Learning in the simulated cluster")
struct ClusterLearningTests {
    private func learner(
        threads: Int, seed: UInt64
    ) throws -> PPO<CandidateEnvironmentGroup<SimulatedEnvironment>, CandidateActorCritic> {
        var settings = PPOSettings()
        settings.environments = 6
        settings.rolloutSteps = 40
        settings.batchSize = 100
        settings.epochs = 2
        settings.gradientShards = 2
        settings.threads = threads
        settings.normalizesObservations = true
        settings.scalesRewards = true
        var environment = ClusterEnvironmentSettings()
        environment.intervals = 10
        return try PPO(
            settings: settings, network: settings.network.candidates(ObservationEncoder.space), seed: seed
        ) { range in
            CandidateEnvironmentGroup(
                try range.map { index in
                    ClusterEnvironment(
                        backend: try SimulatedCluster(settings: SimulatorSettings()), settings: environment,
                        seed: UInt64(index))
                })
        }
    }

    @Test("resumes bit for bit whatever the threads, and yields a policy of the cluster")
    func resume() throws {
        let whole = try learner(threads: 1, seed: 3)
        for _ in 0..<4 { _ = try whole.runIteration() }
        let first = try learner(threads: 2, seed: 3)
        for _ in 0..<2 { _ = try first.runIteration() }
        let second = try learner(threads: 1, seed: 8)
        try second.restore(from: first.checkpoint())
        for _ in 0..<2 { _ = try second.runIteration() }
        var checkpoint = try second.checkpoint()
        #expect(try checkpoint == whole.checkpoint())

        try checkpoint.setSchema(ObservationEncoder.schema)
        var policy = try ScorerPolicy(checkpoint)
        var environment = ClusterEnvironment(
            backend: try SimulatedCluster(settings: SimulatorSettings()), settings: ClusterEnvironmentSettings(),
            seed: 0)
        try environment.begin(seed: 1)
        for _ in 0..<50 {
            guard let decision = environment.decision else { break }
            let preferences = try policy.preferences(for: decision, in: environment.snapshot)
            #expect(preferences.count == decision.candidates.count)
            #expect(abs(preferences.reduce(0, +) - 1) < 1e-5)
            _ = try environment.perform(preferences.indices.max { preferences[$0] < preferences[$1] } ?? 0)
        }
    }
}
