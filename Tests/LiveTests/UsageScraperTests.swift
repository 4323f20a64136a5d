import Foundation
import Kubernetes
import Live
import Synchronization
import Telemetry
import TestServers
import Testing

/// Where usage comes from: the kubelets, a Prometheus server, PCM. The real ones are on the testbed
/// (IntegrationTests); here servers say what they say, and stop to.
@Suite struct UsageScraperTests {
    /// What a scraper reported, by node.
    private final class Report: Sendable {
        let outcomes = Mutex<[(node: String, outcome: UsageScraper.Outcome)]>([])

        func usage(of node: String) -> ResourceUsage? {
            outcomes.withLock { outcomes in
                for (name, outcome) in outcomes.reversed() where name == node {
                    if case .measured(let usage, _, _) = outcome { return usage }
                }
                return nil
            }
        }

        var failures: [String] {
            outcomes.withLock {
                $0.compactMap { if case .failed(let error, true) = $0.outcome { "\(error)" } else { nil } }
            }
        }

        var countersFailures: Int {
            outcomes.withLock { $0.count { if case .withoutCounters(_, true) = $0.outcome { true } else { false } } }
        }
    }

    private func client(_ server: String) throws -> APIClient {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("kubeconfig-\(UUID().uuidString)")
        try """
        apiVersion: v1
        kind: Config
        current-context: c
        contexts: [{name: c, context: {cluster: k, user: u}}]
        clusters: [{name: k, cluster: {server: "\(server)"}}]
        users: [{name: u, user: {token: t}}]
        """.write(to: file, atomically: true, encoding: .utf8)
        return try APIClient(access: try ClusterAccess.discover(kubeconfig: file.path), timeout: 5)
    }

    /// A kubelet's cadvisor: half a core more with each scrape, 10 s apart by its own clock.
    private static func cadvisor(_ scrape: Int) -> String {
        let time = 1_000_000_000_000 + 10_000 * scrape
        return """
            container_cpu_usage_seconds_total{id="/",cpu="total"} \(5 * scrape) \(time)
            container_memory_working_set_bytes{id="/"} 1024 \(time)

            """
    }

    private func scrape(_ scraper: UsageScraper, times: Int = 1) async -> Report {
        let report = Report()
        for _ in 0..<times {
            await scraper.scrape(["node0"]) { node, outcome in
                report.outcomes.withLock { $0.append((node, outcome)) }
            }
        }
        return report
    }

    @Test func addsWhatPCMMeasures() async throws {
        let scrapes = Mutex(0)
        let hasPCM = Mutex(true)
        let json = try String(
            contentsOf: URL(filePath: "Tests/TelemetryTests/Fixtures/pcm-persecond-20.json"), encoding: .utf8)
        let server = try TextServer { request in
            if request.path == "/pcm/node0/persecond/20" {
                return hasPCM.withLock { $0 }
                    ? .init(type: "application/json", body: json) : .init(status: 503, body: "")
            }
            let number = scrapes.withLock { count in
                count += 1
                return count
            }
            return .init(type: "text/plain", body: Self.cadvisor(number))
        }
        var settings = UsageSettings()
        settings.pcm.url = "\(server.url)/pcm/{node}"
        let scraper = try UsageScraper(client: try client(server.url), settings: settings, timeout: 5)
        let usage = try #require(await scrape(scraper, times: 2).usage(of: "node0"))
        #expect(usage.cpuCores?.value == 0.5 && usage.memoryBytes?.value == 1024)
        // The fixture's figures: 60e9 instructions in 40e9 cycles.
        #expect(usage.instructionsPerCycle?.value == 1.5)
        #expect(usage.cacheMissRatio != nil && (usage.memoryBandwidth?.value ?? 0) > 1e9)
        // PCM goes away: it is said once, CPU is still measured, and what it measured keeps its time and grows old.
        hasPCM.withLock { $0 = false }
        let later = await scrape(scraper, times: 2)
        #expect(later.countersFailures == 1)
        #expect(later.usage(of: "node0")?.cpuCores?.value == 0.5)
        #expect(later.usage(of: "node0")?.instructionsPerCycle == usage.instructionsPerCycle)
    }

    @Test func asksPrometheusForCadvisorsSamples() async throws {
        let scrapes = Mutex(0)
        let server = try TextServer { request in
            guard request.path == "/prometheus/api/v1/query" else { return .init(status: 404, body: "") }
            let number = scrapes.withLock { count in
                count += 1
                return count
            }
            let series =
                number > 3
                ? ""
                : """
                {"metric":{"__name__":"container_cpu_usage_seconds_total","id":"/","cpu":"total"},
                 "values":[[\(1_000_000_000 + 10 * number - 5),"1"],[\(1_000_000_000 + 10 * number),"\(5 * number)"]]}
                """
            return .init(
                type: "application/json",
                body: #"{"status":"success","data":{"resultType":"matrix","result":[\#(series)]}}"#)
        }
        var settings = UsageSettings()
        settings.prometheus.url = "\(server.url)/prometheus"
        let scraper = try UsageScraper(client: try client("http://127.0.0.1:1"), settings: settings, timeout: 5)
        let usage = try #require(await scrape(scraper, times: 3).usage(of: "node0"))
        // The latest samples of two queries, by their own times.
        #expect(usage.cpuCores == Telemetry.Measurement(value: 0.5, time: 1_000_000_030))
        #expect(usage.memoryBytes == nil)
        let query = try #require(server.requests.first?.query["query"])
        #expect(query.contains(#"node="node0""#) && query.hasSuffix("[60s]"), "\(query)")
        // An empty result is no measurement.
        let later = await scrape(scraper)
        #expect(later.usage(of: "node0") == nil)
        #expect(later.failures.count == 1 && later.failures[0].contains("no series of cadvisor"), "\(later.failures)")
    }
}
