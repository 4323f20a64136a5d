import Foundation
import Glibc
import HTTP
import Telemetry
import TestServers

/// A real Prometheus server that scrapes pages on loopback each second, native histograms too.
final class ServiceMetricsServer {
    /// A page that is scraped.
    struct Target {
        var port: Int
        var path: String
        /// The labels that the server adds to its series.
        var labels: [String: String]
    }

    let client: PrometheusClient
    private let process: Process
    private let folder: URL

    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: PrometheusServer.programs[0]) }

    init(scraping targets: [Target]) throws {
        let port = try TextServer.freePort()
        folder = FileManager.default.temporaryDirectory.appending(path: "berth-services-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let jobs = targets.enumerated().map { index, target in
            let labels = target.labels.map { "\($0.key): \($0.value)" }.sorted().joined(separator: ", ")
            return """
                  - job_name: job\(index)
                    metrics_path: \(target.path)
                    static_configs: [{targets: ["127.0.0.1:\(target.port)"], labels: {\(labels)}}]
                """
        }
        let configuration = folder.appending(path: "prometheus.yml")
        try """
        global: {scrape_interval: 1s, scrape_timeout: 1s}
        scrape_configs:
        \(jobs.joined(separator: "\n"))

        """.write(to: configuration, atomically: true, encoding: .utf8)
        process = try startServer(
            PrometheusServer.programs[0],
            [
                "--config.file=\(configuration.path)", "--storage.tsdb.path=\(folder.path)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
                "--enable-feature=native-histograms",
            ])
        client = PrometheusClient(server: "http://127.0.0.1:\(port)", client: try HTTPClient())
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Ends the server.
    func stop() { stopServer(process) }
}

/// Starts a server whose output nobody reads.
func startServer(_ program: String, _ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
}

/// Ends a server and waits for its end. It has nothing to save, and may have inherited a thread's mask in which SIGTERM
/// is blocked.
func stopServer(_ process: Process) {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
}
