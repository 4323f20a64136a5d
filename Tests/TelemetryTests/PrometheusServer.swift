import Foundation
import HTTP
import Telemetry
import TestServers

/// A real Prometheus server and a real node-exporter, as Debian packages them, on loopback ports of their own.
final class PrometheusServer {
    let client: PrometheusClient
    let exporter: MetricsEndpoint
    private let processes: [Process]
    private let folder: URL

    static let programs = ["/usr/bin/prometheus", "/usr/bin/prometheus-node-exporter"]
    static var isInstalled: Bool { programs.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) } }

    /// Starts both, which scrape every second.
    /// - Parameter own: the port of an endpoint that is scraped too, as job "own".
    init(scraping own: Int) throws {
        let http = try HTTPClient()
        let serverPort = try TextServer.freePort()
        let exporterPort = try TextServer.freePort()
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("berth-prometheus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let configuration = folder.appendingPathComponent("prometheus.yml")
        try """
        global: {scrape_interval: 1s, scrape_timeout: 1s}
        scrape_configs:
          - {job_name: node, static_configs: [{targets: ["127.0.0.1:\(exporterPort)"]}]}
          - {job_name: own, static_configs: [{targets: ["127.0.0.1:\(own)"]}]}
          - {job_name: nobody, static_configs: [{targets: ["127.0.0.1:1"]}]}

        """.write(to: configuration, atomically: true, encoding: .utf8)
        processes = [
            try Self.start(
                Self.programs[0],
                [
                    "--config.file=\(configuration.path)", "--storage.tsdb.path=\(folder.path)/data",
                    "--web.listen-address=127.0.0.1:\(serverPort)", "--log.level=error",
                ]),
            try Self.start(
                Self.programs[1],
                [
                    "--web.listen-address=127.0.0.1:\(exporterPort)", "--collector.disable-defaults",
                    "--collector.cpu", "--collector.meminfo", "--collector.pressure", "--log.level=error",
                ]),
        ]
        client = PrometheusClient(server: "http://127.0.0.1:\(serverPort)", client: http)
        exporter = MetricsEndpoint(url: "http://127.0.0.1:\(exporterPort)/metrics", client: http)
    }

    deinit {
        for process in processes { process.terminate() }
        for process in processes { process.waitUntilExit() }
        try? FileManager.default.removeItem(at: folder)
    }

    private static func start(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}
