import Checkpoints
import Cluster
import Gym
import Learning
import Simulator
import Testing

@Suite("A table in the cluster")
struct TabularClusterTests {
    private typealias SimulatedEnvironment = ClusterEnvironment<SimulatedCluster>

    private func learner(seed: UInt64) throws -> TabularLearner<SimulatedEnvironment, CandidateDiscretizer> {
        var settings = TabularSettings()
        settings.stepsPerIteration = 200
        (settings.learningRate, settings.discount) = (0.2, 0.95)
        (settings.exploration.start, settings.exploration.end) = (0.5, 0.5)
        // Below all that is reached: the first action to be tried in a state already moves the values before it.
        settings.initialValue = -100
        var episode = ClusterEnvironmentSettings()
        episode.intervals = 10
        return try TabularLearner(
            settings: settings,
            environment: ClusterEnvironment(
                backend: try SimulatedCluster(settings: SimulatorSettings()), settings: episode, seed: 0),
            discretizer: settings.candidates(), seed: seed)
    }

    @Test("learns, resumes bit for bit, and prefers what is best by the table")
    func policy() throws {
        let whole = try learner(seed: 3)
        for _ in 0..<4 { _ = try whole.runIteration() }
        let second = try learner(seed: 8)
        let first = try learner(seed: 3)
        for _ in 0..<2 { _ = try first.runIteration() }
        try second.restore(from: first.checkpoint())
        for _ in 0..<2 { _ = try second.runIteration() }
        var checkpoint = try second.checkpoint()
        #expect(try checkpoint == whole.checkpoint())
        #expect(Set(second.values).count > 5)

        try checkpoint.setSchema(ObservationEncoder.schema)
        var policy = try TabularPolicy(checkpoint)
        var environment = ClusterEnvironment(
            backend: try SimulatedCluster(settings: SimulatorSettings()), settings: ClusterEnvironmentSettings(),
            seed: 0)
        try environment.begin(seed: 1)
        var encoder = ObservationEncoder()
        var batch = CandidateBatch(space: ObservationEncoder.space)
        var entries: [Int] = []
        for _ in 0..<50 {
            guard let decision = environment.decision else { break }
            let preferences = try policy.preferences(for: decision, in: environment.snapshot)
            batch.removeAll()
            encoder.encode(decision, in: environment.snapshot, appendingTo: &batch)
            second.discretizer.entries(of: batch, actions: decision.candidates.count, into: &entries)
            let values = entries.map { second.values[$0] }
            #expect(preferences.count == decision.candidates.count && preferences.count == values.count)
            #expect(preferences.allSatisfy { (0...1).contains($0) })
            let greatest = values.max()
            #expect(preferences.map { $0 == 1 } == values.map { $0 == greatest })
            _ = try environment.perform(preferences.firstIndex(of: 1) ?? 0)
        }
    }

    @Test("refuses other features and what is missing, and names it")
    func refusals() throws {
        var checkpoint = try learner(seed: 1).checkpoint()
        let bare = checkpoint
        #expect(throws: CheckpointError.self) { try TabularPolicy(bare) }
        try checkpoint.setSchema(ObservationEncoder.schema)
        _ = try TabularPolicy(checkpoint)
        for (path, value) in [
            ("policy/bins", Checkpoint.Value.text("{}")),
            ("policy/bins", .text(#"[{"bins":2,"feature":"is plaec","high":1,"low":0,"row":"candidate"}]"#)),
            ("policy/q", .float64([1, 2], shape: [2])),
            ("policy/q", .float64(Array(repeating: .nan, count: 34_560), shape: [34_560])),
        ] {
            var broken = checkpoint
            broken[path] = value
            let wrong = #expect(throws: CheckpointError.self) { try TabularPolicy(broken) }
            #expect(wrong?.path == path)
            broken[path] = nil
            let missing = #expect(throws: CheckpointError.self) { try TabularPolicy(broken) }
            #expect(missing?.path == path)
        }
        var schema = ObservationEncoder.schema
        schema.candidate[0] = "phase of the moon"
        try checkpoint.setSchema(schema)
        let other = checkpoint
        let error = #expect(throws: CheckpointError.self) { try TabularPolicy(other) }
        #expect(error?.description.contains("candidate feature 0 is 'phase of the moon'") == true)
    }
}
