import Cluster
import Gym
import Learning
import NeuralNetworks
import Randomness
import Settings
import Simulator
import Workloads

/// Time in which a policy of the default size ranks the nodes for a pending pod.
struct InferenceBenchmark {
    /// Numbers of nodes.
    let nodes: [Int]
    /// Time for each, in seconds.
    let seconds: Double

    /// Measures and prints.
    func run() throws {
        var cells = [["inference", "candidates", "median µs", "p99 µs", "decisions/s"]]
        for count in nodes {
            var (policy, decision, snapshot) = try scene(count)
            for _ in 0..<10 { _ = try policy.preferences(for: decision, in: snapshot) }
            let clock = ContinuousClock()
            let start = clock.now
            var times: [Double] = []
            repeat {
                let begin = clock.now
                _ = try policy.preferences(for: decision, in: snapshot)
                times.append((clock.now - begin) / .microseconds(1))
            } while clock.now - start < .seconds(seconds)
            times.sort()
            let total = (clock.now - start) / .seconds(1)
            cells.append([
                "\(Figures.grouped(count)) nodes", "\(decision.candidates.count)",
                Figures.short(Statistics.quantile(0.5, of: times)), Figures.short(Statistics.quantile(0.99, of: times)),
                Figures.grouped(Int(Double(times.count) / total)),
            ])
        }
        print(ComparisonTable.align(cells))
    }

    /// An untrained policy, and a pod that is to be placed on a cluster with `count` nodes.
    private func scene(_ count: Int) throws -> (ScorerPolicy, Decision, ClusterSnapshot) {
        var settings = SimulatorSettings.benchmark(nodes: count, services: 2)
        settings.services.initialPlacement = .pending
        var environment = ClusterEnvironment(
            backend: try SimulatedCluster(settings: settings), settings: ClusterEnvironmentSettings(), seed: 1)
        try environment.begin(seed: 1)
        guard let decision = environment.decision, case .placement = decision.kind else {
            throw CommandFailure(message: "no pod fits anywhere on \(count) nodes: nothing to measure")
        }
        var ppo = PPOSettings()
        (ppo.environments, ppo.rolloutSteps) = (1, 1)
        let learner = try PPO(settings: ppo, network: ppo.network.candidates(ObservationEncoder.space), seed: 1) { _ in
            CandidateEnvironmentGroup([environment])
        }
        var checkpoint = try learner.checkpoint()
        try checkpoint.setSchema(ObservationEncoder.schema)
        return (try ScorerPolicy(checkpoint), decision, environment.snapshot)
    }
}
