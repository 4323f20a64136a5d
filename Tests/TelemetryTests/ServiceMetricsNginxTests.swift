import Windows
import Foundation
import HTTP
import Telemetry
import TestServers
import Testing

/// The reader against Prometheus, which scrapes mtail, which follows the access log of a real nginx, which serves a
/// page of ours that takes its time.
@Suite struct ServiceMetricsNginxTests {
    private static let programs = [PrometheusServer.programs[0], "/usr/sbin/nginx", "/usr/bin/mtail"]
    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    private static let isInstalled = programs.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    private static let warmup = 100
    // No quantile's rank is a whole number, so none lies between two buckets.
    private static let requests = 399

    /// An nginx in front of a server, and the mtail that counts what it logs.
    private final class Proxy {
        let port: Int
        let metricsPort: Int
        private let folder: URL
        private let processes: [Process]

        init(to upstream: Int) throws {
            port = try TextServer.freePort()
            metricsPort = try TextServer.freePort()
            let folder = FileManager.default.temporaryDirectory.appending(path: "berth-nginx-\(UUID().uuidString)")
            self.folder = folder
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data().write(to: folder.appending(path: "access.log"))
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map { "\($0)_temp_path \(folder.path)/\($0);" }.joined(separator: " ")
            try """
            daemon off;
            master_process off;
            pid \(folder.path)/nginx.pid;
            error_log \(folder.path)/error.log;
            events {}
            http {
              \(temporary)
              log_format latency '$status $request_time';
              access_log \(folder.path)/access.log latency;
              server {
                listen 127.0.0.1:\(port);
                location / { proxy_pass http://127.0.0.1:\(upstream); }
              }
            }

            """.write(to: folder.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
            try """
            histogram http_request_duration_seconds by code buckets \(bounds.map { "\($0)" }.joined(separator: ", "))
            /^(?P<code>\\d{3}) (?P<seconds>\\d+\\.\\d+)$/ {
              http_request_duration_seconds[$code] = $seconds
            }

            """.write(to: folder.appending(path: "latency.mtail"), atomically: true, encoding: .utf8)
            processes = [
                try startServer(
                    programs[1],
                    [
                        "-p", folder.path, "-c", "\(folder.path)/nginx.conf", "-e", "\(folder.path)/error.log",
                    ]),
                try startServer(
                    programs[2],
                    [
                        "--progs", "\(folder.path)/latency.mtail", "--logs", "\(folder.path)/access.log",
                        "--address", "127.0.0.1", "--port", "\(metricsPort)",
                    ]),
            ]
        }

        deinit {
            processes.forEach(stopServer)
            try? FileManager.default.removeItem(at: folder)
        }

        /// Waits until mtail has read a line of the log: it begins at the log's end, so what nginx logs before mtail
        /// has opened the log is never counted.
        func waitForTail(_ http: HTTPClient) async throws {
            let log = try FileHandle(forWritingTo: folder.appending(path: "access.log"))
            defer { try? log.close() }
            let metrics = HTTPRequest(url: "http://127.0.0.1:\(metricsPort)/metrics", timeout: 5)
            let reads = try await eventually { () -> Bool? in
                try log.seekToEnd()
                try log.write(contentsOf: Data("-\n".utf8))
                let page = (try? await http.send(metrics, maximumBytes: 1_000_000))?.body ?? []
                return String(decoding: page, as: UTF8.self).contains("mtail_log_lines_total{") ? true : nil
            }
            try #require(reads == true, "mtail")
        }

        /// Status and seconds of each request so far.
        func log() throws -> [(status: Int, seconds: Double)] {
            try String(contentsOf: folder.appending(path: "access.log"), encoding: .utf8).split(separator: "\n")
                .filter { $0 != "-" }
                .map {
                    let words = $0.split(separator: " ")
                    return (try #require(Int(words[0])), try #require(Double(words[1])))
                }
        }
    }

    @Test(
        .enabled(if: isInstalled, "scripts/setup.sh --test installs Prometheus, nginx and mtail"),
        .timeLimit(.minutes(3)))
    func agreesWithTheAccessLog() async throws {
        // Of 25 requests 15 take 20 ms, 9 take 60 ms and one 180 ms, and every eighth of all fails.
        let upstream = try TextServer { request in
            let number = Int(request.path.dropFirst()) ?? 0
            usleep(number % 25 < 15 ? 20_000 : number % 25 < 24 ? 60_000 : 180_000)
            return .init(status: number % 8 == 0 ? 500 : 200, body: "hello")
        }
        let proxy = try Proxy(to: upstream.port)
        let server = try ServiceMetricsServer(
            scraping: [
                .init(port: proxy.metricsPort, path: "/metrics", labels: ["namespace": "shop", "service": "nginx"])
            ])
        let client = server.client
        let http = try HTTPClient()
        let url = "http://127.0.0.1:\(proxy.port)"
        let request = HTTPRequest(url: "\(url)/1", timeout: 5)
        try await proxy.waitForTail(http)
        _ = try #require(await eventually { try? await http.send(request, maximumBytes: 1_000) }, "nginx")

        // Whatever nginx has logged: on a busy machine the first request may need more than one attempt.
        func allCounted(_ least: Int) async throws -> Double {
            try #require(
                await eventually { () -> Double? in
                    guard let count = try? proxy.log().count, count >= least else { return nil }
                    let query = "sum(http_request_duration_seconds_count) == \(count)"
                    return try? await client.query(query).singleValue?.time
                }, "\(least) requests")
        }
        _ = try await Self.load(http, url, Self.warmup)
        let start = try await allCounted(1 + Self.warmup)
        // The window begins within a second from here: a sample of the count before the load has to lie in it.
        _ = try #require(
            await eventually {
                let query = "min(timestamp(http_request_duration_seconds_count)) > \(start + 1)"
                return try? await client.query(query).singleValue
            })
        let seen = try await Self.load(http, url, Self.requests)
        let end = try await allCounted(1 + Self.warmup + Self.requests)

