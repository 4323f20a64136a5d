import Foundation
import Testing

/// What needs a real cluster: one test after the other, since there is one testbed.
@Suite(.serialized, .enabled(if: Testbed.obstacle == nil, Comment(rawValue: Testbed.obstacle ?? "")))
enum TestbedTests {}

extension TestbedTests {
    /// The whole path on real parts: a trained policy, served by the extender in a pod, places real pods through the
    /// real kube-scheduler with the shipped configuration.
    @Suite struct RealClusterTests {
        @Test("The policy's scores decide where real pods run")
        func scoresDecide() async throws {
            let policy = try await TestbedPolicy.trained()
            try await Testbed.borrow { testbed in try await PlacementProof(testbed: testbed).placeByScores(policy) }
        }
    }
}

/// The assertions of `RealClusterTests`.
private struct PlacementProof {
    let testbed: Testbed

    private let replicas = 4
    /// Requests per second over all replicas, of 8 ms each: beside the burning pods replicas queue.
    private let rate = 35
    /// Where the comparison's measurements are left: beside the built `berth`.
    private static let record = URL(fileURLWithPath: Testbed.berth).deletingLastPathComponent()
        .appendingPathComponent("real-cluster.json")

    func placeByScores(_ policy: String) async throws {
        try await testbed.importImage(policy: policy)
        let experiment = PlacementExperiment(testbed: testbed)

        try await experiment.deploy(invertScores: false)
        let (quiet, busy) = try await experiment.burnOneNode()
        let scores = try await experiment.scores { ($0[quiet] ?? 0) > ($0[busy] ?? 0) }
        print("scores with \(busy) burning: \(scores)")
        try #require(scores[quiet] == 10, "the quiet node \(quiet) is not the best: \(scores)")

        // As they are.
        let asked = try await experiment.prioritized()
        let placed = try await place(by: "berth-scheduler", in: experiment)
        #expect(placed.map(\.node) == Array(repeating: quiet, count: replicas))
        #expect(try await experiment.prioritized() - asked == Double(replicas))
        try await experiment.remove("nginx-by-berth-scheduler")

        try await compareLatency(in: experiment)
        #expect(try await experiment.metric("berth_extender_fallbacks_total") == 0, "the policy did not answer itself")

        // 10 minus each.
        try await experiment.deploy(invertScores: true)
        let inverted = try await experiment.scores { ($0[busy] ?? 0) > ($0[quiet] ?? 0) }
        print("inverted scores: \(inverted)")
        try #require((inverted[busy] ?? 0) > (inverted[quiet] ?? 0), "the scores are not inverted: \(inverted)")
        let misplaced = try await place(by: "berth-scheduler", in: experiment)
        #expect(misplaced.map(\.node) == Array(repeating: busy, count: replicas))

        // The extender is gone: the scheduler goes on without its advice.
        try await experiment.stopExtender()
        let more = try await experiment.scaleUp(
            "nginx-by-berth-scheduler", scheduler: "berth-scheduler", replicas: replicas + 1)
        #expect(more.count == replicas + 1 && more.allSatisfy { $0.node != nil && $0.scheduler == "berth-scheduler" })
        let added = more.filter { pod in !misplaced.contains { $0.pod == pod.pod } }
        print("without the extender the next replica went to \(nodes(added))")
    }

    private func place(by scheduler: String, in experiment: PlacementExperiment) async throws -> [Testbed.Placement] {
        try await experiment.scaleUp("nginx-by-\(scheduler)", scheduler: scheduler, replicas: replicas)
    }

    /// Measures both schedulers' placements in turn and prints the comparison, which is judged by who reads it: a
    /// latency depends on the machine.
    ///
    /// Both place the pods again for every pair, since the default scheduler chooses at random among equals. It goes
    /// first: it would count the policy's replicas against their node, though they are idle while its own are measured.
    private func compareLatency(in experiment: PlacementExperiment) async throws {
        var comparison = PlacementComparison()
        for seed in 1...6 {
            let standard = try await place(by: "default-scheduler", in: experiment)
            let policy = try await place(by: "berth-scheduler", in: experiment)
            #expect((standard + policy).allSatisfy { $0.node != nil })
            // The first round changes from pair to pair.
            var rounds: [PlacementComparison.Round] = []
            for placements in seed.isMultiple(of: 2) ? [standard, policy] : [policy, standard] {
                rounds.append(try await experiment.load(placements, rate: rate, seconds: 15, seed: seed))
            }
            if seed.isMultiple(of: 2) { rounds.reverse() }
            comparison.pairs.append(.init(seed: seed, policy: rounds[0], standard: rounds[1]))
            #expect(
                rounds[0].load.due == rounds[1].load.due && rounds[0].load.replicas == rounds[1].load.replicas,
                "the same seed is to give the same arrivals")
            #expect(rounds[0].load.failed == 0)
            try await experiment.remove("nginx-by-berth-scheduler", "nginx-by-default-scheduler")
        }
        print(comparison)
        try JSONEncoder().encode(comparison).write(to: Self.record)
        print("every latency is in \(Self.record.lastPathComponent) beside the built berth")
    }

    private func nodes(_ placements: [Testbed.Placement]) -> String {
        placements.map { $0.node ?? "no node" }.joined(separator: ", ")
    }
}

/// A policy for the testbed.
enum TestbedPolicy {
    /// The run folder named by BERTH_TEST_POLICY, or else a policy trained here for clusters like the testbed.
    /// - Parameter steps: decisions that it is trained for; `nil` for what the configuration says.
    static func trained(steps: Int? = nil) async throws -> String {
        if let folder = ProcessInfo.processInfo.environment["BERTH_TEST_POLICY"] { return folder }
        let root = Testbed.repository
        let folder = root.appendingPathComponent(".build/integration-policy\(steps.map { "-\($0)" } ?? "")").path
        try? FileManager.default.removeItem(atPath: folder)
        try await Shell.run(
            [
                Testbed.berth, "train", "--config", root.appendingPathComponent("scripts/testbed/train.yaml").path,
                "--seed", "1", "--out", folder,
            ] + (steps.map { ["--set", "ppo.totalSteps=\($0)"] } ?? []), seconds: 300)
        return folder
    }
}
