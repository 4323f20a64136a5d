import Cluster
import Foundation
import Live
import Telemetry
import TestServers
import Testing
import Watching
import Windows

extension TestbedTests {
    /// What services do, from a real Prometheus that scrapes what counts the requests of real nginx pods.
    @Suite struct ServiceMetricsTestbedTests {
        @Test(
            "Live episodes and the extender know from Prometheus what services do, and no longer when it is gone",
            .enabled(
                if: ServiceMetricsServer.isInstalled && LogExporter.isInstalled,
                "scripts/setup.sh --test installs Prometheus and mtail"))
        func prometheusFillsServiceFeatures() async throws {
            try await withTemporaryFolder { folder in
                try await Testbed.borrow { testbed in try await learnFromPrometheus(testbed, folder) }
            }
        }
    }
}

private let namespace = "berth-services"
private let deployment = "nginx-gzip"
private let maximumAge = 20.0

/// mtail beside the testbed, counting what the pods log into a folder of this machine.
private final class LogExporter {
    static let program = "/usr/bin/mtail"
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    /// Where the pods log.
    let logs: String
    let port: Int
    private let process: Process

    init(folder: String) throws {
        logs = "\(folder)/logs"
        port = try TextServer.freePort()
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try """
        histogram http_request_duration_seconds by code buckets 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5
        /^(?P<code>\\d{3}) (?P<seconds>\\d+\\.\\d+)$/ {
          http_request_duration_seconds[$code] = $seconds
        }

        """.write(toFile: "\(folder)/latency.mtail", atomically: true, encoding: .utf8)
        process = try startServer(
            Self.program,
            [
                "--progs", "\(folder)/latency.mtail", "--logs", "\(logs)/*.log", "--address", "127.0.0.1",
                "--port", "\(port)", "--poll_interval", "250ms",
            ])
    }

    deinit { stopServer(process) }
}

/// The shipped example service, whose nginx also logs each request's status and seconds into a folder of the node.
private func loggingService(_ logs: String, in folder: String) throws -> String {
    let shipped = Testbed.repository.appendingPathComponent("configs/live/nginx-gzip.yaml")
    var manifest = try String(contentsOf: shipped, encoding: .utf8)
    // Each pod logs into a file of its own, named by the shell: the image has no other tools.
    for (text, wanted) in [
        ("access_log off;", "log_format latency '$status $request_time';"),
        // A request's time is that of a proxy in front, as an ingress controller logs it: nginx takes a response that it
        // makes without a pause for one that takes no time.
        (
            "server { listen 80; root /www; location = /healthz { return 200; } }",
            """
            server { listen 127.0.0.1:81; root /www; access_log off; }
                  server {
                    listen 80; location = /healthz { access_log off; return 200; }
                    location / { include /run/log.conf; proxy_http_version 1.1; proxy_pass http://127.0.0.1:81; }
                  }
            """
        ),
        (
            "exec /usr/sbin/nginx",
            """
            echo "access_log /logs/$HOSTNAME.log latency;" > /run/log.conf
                exec /usr/sbin/nginx
            """
        ),
        (
            "volumeMounts: [{name: config, mountPath: /config}]",
            "volumeMounts: [{name: config, mountPath: /config}, {name: logs, mountPath: /logs}]"
        ),
        (
            "volumes: [{name: config, configMap: {name: nginx-gzip}}]",
            "volumes: [{name: config, configMap: {name: nginx-gzip}}, {name: logs, hostPath: {path: \(logs)}}]"
        ),
    ] {
        try #require(manifest.contains(text), "\(text)")
        manifest = manifest.replacing(text, with: wanted)
    }
    let file = "\(folder)/nginx-gzip.yaml"
    try manifest.write(toFile: file, atomically: true, encoding: .utf8)
    return file
}

