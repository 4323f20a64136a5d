public import Foundation
import Glibc
import HTTP
public import Telemetry

/// A real Prometheus server that scrapes pages on loopback each second, native histograms too.
public final class ServiceMetricsServer {
    /// A page that is scraped.
    public struct Target {
        var port: Int
        var path: String
        var labels: [String: String]

        /// A page on loopback, and the labels that the server adds to its series.
        public init(port: Int, path: String, labels: [String: String]) {
            (self.port, self.path, self.labels) = (port, path, labels)
        }
    }

    /// Its address without a slash at its end.
    public let url: String
    /// Asks it.
    public let client: PrometheusClient
    private let process: Process
    private let folder: URL

    private static let program = "/usr/bin/prometheus"

    /// Whether there is one to start.
    public static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    /// Starts it.
    public init(scraping targets: [Target]) throws {
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
            Self.program,
            [
                "--config.file=\(configuration.path)", "--storage.tsdb.path=\(folder.path)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
                "--enable-feature=native-histograms",
            ])
        url = "http://127.0.0.1:\(port)"
        client = PrometheusClient(server: url, client: try HTTPClient())
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Ends the server.
    public func stop() { stopServer(process) }
}

/// Starts a server whose output nobody reads.
public func startServer(_ program: String, _ arguments: [String]) throws -> Process {
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
public func stopServer(_ process: Process) {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
}
