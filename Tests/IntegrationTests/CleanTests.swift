import Foundation
import Live
import TestServers
import Testing

/// `berth clean` against a server that has nothing but a namespace; the testbed has the real one.
@Suite struct CleanTests {
    private func makeServer() throws -> NamespaceServer {
        try NamespaceServer(namespace: "berth-left", labels: #"{"berth.dev/environment":"berth-left"}"#)
    }

    private func clean(
        _ arguments: [String], _ server: NamespaceServer, in folder: String
    ) async throws -> BerthProcess.Result {
        try await BerthProcess.run(
            executable: "/usr/bin/env",
            ["KUBECONFIG=\(server.kubeconfig)", BerthProcess.executable.path, "clean"] + arguments, in: folder)
    }

    private func removals(_ file: String) throws -> [AuditLog.Entry] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(AuditLog.Entry.self, from: Data($0.utf8))
        }
    }

    @Test(.timeLimit(.minutes(1))) func aNamespaceIsRemovedAndTheAuditLogSaysSo() async throws {
        try await withTemporaryFolder { folder in
            let server = try makeServer()
            let arguments = ["--namespace", "berth-left", "--audit", "audit.jsonl"]
            let first = try await clean(arguments, server, in: folder)
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output == "removed namespace berth-left\n")
            let second = try await clean(arguments, server, in: folder)
            #expect(second.output == "nothing to remove: no namespace berth-left\n")
            let found = try removals("\(folder)/audit.jsonl")
            #expect(found.map(\.object) == ["namespace berth-left"])
            #expect(found.first?.action == "remove" && found.first?.outcome == .done && found.first?.episode == nil)
            #expect(server.changes.last == "DELETE /api/v1/namespaces/berth-left")
        }
    }

    @Test(.timeLimit(.minutes(1))) func theConfigurationNamesTheAuditLog() async throws {
        try await withTemporaryFolder { folder in
            let configuration = """
                live:
                  namespace: berth-left
                  auditLog: audit.jsonl
                  services: [{manifest: web.yaml}]
                """
            try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/evaluate.yaml"))
            let first = try makeServer()
            let result = try await clean(["--config", "evaluate.yaml"], first, in: folder)
            #expect(result.status == 0, "\(result.errors)")
            #expect(try removals("\(folder)/audit.jsonl").count == 1)
            // The option wins over the configuration.
            let second = try makeServer()
            let other = try await clean(["--config", "evaluate.yaml", "--audit", "other.jsonl"], second, in: folder)
            #expect(other.status == 0, "\(other.errors)")
            #expect(try removals("\(folder)/audit.jsonl").count == 1)
            #expect(try removals("\(folder)/other.jsonl").count == 1)
            #expect(first.changes.count == 3 && second.changes.count == 3)
        }
    }
}
