import Foundation
import HTTP
import JSON
import Kubernetes
import Synchronization
import Testing

@Suite struct CredentialTests {
    /// A plugin that counts its runs in a file and prints `status`, in which RUN stands for the run's number.
    private func plugin(
        _ folder: TemporaryFolder, status: String, apiVersion: String = "client.authentication.k8s.io/v1",
        extra: String = ""
    ) throws -> ExecPlugin {
        let script = try folder.write(
            """
            #!/bin/sh
            echo run >> '\(folder.path)/runs'
            run=$(wc -l < '\(folder.path)/runs' | tr -d ' ')
            \(extra)
            echo '{"apiVersion":"\(apiVersion)","kind":"ExecCredential","status":\(status)}' | sed "s/RUN/$run/"
            """, to: "plugin")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        return ExecPlugin(apiVersion: apiVersion, command: script)
    }

    private func runs(_ folder: TemporaryFolder) -> Int {
        ((try? String(contentsOfFile: folder.path + "/runs", encoding: .utf8)) ?? "").count { $0 == "\n" }
    }

    private func client(_ server: ScriptedServer, _ plugin: ExecPlugin) throws -> APIClient {
        var access = ClusterAccess(server: server.url)
        access.token = .plugin(plugin)
        return try APIClient(access: access)
    }

    @Test func keepsATokenThatDoesNotExpire() async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, "{}")] }
        let folder = try TemporaryFolder()
        let client = try client(server, try plugin(folder, status: #"{"token":"t-RUN"}"#))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { _ = try await client.request(.get, "/version") } }
            try await group.waitForAll()
        }
        #expect(runs(folder) == 1)
        #expect(Set(server.requests.map { $0.headers["authorization"] }) == ["Bearer t-1"])
    }

    @Test(arguments: [("2001-01-01T00:00:00Z", 2), ("2999-01-01T00:00:00Z", 1)])
    func runsAgainWhenTheTokenHasExpired(_ expiration: String, _ expected: Int) async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, "{}")] }
        let folder = try TemporaryFolder()
        let status = #"{"token":"t-RUN","expirationTimestamp":"\#(expiration)"}"#
        let client = try client(
            server, try plugin(folder, status: status, apiVersion: "client.authentication.k8s.io/v1beta1"))
        for _ in 0..<2 { _ = try await client.request(.get, "/version") }
        #expect(runs(folder) == expected)
        #expect(server.requests.last?.headers["authorization"] == "Bearer t-\(expected)")
    }

    /// The server takes the second token only, and then refuses that as well.
    @Test func runsAgainWhenTheServerRefuses() async throws {
        let server = try ScriptedServer { request, _ in
            let isFresh = request.headers["authorization"] == "Bearer t-2" && request.path == "/version"
            return [isFresh ? .reply(200, "{}") : .reply(401, #"{"kind":"Status","code":401,"reason":"Unauthorized"}"#)]
        }
        let folder = try TemporaryFolder()
        let client = try client(server, try plugin(folder, status: #"{"token":"t-RUN"}"#))
        _ = try await client.request(.get, "/version")
        #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer t-1", "Bearer t-2"])
        _ = try await client.request(.get, "/version")
        #expect(runs(folder) == 2)
        let error = await apiError { _ = try await client.request(.get, "/secret") }
        #expect(error?.code == 401)
        // One more attempt with a third token, no more.
        #expect(runs(folder) == 3 && server.requests.count == 5)
    }

    @Test func readsTheTokenFileAgainAfterARefusal() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("old", to: "token")
        let server = try ScriptedServer { request, _ in
            if request.headers["authorization"] == "Bearer new" { return [.reply(200, "{}")] }
            // It rotates while the request is under way.
            try? "new".write(toFile: file, atomically: true, encoding: .utf8)
            return [.reply(401, "")]
        }
        var access = ClusterAccess(server: server.url)
        access.token = .file(file)
        let client = try APIClient(access: access)
        _ = try await client.request(.post, "/api/v1/x", body: Array("{}".utf8))
        #expect(server.requests.map(\.body) == [Array("{}".utf8), Array("{}".utf8)])
        access.token = .fixed("wrong")
        let fixed = try APIClient(access: access)
        #expect(await apiError { _ = try await fixed.request(.get, "/version") }?.code == 401)
        #expect(server.requests.count == 3)
    }

    /// What the protocol promises the plugin: its arguments, variables and the cluster.
    @Test func tellsThePluginAboutTheCluster() async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, "{}")] }
        let folder = try TemporaryFolder()
        var plugin = try plugin(
            folder, status: #"{"token":"t"}"#,
            extra: #"printf '%s' "$KUBERNETES_EXEC_INFO" > "$0.info"; echo "$REGION $*" > "$0.said""#)
        plugin.arguments = ["get", "token for x"]
        plugin.environment = [.init(name: "REGION", value: "north")]
        plugin.providesClusterInfo = true
        plugin.clusterConfiguration = Array(#"{"audience":"a"}"#.utf8)
        var access = ClusterAccess(server: server.url)
        access.token = .plugin(plugin)
        access.certificateAuthority = .inline(Array("CA".utf8))
        access.serverName = "127.0.0.1"
        _ = try await APIClient(access: access).request(.get, "/version")
        let told = try Data(contentsOf: URL(fileURLWithPath: plugin.command + ".info"))
        #expect(
            try JSONValue(parsing: Array(told)) == [
                "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                "spec": [
                    "interactive": false,
                    "cluster": [
                        "server": .string(server.url), "tls-server-name": "127.0.0.1",
                        "certificate-authority-data": "Q0E=", "config": ["audience": "a"],
                    ],
                ],
            ])
        let said = try String(contentsOfFile: plugin.command + ".said", encoding: .utf8)
        #expect(said == "north get token for x\n")
    }

    @Test(arguments: [
        ("{}", "", "neither a token nor a client certificate"),
        (#"{"clientKeyData":"k"}"#, "", "a key without its certificate"),
        (#"{"token":"t","expirationTimestamp":"soon"}"#, "", "\"soon\" is not a time"),
        ("null", "echo not logged in >&2; exit 3", "it ended with status 3: not logged in"),
        ("null", "echo '{'; exit 0", "its output is not an ExecCredential"),
        (
            "null", "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"x/v9\"}'; exit 0",
            "in x/v9, not an ExecCredential"
        ),
        ("null", "exec sleep 600", "it was still running after 0.3 seconds"),
        // Fills a pipe: a client that reads only the other one waits forever.
        ("null", "head -c 3000000 /dev/zero >&2; exit 4", "it ended with status 4"),
    ])
    func saysHowAPluginFailed(_ status: String, _ extra: String, _ message: String) async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, "{}")] }
        let folder = try TemporaryFolder()
        var plugin = try self.plugin(folder, status: status, extra: extra)
        plugin.timeout = extra.contains("sleep") ? 0.3 : 60
        let client = try client(server, plugin)
        let error = await apiError { _ = try await client.request(.get, "/version") }
        #expect(error?.kind == .access)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(server.requests.isEmpty)
    }

    @Test func hintsAtWhereAMissingPluginIsToBeHad() async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, "{}")] }
        var plugin = ExecPlugin(apiVersion: "client.authentication.k8s.io/v1", command: "no-such-login-program")
        plugin.installHint = "Ask the operators for it."
        let client = try client(server, plugin)
        let error = await apiError { _ = try await client.request(.get, "/version") }
        #expect(error?.message.contains("there is no such program. Ask the operators for it.") == true)
    }
}
