import Watching
import Foundation
import Live
import Logging
import Settings
import Testing

/// Settings and files of a live cluster, without a cluster: what is wrong is said before anything is made.
@Suite struct LiveTests {
    private func manifest(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("live-\(UUID().uuidString).yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private func deployment(annotation: String = "berth.dev/latency-objective: 100ms") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, annotations: {\(annotation)}}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: nginx, image: nginx, resources: {requests: {cpu: 150m}}}]}
        """
    }

    /// A kubeconfig that names a server which is never asked.
    private func kubeconfig() throws -> String {
        try manifest(
            """
            apiVersion: v1
            kind: Config
            current-context: c
            contexts: [{name: c, context: {cluster: k, user: u}}]
            clusters: [{name: k, cluster: {server: "http://127.0.0.1:1"}}]
            users: [{name: u, user: {token: t}}]
            """)
    }

    private func settings(_ manifests: [String]) throws -> LiveSettings {
        var settings = LiveSettings()
        settings.kubernetes.kubeconfig = try kubeconfig()
        settings.services = manifests.map { path in
            var service = LiveServiceSettings()
            service.manifest = path
            return service
        }
        return settings
    }

    private func message(_ settings: LiveSettings) -> String {
        do {
            _ = try LiveCluster(settings: settings, logger: .init(label: "test"))
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func acceptsAServiceWithAnObjective() throws {
        #expect(message(try settings([try manifest(deployment())])) == "")
    }

    @Test(arguments: [
        ("note: none", "annotation berth.dev/latency-objective is missing"),
        ("berth.dev/latency-objective: fast", "expected a duration such as 100ms or 1.5s, found \"fast\""),
        ("berth.dev/latency-objective: 0ms", "expected a duration"),
    ])
    func saysWhatIsWrongWithTheObjective(_ annotation: String, _ expected: String) throws {
        let file = try manifest(deployment(annotation: annotation))
        let found = message(try settings([file]))
        #expect(found.contains(expected) && found.contains(file) && found.contains("web"), "\(found)")
    }

    @Test func saysWhatIsWrongWithTheFiles() throws {
        #expect(
            message(try settings(["/nowhere/web.yaml"])).hasPrefix("/nowhere/web.yaml: the manifest cannot be read"))
        let two = try manifest(deployment() + "\n---\n" + deployment())
        #expect(message(try settings([two])).contains("expected one Deployment, found 2"))
        let one = try manifest(deployment())
        #expect(message(try settings([one, one])).contains("two services have a Deployment named web"))
    }

    /// A server that cannot be reached is said at once, by whatever begins with it.
    @Test(.timeLimit(.minutes(1))) func saysAtOnceThatNoServerAnswers() async throws {
        var settings = try settings([try manifest(deployment())])
        settings.readySeconds = 3600
        let cluster = try LiveCluster(settings: settings, logger: .init(label: "test"))
        let message = await withCheckedContinuation { (ended: CheckedContinuation<String, Never>) in
            Thread {
                do {
                    try cluster.reset(seed: 0)
                    ended.resume(returning: "")
                } catch {
                    ended.resume(returning: "\(error)")
                }
            }.start()
        }
        #expect(message.contains("127.0.0.1"), "\(message)")
    }

    /// What is in no namespace would not go with one.
    @Test func refusesClusterWideObjects() throws {
        let role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: reader}
            """
        let found = message(try settings([try manifest(deployment() + "\n---\n" + role)]))
        #expect(found.contains("ClusterRole reader is in no namespace"), "\(found)")
    }

    /// What would be removed at the end must be the episodes' own.
    @Test(arguments: ["default", "kube-system", "Berth", "", "a b"])
    func refusesNamespaces(_ name: String) throws {
        var settings = try settings([try manifest(deployment())])
        settings.namespace = name
        #expect(throws: SettingsError.self) { try settings.validate() }
    }

    @Test func theAuditLogOnlyGrows() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString)").path
        let entry = AuditLog.Entry(
            namespace: "n", episode: 7, interval: 2, action: "scale", object: "deployment web",
            detail: "from 2 to 3 replicas", outcome: .refused, reason: "said \"no\"\nand meant it", dryRun: false)
        for _ in 0..<2 { try AuditLog(path: path).append(entry) }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            var read = try JSONDecoder().decode(AuditLog.Entry.self, from: Data(line.utf8))
            #expect(
                (try? Date(
                    String(read.time.dropLast()),
                    strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true)))
                    != nil && read.time.hasSuffix("Z"))
            read.time = ""
            #expect(read == entry)
        }
        let error = #expect(throws: LiveError.self) { try AuditLog(path: "/nowhere/audit.jsonl") }
        #expect(error?.code == .log)
    }
}
