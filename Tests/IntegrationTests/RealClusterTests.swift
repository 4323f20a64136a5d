import Foundation
import Testing

/// The whole path on real parts: a trained policy, served by the extender in a pod, places real pods through the
/// real kube-scheduler with the shipped configuration.
@Suite(.enabled(if: Testbed.obstacle == nil, Comment(rawValue: Testbed.obstacle ?? "")))
struct RealClusterTests {
    @Test("The policy's scores decide where real pods run")
    func scoresDecide() async throws {
        let policy = try await trainedPolicy()
        do {
            try await placeByScores(policy)
        } catch {
            try? await Testbed.stop()
            throw error
        }
        try await Testbed.stop()
    }

    private let replicas = 4

    private func placeByScores(_ policy: String) async throws {
        let testbed = try await Testbed.start()
        try await testbed.importImage(policy: policy)
        let experiment = PlacementExperiment(testbed: testbed)

        try await experiment.deploy(invertScores: false)
        let (quiet, busy) = try await experiment.burnOneNode()
        let scores = try await experiment.scores { ($0[quiet] ?? 0) > ($0[busy] ?? 0) }
        print("scores with \(busy) burning: \(scores)")
        try #require(scores[quiet] == 10, "the quiet node \(quiet) is not the best: \(scores)")

        // As they are.
        let asked = try await experiment.prioritized()
        let placed = try await experiment.scaleUp(scheduler: "berth-scheduler", replicas: replicas)
        #expect(placed.map(\.node) == Array(repeating: quiet, count: replicas))
        #expect(try await experiment.prioritized() - asked == Double(replicas))
        #expect(try await experiment.counter("berth_extender_fallbacks_total") == 0, "the policy did not answer itself")
        let ours = try await experiment.load(placed)
        try await experiment.removeService()

        // The default scheduler, for comparison.
        let others = try await experiment.scaleUp(scheduler: "default-scheduler", replicas: replicas)
        #expect(others.allSatisfy { $0.node != nil })
        let theirs = try await experiment.load(others)
        try await experiment.removeService()
        print("replicas by the policy on \(nodes(placed)): \(ours)")
        print("replicas by the default scheduler on \(nodes(others)): \(theirs)")
        #expect(ours.requests == theirs.requests, "the same seed is to give the same arrivals")
        #expect(ours.failed == 0)

        // 10 minus each.
        try await experiment.deploy(invertScores: true)
        let inverted = try await experiment.scores { ($0[busy] ?? 0) > ($0[quiet] ?? 0) }
        print("inverted scores: \(inverted)")
        try #require((inverted[busy] ?? 0) > (inverted[quiet] ?? 0), "the scores are not inverted: \(inverted)")
        let misplaced = try await experiment.scaleUp(scheduler: "berth-scheduler", replicas: replicas)
        #expect(misplaced.map(\.node) == Array(repeating: busy, count: replicas))

        // The extender is gone: the scheduler goes on without its advice.
        try await experiment.stopExtender()
        let more = try await experiment.scaleUp(scheduler: "berth-scheduler", replicas: replicas + 1)
        #expect(more.count == replicas + 1 && more.allSatisfy { $0.node != nil && $0.scheduler == "berth-scheduler" })
        let added = more.filter { pod in !misplaced.contains { $0.pod == pod.pod } }
        print("without the extender the next replica went to \(nodes(added))")
    }

    private func nodes(_ placements: [Testbed.Placement]) -> String {
        placements.map { $0.node ?? "no node" }.joined(separator: ", ")
    }

    /// The run folder named by BERTH_TEST_POLICY, or else a policy trained here for clusters like the testbed.
    private func trainedPolicy() async throws -> String {
        if let folder = ProcessInfo.processInfo.environment["BERTH_TEST_POLICY"] { return folder }
        let root = Testbed.repository
        let folder = root.appendingPathComponent(".build/integration-policy").path
        try? FileManager.default.removeItem(atPath: folder)
        try await Shell.run(
            [
                Testbed.berth, "train", "--config", root.appendingPathComponent("scripts/testbed/train.yaml").path,
                "--seed", "1", "--out", folder,
            ], seconds: 300)
        return folder
    }
}