        var settings = ServiceMetricsSettings()
        settings.window = Int(end - start)
        let reader = ServiceMetricsReader(settings, client: client)
        let reading = try #require(
            try await reader.read([ServiceName(namespace: "shop", name: "nginx")], at: end).readings.first)
        let log = try proxy.log().suffix(Self.requests)
        #expect(log.count == Self.requests)
        let failures = log.count { $0.status == 500 }
        #expect(failures == 49)
        #expect(abs((reading.errorShare ?? .nan) - Double(failures) / Double(log.count)) < 0.01)
        let rate = Double(Self.requests) / Double(settings.window)
        #expect(abs((reading.requestRate ?? 0) / rate - 1) < 0.35, "\(reading) instead of \(rate)")
        let logged = log.map(\.seconds).sorted()
        for (share, found) in [(0.5, reading.p50), (0.95, reading.p95), (0.99, reading.p99)] {
            let index = Int((share * Double(Self.requests)).rounded(.up)) - 1
            let bucket = try #require(found?.bucket)
            #expect(bucket.contains(logged[index]), "\(share): \(reading)")
            // The client has waited at least as long as nginx has worked, but for nginx's rounding to milliseconds.
            #expect(seen[index] >= logged[index] - 2e-3)
            let error = ((found?.seconds ?? 0) / logged[index] - 1) * 100
            print(
                "figures of nginx: quantile \(share) \(found?.description ?? ""), in the access log \(logged[index]) s,"
                    + " at the client \(seen[index]) s, error \(error.rounded()) %")
        }
    }

    /// Sends requests over four connections at a time.
    /// - Returns: the latencies that the client saw, in seconds, ascending.
    private static func load(_ http: HTTPClient, _ url: String, _ count: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for connection in 0..<4 {
                group.addTask {
                    var latencies: [Double] = []
                    for number in stride(from: connection, to: count, by: 4) {
                        let clock = ContinuousClock()
                        let request = HTTPRequest(url: "\(url)/\(number + 1)", timeout: 30)
                        let time = try await clock.measure { _ = try await http.send(request, maximumBytes: 1_000) }
                        latencies.append(time / .seconds(1))
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }.sorted()
        }
    }
}
