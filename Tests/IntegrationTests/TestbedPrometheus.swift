import Foundation
import TestServers

/// A real Prometheus server on a loopback port, scraping the cadvisor of the testbed's kubelets through the API server.
final class TestbedPrometheus {
    /// Its address.
    let url: String
    private let process = Process()

    /// Starts it, with its data in `folder`.
    init(folder: String) throws {
        let port = try TextServer.freePort()
        url = "http://127.0.0.1:\(port)"
        let home =
            ProcessInfo.processInfo.environment["BERTH_TESTBED_HOME"]
            ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache/berth-testbed").path
        let keys = "\(home)/run/pki"
        let jobs = ["node0", "node1"].map { node in
            """
              - job_name: \(node)
                scheme: https
                metrics_path: /api/v1/nodes/\(node)/proxy/metrics/cadvisor
                tls_config: {ca_file: \(keys)/ca.crt, cert_file: \(keys)/admin.crt, key_file: \(keys)/admin.key}
                static_configs: [{targets: ["10.244.255.1:16443"], labels: {node: \(node)}}]
            """
        }
        let configuration = "\(folder)/prometheus.yml"
        try """
        global: {scrape_interval: 2s, scrape_timeout: 2s}
        scrape_configs:
        \(jobs.joined(separator: "\n"))

        """.write(toFile: configuration, atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: "/usr/bin/prometheus")
        process.arguments = [
            "--config.file=\(configuration)", "--storage.tsdb.path=\(folder)/prometheus",
            "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
        ]
        process.environment = ProcessInfo.processInfo.environment.merging(["NO_PROXY": "*", "no_proxy": "*"]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { stop() }

    /// Ends it.
    func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