private func learnFromPrometheus(_ testbed: Testbed, _ folder: String) async throws {
    let exporter = try LogExporter(folder: folder)
    let prometheus = try ServiceMetricsServer(
        scraping: [
            .init(port: exporter.port, path: "/metrics", labels: ["namespace": namespace, "service": deployment])
        ])
    let manifest = try loggingService(exporter.logs, in: folder)
    let audit = "\(folder)/audit.jsonl"
    let driver = try LiveEpisodeDriver(testbed, namespace: namespace, auditLog: audit) { settings in
        settings.services[0].manifest = manifest
        settings.serviceMetrics.url = prometheus.url
        settings.serviceMetrics.window = 10
        settings.interval = 10
        settings.usage.maximumAge = maximumAge
    }
    try await driver.begin(seed: 4)
    let extender = try Extender(testbed, folder, services: prometheus.url)
    defer { extender.stop() }
    // A service is under control once its scheduler has asked about a pod of it.
    let pods = try await testbed.placements(of: "app=\(deployment)")
    let pod = try await testbed.kubectl("-n", namespace, "get", "pod", try #require(pods.first).pod, "-o", "json")
    try await extender.prioritize(pod)

    try await driver.advance(most: 6) { $0.services[0].latencyP99 != nil && $0.services[0].arrivalRate != nil }
    for _ in 0..<4 { try await driver.advance() }
    #expect(driver.snapshot.services[0].arrivalRate?.source == .service)
    #expect(try await extender.until("berth_extender_measured_services", is: 1))

    prometheus.stop()
    let stopped = ContinuousClock.now
    #expect(try await extender.until("berth_extender_measured_services", is: 0))
    let seconds = (ContinuousClock.now - stopped) / .seconds(1)
    print(
        "the extender's service features were missing \(seconds.rounded()) s after Prometheus was killed; ",
        terminator: "")
    print("maximumAge \(maximumAge) s")
    #expect(try await extender.metric("berth_extender_services") == 1)
    try await driver.advance(most: 4) { $0.services[0].latencyP99 == nil && $0.services[0].arrivalRate == nil }
    // The load generator goes on all the same: the report is its.
    #expect(try await driver.advance().services[0].arrived > 50)
    try await driver.close()

    let entries = try String(contentsOfFile: audit, encoding: .utf8).split(separator: "\n").map {
        try JSONDecoder().decode(AuditLog.Entry.self, from: Data($0.utf8))
    }
    let comparison = try #require(entries.last { $0.action == "compare" })
    print("Prometheus beside the load generator: \(comparison.detail)")
    #expect(comparison.detail.contains("p99 ") && !comparison.detail.contains("p99 missing"))
    #expect(!comparison.detail.contains("requests missing"))
}

/// `berth serve` on this machine, for the testbed.
private final class Extender {
    private let process: BerthProcess
    private let url: String

    init(_ testbed: Testbed, _ folder: String, services: String) throws {
        let port = try TextServer.freePort()
        url = "http://127.0.0.1:\(port)"
        try """
        port: \(port)
        interval: 10
        kubernetes: {kubeconfig: \(testbed.kubeconfig)}
        telemetry: {interval: 2, maximumAge: \(maximumAge), nodeCgroup: "/testbed-{node}/kubepods"}
        services: {url: "\(services)", preset: histogram, window: 10}

        """.write(toFile: "\(folder)/serve.yaml", atomically: true, encoding: .utf8)
        process = try BerthProcess(["serve", "--config", "\(folder)/serve.yaml", "--log", "warning"])
    }

    func stop() { process.send(SIGKILL) }

    private func curl(_ arguments: String...) async throws -> String {
        let patience = ["--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--max-time", "5"]
        let result = try await BerthProcess.run(
            executable: "/usr/bin/curl",
            ["--silent", "--show-error", "--fail", "--noproxy", "*"] + patience + arguments)
        try #require(result.status == 0, "\(result.errors)")
        return result.output
    }

    func prioritize(_ pod: String) async throws {
        // Once it has listed the pods.
        #expect(try await until("berth_extender_nodes", is: 2))
        let body = #"{"Pod": \#(pod), "Nodes": null, "NodeNames": ["node0", "node1"]}"#
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("body-\(UUID().uuidString).json")
        try body.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let answer = try await curl(
            "-H", "Content-Type: application/json", "-d", "@\(file.path)", "\(url)/prioritize")
        #expect(answer.contains("node0"))
    }

    func metric(_ name: String) async throws -> Double? {
        try await curl("\(url)/metrics").split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
    }

    /// Whether the metric comes to be `value` within a minute.
    func until(_ name: String, is value: Double) async throws -> Bool {
        for _ in 0..<120 {
            if try await metric(name) == value { return true }
            try await Task.sleep(for: .milliseconds(500))
        }
        return false
    }
}
