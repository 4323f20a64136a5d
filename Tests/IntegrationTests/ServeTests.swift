import Foundation
import Testing

@Suite struct ServeTests {
    private func curl(_ url: String) async throws -> BerthProcess.Result {
        try await BerthProcess.run(
            executable: "/usr/bin/curl", ["--silent", "--max-time", "5", "--write-out", "\n%{http_code}", url])
    }

    @Test func anUnreachableClusterIsServedByTheFallbackUntilSIGTERM() async throws {
        try await withTemporaryFolder { folder in
            let kubeconfig = """
                current-context: a
                contexts: [{name: a, context: {cluster: a, user: a}}]
                clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]
                users: [{name: a, user: {}}]
                """
            try Data(kubeconfig.utf8).write(to: URL(filePath: "\(folder)/kubeconfig"))
            let port = try freePort()
            try Data("port: \(port)\nkubernetes: {kubeconfig: \(folder)/kubeconfig}\n".utf8).write(
                to: URL(filePath: "\(folder)/serve.yaml"))
            let server = try BerthProcess(["serve", "--config", "\(folder)/serve.yaml", "--log", "warning"])
            var health = try await curl("http://127.0.0.1:\(port)/healthz")
            while health.status != 0, server.isRunning {
                try await Task.sleep(for: .milliseconds(50))
                health = try await curl("http://127.0.0.1:\(port)/healthz")
            }
            #expect(health.output.hasSuffix("\n200"))
            let ready = try await curl("http://127.0.0.1:\(port)/readyz")
            #expect(ready.output.hasSuffix("\n503") && ready.output.contains("no policy is loaded"))
            #expect(try await curl("http://127.0.0.1:\(port)/metrics").output.contains("# TYPE berth_extender_"))
            server.send(SIGTERM)
            let result = try await server.result()
            #expect(result.status == 0)
            #expect(result.errors.contains("no policy is configured"))
        }
    }

    @Test func aWrongConfigurationEndsWithStatus2() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/serve.yaml"
            try Data("port: 0\npolicy: \(folder)/none\n".utf8).write(to: URL(filePath: file))
            let missing = try await BerthProcess.run(["serve", "--config", file])
            #expect(missing.status == 2)
            #expect(missing.errors == "error: there is no run folder or checkpoint \(folder)/none\n")
            let port = try await BerthProcess.run(["serve", "--config", file, "--set", "port=70000"])
            #expect(port.status == 2)
            #expect(port.errors == "error: --set port=70000: port: must be from 0 to 65535, found 70000\n")
            // A file that is no checkpoint is a failure, not a wrong configuration.
            let foreign = try await BerthProcess.run(["serve", "--config", file, "--set", "policy=\(file)"])
            #expect(foreign.status == 1)
            #expect(foreign.errors == "error: checkpoint: \(file): is not a checkpoint of this project\n")
        }
    }
}
