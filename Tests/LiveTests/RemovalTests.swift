import Watching
import Foundation
import Live
import Logging
import TestServers
import Testing

/// What is removed beside the episodes' own is in the audit log too.
@Suite struct RemovalTests {
    private let namespace = "berth-left"
    private let log = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString)").path
    /// The labels of a namespace that an environment made.
    private let own = #"{"berth.dev/environment":"berth-left"}"#

    private func settings(_ server: NamespaceServer) throws -> LiveSettings {
        let service = try webService()
        var settings = LiveSettings()
        settings.kubernetes.kubeconfig = server.kubeconfig
        settings.namespace = namespace
        settings.services = [service]
        settings.auditLog = log
        return settings
    }

    private func entries() throws -> [AuditLog.Entry] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map { line in
            var entry = try JSONDecoder().decode(AuditLog.Entry.self, from: Data(line.utf8))
            entry.time = ""
            return entry
        }
    }

    private func entry(
        episode: UInt64?, interval: Int?, outcome: AuditLog.Entry.Outcome = .done, reason: String? = nil
    ) -> AuditLog.Entry {
        AuditLog.Entry(
            namespace: namespace, episode: episode, interval: interval, action: "remove",
            object: "namespace \(namespace)", detail: "left by an earlier run", outcome: outcome, reason: reason,
            dryRun: false)
    }

    @Test(.timeLimit(.minutes(1))) func whatAnEarlierRunLeftIsInTheLog() async throws {
        let server = try NamespaceServer(namespace: namespace, labels: own)
        let cluster = try LiveCluster(settings: try settings(server), logger: Logger(label: "test"))
        // The server makes nothing: the episode ends before it begins, and there is nothing of it to remove.
        await #expect(throws: (any Error).self) { try await onThread { try cluster.reset(seed: 7) } }
        #expect(
            server.changes == [
                "DELETE /apis/apps/v1/namespaces/berth-left/deployments",
                "DELETE /api/v1/namespaces/berth-left/pods", "DELETE /api/v1/namespaces/berth-left",
                "POST /api/v1/namespaces",
            ])
        #expect(try entries() == [entry(episode: 7, interval: 0)])
    }

    @Test(.timeLimit(.minutes(1))) func whatIsRemovedOutsideOfARunIsInTheLog() async throws {
        let server = try NamespaceServer(namespace: namespace, labels: own)
        let settings = try settings(server)
        #expect(try await onThread { try LiveCluster.remove(settings) })
        #expect(try entries() == [entry(episode: nil, interval: nil)])
        // A second time there is nothing, and nothing to tell.
        #expect(try await onThread { try LiveCluster.remove(settings) } == false)
        #expect(try entries().count == 1)
        #expect(server.changes.count == 3)
    }

    @Test(.timeLimit(.minutes(1))) func whatCannotBeRemovedIsInTheLog() async throws {
        let server = try NamespaceServer(namespace: namespace, labels: "{}")
        let settings = try settings(server)
        let error = await #expect(throws: LiveError.self) {
            try await onThread { try LiveCluster.remove(settings) }
        }
        #expect(error?.code == .settings)
        #expect(server.changes.isEmpty)
        let found = try #require(try entries().first)
        #expect(found.reason?.contains("is not an environment's") == true, "\(found)")
        #expect(found == entry(episode: nil, interval: nil, outcome: .failed, reason: found.reason))
    }

    /// Without a record nothing is removed.
    @Test(.timeLimit(.minutes(1))) func nothingIsRemovedWithoutALog() async throws {
        let server = try NamespaceServer(namespace: namespace, labels: own)
        var settings = try settings(server)
        settings.auditLog = "/nowhere/audit.jsonl"
        let unwritable = settings
        let error = await #expect(throws: LiveError.self) {
            try await onThread { try LiveCluster.remove(unwritable) }
        }
        #expect(error?.code == .log)
        #expect(server.changes.isEmpty)
    }
}
