import Foundation
import Testing

/// One service to be placed on two nodes, of which one is burnt by pods that request nothing.
///
/// The service's pods request no CPU either. Requests are all that the default scheduler sees, and CPU shares follow
/// requests: only among pods without any do neighbours take each other's time, and only telemetry shows it.
struct PlacementExperiment {
    let testbed: Testbed

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

    /// Starts three pods that request nothing and take all the CPU they can get, on the node that does not run the
    /// extender.
    ///
    /// One would only halve the CPU of a replica beside it, which costs no more than to keep all replicas on one quiet
    /// CPU (experiments/testbed has the figures); three leave it a quarter.
    func burnOneNode() async throws -> (quiet: String, busy: String) {
        let extenders = try await testbed.placements(of: "app.kubernetes.io/component=extender")
        let quiet = try #require(extenders.first?.node)
        let busy = quiet == "node0" ? "node1" : "node0"
        let pods = (0..<3).map { index in
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: burn-\(index), labels: {app: burn}}
            spec:
              nodeSelector: {kubernetes.io/hostname: \(busy)}
              terminationGracePeriodSeconds: 1
              containers:
                - name: stress
                  image: localhost/bench:1
                  command: [stress-ng, --cpu, "1", --temp-path, /tmp]
            """
        }
        try await testbed.apply(pods.joined(separator: "\n---\n"))
        try await testbed.kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=burn", "--timeout=60s")
        // Long enough to be seen: cadvisor renews its figures every 10 to 20 s, a rate takes two of them, and
        // the extender reads them every 10 s.
        try await Task.sleep(for: .seconds(50))
        return (quiet, busy)
    }

    /// On a busy machine a service's address leads to its pod only some time after the pod is ready.
    private static let patience = [
        "--retry", "10", "--retry-connrefused", "--retry-delay", "1", "--retry-max-time", "60",
    ]

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
        var scores: [String: Int] = [:]
        for _ in 0..<15 {
            let answer = try await testbed.run(
                [
                    "curl", "--silent", "--show-error", "--fail", "--max-time", "5", "-H",
                    "Content-Type: application/json",
                    "-d", body, "\(Self.extender)/prioritize",
                ] + Self.patience)
            let list = try JSONDecoder().decode([HostPriority].self, from: Data(answer.utf8))
            scores = Dictionary(list.map { ($0.host, $0.score) }) { $1 }
            // Long enough for a placement that the extender assumes for its answer to expire.
            try await Task.sleep(for: .seconds(6))
            // The extender counts what it has measured when it decides.
            if try await metric("berth_extender_measured_nodes") == 2, isExpected(scores) { break }
        }
        return scores
    }

    /// The sum of one of the extender's metrics over its series, or over those whose labels contain `label`.
    func metric(_ name: String, label: String? = nil) async throws -> Double {
        let text = try await testbed.run(
            [
                "curl", "--silent", "--show-error", "--fail", "--max-time", "5", "\(Self.extender)/metrics",
            ] + Self.patience)
        let series = text.split(separator: "\n").filter { line in
            line.prefix { $0 != "{" && $0 != " " } == name && label.map { line.contains($0) } ?? true
        }
        try #require(!series.isEmpty, "the extender reports no \(name)")
        return try series.reduce(0) { sum, line in
            sum + (try #require(line.split(separator: " ").last.flatMap { Double($0) }, "no number in '\(line)'"))
        }
    }

    /// How many prioritize calls the extender has answered.
    func prioritized() async throws -> Double {
        try await metric("berth_extender_requests_total", label: #"verb="prioritize""#)
    }

    /// Scales a service up to `replicas`, from none when it is not there, and waits until all of them answer.
    ///
    /// - Parameters:
    ///   - name: of the service's deployment.
    ///   - scheduler: that places its pods.
    /// - Returns: where its pods are.
    func scaleUp(_ name: String, scheduler: String, replicas: Int) async throws -> [Testbed.Placement] {
        if try await testbed.kubectl("get", "deployments", "-l", "app=\(name)", "-o", "name").isEmpty {
            let file = Testbed.repository.appendingPathComponent("scripts/testbed/nginx-gzip.yaml")
            var manifests = try String(contentsOf: file, encoding: .utf8)
            for (shipped, wanted) in [
                ("{name: nginx-gzip, labels", "{name: \(name), labels"),
                ("app: nginx-gzip", "app: \(name)"),
                ("replicas: 1", "replicas: 0"),
                ("resources: {requests: {cpu: 500m, memory: 64Mi}}", "resources: {}"),
                ("containers:", "schedulerName: \(scheduler)\n      containers:"),
            ] {
                try #require(manifests.contains(shipped), "nginx-gzip.yaml has no '\(shipped)'")
                manifests = manifests.replacingOccurrences(of: shipped, with: wanted)
            }
            try await testbed.apply(manifests)
        }
        try await testbed.kubectl("scale", "deployment/\(name)", "--replicas=\(replicas)")
        try await testbed.kubectl("rollout", "status", "deployment/\(name)", "--timeout=90s")
        let placements = try await testbed.placements(of: "app=\(name)")
        // A pod is ready before its server listens.
        let untilItAnswers = ["--fail", "--retry", "30", "--retry-delay", "1", "--retry-connrefused"]
        for url in try urls(of: placements) {
            try await testbed.run(
                ["curl", "--silent", "--show-error", "--output", "/dev/null"] + untilItAnswers + [url])
        }
        return placements
    }

    /// Removes services and waits until their pods are gone.
    func remove(_ names: String...) async throws {
        for name in names { try await testbed.kubectl("delete", "deployment/\(name)", "--ignore-not-found") }
        for name in names { try await testbed.waitUntilGone("app=\(name)") }
    }

    /// Ends the extender's pod and waits until it is gone.
    func stopExtender() async throws {
        try await testbed.kubectl("-n", "berth-system", "scale", "deployment/berth", "--replicas=0")
        try await testbed.waitUntilGone("app.kubernetes.io/component=extender")
    }

    /// Open-loop load of `rate` requests/s over these pods; a seed always gives the same requests at the same times.
    func load(_ placements: [Testbed.Placement], rate: Int, seconds: Int, seed: Int) async throws
        -> PlacementComparison.Round
    {
        let script = Testbed.repository.appendingPathComponent("scripts/testbed/load.py").path
        let answer = try await testbed.run(
            [
                "python3", script, "--each", "--rate", "\(rate)", "--seconds", "\(seconds)", "--seed", "\(seed)",
            ] + (try urls(of: placements)))
        return PlacementComparison.Round(
            nodes: try placements.map { try #require($0.node, "the pod \($0.pod) is on no node") },
            load: try JSONDecoder().decode(PlacementComparison.Load.self, from: Data(answer.utf8)))
    }

    private func urls(of placements: [Testbed.Placement]) throws -> [String] {
        try placements.map { "http://\(try #require($0.address, "the pod \($0.pod) has no address"))/page.html" }
    }
}
