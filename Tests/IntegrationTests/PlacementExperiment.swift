import Foundation
import Testing

/// One service to be placed on two nodes, of which one is burnt by a pod that requests nothing.
///
/// The service's pods request no CPU either. Requests are all that the default scheduler sees, and CPU shares follow
/// requests: only among pods without any do neighbours take each other's time, and only telemetry shows it.
struct PlacementExperiment {
    let testbed: Testbed

    private static let service = "app=nginx-gzip"
    /// Of deploy/testbed: the extender's service.
    private static let extender = "http://10.96.86.86:8686"

    /// Applies deploy/testbed and waits until the extender and the second scheduler are ready.
    func deploy(invertScores: Bool) async throws {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("berth-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: Testbed.repository.appendingPathComponent("deploy"), to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        if invertScores {
            let file = copy.appendingPathComponent("testbed/extender-config.yaml")
            let shipped = try String(contentsOf: file, encoding: .utf8)
            let inverted = shipped.replacingOccurrences(of: "invertScores: false", with: "invertScores: true")
            try #require(inverted != shipped)
            try inverted.write(to: file, atomically: true, encoding: .utf8)
        }
        try await testbed.kubectl("apply", "-k", copy.appendingPathComponent("testbed").path)
        for deployment in ["berth", "berth-scheduler"] {
            try await testbed.kubectl(
                "-n", "berth-system", "rollout", "status", "deployment/\(deployment)", "--timeout=90s")
        }
    }

    /// Starts a pod that requests nothing and takes all the CPU it can get, on the node that does not run the
    /// extender: by requests that node is the emptier one.
    func burnOneNode() async throws -> (quiet: String, busy: String) {
        let extenders = try await testbed.placements(of: "app.kubernetes.io/component=extender")
        let quiet = try #require(extenders.first?.node)
        let busy = quiet == "node0" ? "node1" : "node0"
        try await testbed.apply(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: burn, labels: {app: burn}}
            spec:
              nodeSelector: {kubernetes.io/hostname: \(busy)}
              terminationGracePeriodSeconds: 1
              containers:
                - name: stress
                  image: localhost/bench:1
                  command: [stress-ng, --cpu, "2", --temp-path, /tmp]
            """)
        try await testbed.kubectl("wait", "--for=condition=Ready", "pod/burn", "--timeout=60s")
        // Long enough for it to be seen: cadvisor renews its figures every 10 to 20 s, a rate takes two of them, and
        // the extender reads them every 10 s.
        try await Task.sleep(for: .seconds(50))
        return (quiet, busy)
    }

    /// What the extender scores the two nodes for a pod of the service, once it has measured both; asked until
    /// `isExpected`, for at most 90 s.
    func scores(until isExpected: ([String: Int]) -> Bool) async throws -> [String: Int] {
        struct HostPriority: Decodable {
            var host: String
            var score: Int
            enum CodingKeys: String, CodingKey {
                case host = "Host"
                case score = "Score"
            }
        }
        let body = """
            {
                "Pod": {
                    "metadata": {"name": "probe", "namespace": "default", "uid": "probe"},
                    "spec": {"schedulerName": "berth-scheduler", "containers": [{"name": "nginx"}]}
                },
                "Nodes": null,
                "NodeNames": ["node0", "node1"]
            }
            """
        for _ in 0..<60 {
            if try await counter("berth_extender_measured_nodes") == 2 { break }
            try await Task.sleep(for: .seconds(1))
        }
        var scores: [String: Int] = [:]
        for _ in 0..<15 {
            let answer = try await testbed.run([
                "curl", "--silent", "--show-error", "--fail", "--max-time", "5", "-H", "Content-Type: application/json",
                "-d", body, "\(Self.extender)/prioritize",
            ])
            let list = try JSONDecoder().decode([HostPriority].self, from: Data(answer.utf8))
            scores = Dictionary(list.map { ($0.host, $0.score) }) { $1 }
            // Long enough for a placement that the extender assumes for its answer to expire.
            try await Task.sleep(for: .seconds(6))
            if isExpected(scores) { break }
        }
        return scores
    }

    /// The sum of one of the extender's counters over the series whose labels contain `label`.
    func counter(_ name: String, label: String = "") async throws -> Double {
        let text = try await testbed.run(["curl", "--silent", "--fail", "--max-time", "5", "\(Self.extender)/metrics"])
        return text.split(separator: "\n")
            .filter { $0.hasPrefix(name) && $0.contains(label) }
            .compactMap { line in line.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }

    /// How many prioritize calls the extender has answered.
    func prioritized() async throws -> Double {
        try await counter("berth_extender_requests_total", label: #"verb="prioritize""#)
    }

    /// Scales the service up to `replicas` under this scheduler, from none when it is not there, and waits until they
    /// are ready.
    func scaleUp(scheduler: String, replicas: Int) async throws -> [Testbed.Placement] {
        if try await testbed.kubectl("get", "deployments", "-l", Self.service, "-o", "name").isEmpty {
            let file = Testbed.repository.appendingPathComponent("scripts/testbed/nginx-gzip.yaml")
            var manifests = try String(contentsOf: file, encoding: .utf8)
            for (shipped, wanted) in [
                ("replicas: 1", "replicas: 0"),
                ("resources: {requests: {cpu: 500m, memory: 64Mi}}", "resources: {}"),
                ("containers:", "schedulerName: \(scheduler)\n      containers:"),
            ] {
                try #require(manifests.contains(shipped), "nginx-gzip.yaml has no '\(shipped)'")
                manifests = manifests.replacingOccurrences(of: shipped, with: wanted)
            }
            try await testbed.apply(manifests)
        }
        try await testbed.kubectl("scale", "deployment/nginx-gzip", "--replicas=\(replicas)")
        try await testbed.kubectl("rollout", "status", "deployment/nginx-gzip", "--timeout=90s")
        return try await testbed.placements(of: Self.service)
    }

    /// Removes the service and waits until its pods are gone.
    func removeService() async throws {
        try await testbed.kubectl("delete", "deployment/nginx-gzip")
        try await testbed.waitUntilGone(Self.service)
    }

    /// Ends the extender's pod and waits until it is gone.
    func stopExtender() async throws {
        try await testbed.kubectl("-n", "berth-system", "scale", "deployment/berth", "--replicas=0")
        try await testbed.waitUntilGone("app.kubernetes.io/component=extender")
    }

    /// What the load generator measured.
    struct Latency: Decodable, CustomStringConvertible {
        var requests: Int
        var failed: Int
        var p50: Double
        var p99: Double

        enum CodingKeys: String, CodingKey {
            case requests, failed
            case p50 = "p50_ms"
            case p99 = "p99_ms"
        }

        var description: String { "p50 \(p50) ms, p99 \(p99) ms over \(requests) requests, \(failed) failed" }
    }

    /// Open-loop load of 10 requests/s in turn over these pods, for 40 s: about a tenth of one CPU, so that latency
    /// comes from neighbours rather than from queues.
    func load(_ placements: [Testbed.Placement]) async throws -> Latency {
        let urls = try placements.map { "http://\(try #require($0.address))/page.html" }
        let script = Testbed.repository.appendingPathComponent("scripts/testbed/load.py").path
        _ = try await testbed.run(["python3", script, "--rate", "10", "--seconds", "3"] + urls)
        let answer = try await testbed.run(["python3", script, "--rate", "10", "--seconds", "40"] + urls)
        return try JSONDecoder().decode(Latency.self, from: Data(answer.utf8))
    }
}
