import Watching
import Cluster
import Foundation
import Gym
import Live
import LoadGeneration
import Logging
import TestServers
import Testing
import Workloads

/// An episode of the environment on the testbed's real pods, driven action by action.
///
/// Calls block, and come from a thread of their own, as the library asks.
final class LiveEpisodeDriver: @unchecked Sendable {
    // One call at a time: each test awaits one before it makes the next.
    private var environment: ClusterEnvironment<LiveCluster>
    let backend: LiveCluster
    let settings: LiveSettings

    /// The environment of the shipped example service on the testbed; nothing is made yet.
    init(_ testbed: Testbed, namespace: String, auditLog: String, _ change: (inout LiveSettings) -> Void = { _ in })
        throws
    {
        var service = LiveServiceSettings()
        service.manifest = Testbed.repository.appendingPathComponent("configs/live/nginx-gzip.yaml").path
        service.path = "/page.html"
        service.maximumReplicas = 5
        service.load.rate = 20
        service.load.connections = .fresh
        service.load.headers = ["Accept-Encoding": "gzip"]
        var settings = LiveSettings()
        settings.kubernetes.kubeconfig = testbed.kubeconfig
        settings.namespace = namespace
        settings.interval = 5
        settings.services = [service]
        settings.usage.interval = 2
        settings.usage.nodeCgroup = "/testbed-{node}/kubepods"
        settings.auditLog = auditLog
        change(&settings)
        self.settings = settings
        backend = try LiveCluster(settings: settings, logger: Logger(label: "test"))
        var episode = ClusterEnvironmentSettings()
        episode.intervals = 1000
        environment = ClusterEnvironment(backend: backend, settings: episode, seed: 0)
    }

    /// What is known of the cluster.
    var snapshot: ClusterSnapshot { backend.snapshot }
    /// The decision to make.
    var decision: Decision? { environment.decision }
    /// What the last step did.
    var info: ClusterInfo { environment.info }

    /// Begins an episode.
    func begin(seed: UInt64) async throws {
        try await onThread { try self.environment.begin(seed: seed) }
    }

    /// Places what is pending, each pod on the candidate that `choose` names, the first by default.
    func placePending(_ choose: @escaping @Sendable ([Int]) -> Int = { $0[0] }) async throws {
        while let decision, case .placement = decision.kind {
            let nodes = decision.candidates.compactMap { action -> Int? in
                if case .place(_, let node) = action { node } else { nil }
            }
            let index = nodes.firstIndex(of: choose(nodes)) ?? 0
            try await onThread { _ = try self.environment.perform(index) }
        }
    }

    /// Takes the first legal control action that `isWanted`.
    /// - Returns: why it was refused; `nil` when it was carried out.
    func take(_ isWanted: (ClusterAction) -> Bool) async throws -> String? {
        let decision = try #require(decision)
        let found = decision.candidates.firstIndex(where: isWanted)
        let index = try #require(found, "no such action among \(decision.candidates)")
        try await onThread { _ = try self.environment.perform(index) }
        return info.refusal?.description
    }

    /// Lets an interval pass, after what is pending has been placed.
    @discardableResult
    func advance() async throws -> IntervalReport {
        try await placePending()
        _ = try await take { $0 == .advance }
        return try #require(info.report)
    }

    /// Lets intervals pass until `condition` holds, `most` at most.
    func advance(most: Int, until condition: (ClusterSnapshot) -> Bool) async throws {
        for _ in 0..<most where !condition(snapshot) { try await advance() }
        #expect(condition(snapshot), "after \(most) intervals: \(snapshot)")
    }

    /// Ends the episode and removes everything.
    func close() async throws {
        try await onThread { try self.backend.close() }
    }

    /// Refused by the backend itself, whatever the environment would have listed.
    func refusal(of action: ClusterAction) async throws -> String? {
        try await onThread { try self.backend.apply(action)?.description }
    }
}
