import Foundation
import Kubernetes
import Settings
import Synchronization
import Telemetry
import TestServers
import Testing
import Watching
import Windows

/// Where usage comes from: the kubelets, a Prometheus server, PCM, node-exporter. The real ones are on the testbed
/// (IntegrationTests); here servers say what they say, and stop to.
@Suite final class UsageScraperTests {
    /// What a scraper reported, by node.
    private final class Report: Sendable {
        let outcomes = Mutex<[(node: String, outcome: UsageScraper.Outcome)]>([])

        /// What is known of the node after the scrapes; `nil` where these said nothing of it.
        func usage(of node: String) -> NodeWindow? {
            outcomes.withLock { $0.contains { $0.node == node && $0.outcome.reading != nil } }
                ? window.withLock { $0 } : nil
        }

        let window = Mutex<NodeWindow?>(nil)

        var failures: [String] {
            outcomes.withLock {
                $0.compactMap { if case .failed(let error, true) = $0.outcome { "\(error)" } else { nil } }
            }
        }

        /// How often it was said that a source beside cadvisor can no longer be read.
        func losses(of source: MeasurementSource) -> Int {
            outcomes.withLock { outcomes in
                outcomes.count { entry in
                    guard case .without(let lost, _, let isNew) = entry.outcome else { return false }
                    return lost == source && isNew
                }
            }
        }

        /// What was said to measure a machine that the node shares, each time that it was said.
        var shared: [[MeasurementSource]] {
            outcomes.withLock { outcomes in
                var said: [[MeasurementSource]] = []
                for entry in outcomes {
                    if case .shared(let sources) = entry.outcome { said.append(sources) }
                }
                return said
            }
        }
    }

    private func client(_ server: String) throws -> APIClient {
        let access = try ClusterAccess.discover(kubeconfig: writeKubeconfig(server: server))
        return try APIClient(access: access, timeout: 5)
    }

    /// A kubelet's cadvisor: half a core more with each scrape, 10 s apart by its own clock.
    private static func cadvisor(_ scrape: Int) -> String {
        let time = 1_000_000_000_000 + 10_000 * scrape
        return """
            container_cpu_usage_seconds_total{id="/",cpu="total"} \(5 * scrape) \(time)
            container_memory_working_set_bytes{id="/"} 1024 \(time)

            """
    }

    /// A node-exporter whose one CPU was busy for another 100 s with each scrape.
    private static func nodeExporter(_ scrape: Int) -> String {
        """
        node_cpu_seconds_total{cpu="0",mode="idle"} 5
        node_cpu_seconds_total{cpu="0",mode="user"} \(100 * scrape)
        node_memory_MemAvailable_bytes 1000
        node_memory_MemTotal_bytes 4000

        """
    }

    private static func pcmReply() throws -> String {
        try String(contentsOf: URL(filePath: "Tests/TelemetryTests/Fixtures/pcm-persecond-20.json"), encoding: .utf8)
    }

    /// What the scrapes of this test have said so far, however old.
    private let assembler = Mutex(WindowAssembler(maximumAge: .greatestFiniteMagnitude))

    private func scrape(_ scraper: UsageScraper, times: Int = 1) async -> Report {
        let report = Report()
        for _ in 0..<times {
            await scraper.scrape(["node0"]) { node, outcome in
                report.outcomes.withLock { $0.append((node, outcome)) }
            }
        }
        let readings = report.outcomes.withLock { $0.compactMap(\.outcome.reading) }
        report.window.withLock { window in
            window = assembler.withLock { assembler in
                for reading in readings { assembler.add(reading) }
                return assembler.window(of: "node0", at: Timestamp.now.seconds)
            }
        }
        return report
    }

    @Test func addsWhatPCMMeasures() async throws {
        let scrapes = Mutex(0)
        let hasPCM = Mutex(true)
        let json = try Self.pcmReply()
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
        #expect(usage.cpu?.value == 0.5 && usage.memory?.value == 1024)
        // The fixture's figures: 60e9 instructions in 40e9 cycles.
        #expect(usage.instructionsPerCycle?.value == 1.5)
        #expect(usage.cacheMissRatio != nil && (usage.memoryBandwidth?.value ?? 0) > 1e9)
        // PCM goes away: it is said once, CPU is still measured, and what it measured keeps its time and grows old.
        hasPCM.withLock { $0 = false }
        let later = await scrape(scraper, times: 2)
        #expect(later.losses(of: .pcm) == 1)
        #expect(later.usage(of: "node0")?.cpu?.value == 0.5)
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
        #expect(usage.cpu == Measured(0.5, at: 1_000_000_030, over: 20, by: .cadvisor))
        #expect(usage.memory == nil)
        let query = try #require(server.requests.first?.query["query"])
        #expect(query.contains(#"node="node0""#) && query.hasSuffix("[60s]"), "\(query)")
        // An empty result is no measurement.
        let later = await scrape(scraper)
        #expect(later.usage(of: "node0") == nil)
        #expect(later.failures.count == 1 && later.failures[0].contains("no series of cadvisor"), "\(later.failures)")
    }

    @Test func nodeExporterStandsInForAKubelet() async throws {
        let scrapes = Mutex(0)
        let server = try TextServer { request in
            guard request.path == "/node0/metrics" else { return .init(status: 503, body: "") }
            let number = scrapes.withLock { count in
                count += 1
                return count
            }
            return .init(type: "text/plain", body: Self.nodeExporter(number))
        }
        var settings = UsageSettings()
        settings.nodeExporter.url = "\(server.url)/{node}/metrics"
        let scraper = try UsageScraper(client: try client(server.url), settings: settings, timeout: 5)
        let before = await scrape(scraper)
        #expect(before.failures.count == 1)
        let first = try #require(before.usage(of: "node0"))
        // A counter that was read once says nothing yet.
        #expect(first.cpu == nil)
        #expect(first.memory?.value == 3000)
        let after = await scrape(scraper)
        let second = try #require(after.usage(of: "node0"))
        let begin = try #require(first.memory?.time)
        let end = try #require(second.memory?.time)
        let cpu = try #require(second.cpu)
        #expect(cpu.time == end)
        #expect(abs(cpu.value * (end - begin) - 100) < 1e-6)
        // What it cannot measure stays missing, and that cadvisor is gone was said before.
        #expect(second.memoryBandwidth == nil && second.instructionsPerCycle == nil)
        #expect(after.failures.isEmpty && after.losses(of: .nodeExporter) == 0)
        #expect(server.requests.count == 4)
        // Nothing is said of pods.
        let pods = after.outcomes.withLock { $0.last?.outcome.pods }
        #expect(pods?.isEmpty == true)
    }

    @Test func nodeExporterIsAskedOnlyWhereCadvisorIsSilent() async throws {
        /// What a kubelet says of its node.
        enum Kubelet { case all, nothing, otherCgroups }
        let kubelet = Mutex(Kubelet.all)
        let server = try TextServer { request in
            if request.path == "/node0/metrics" { return .init(type: "text/plain", body: Self.nodeExporter(1)) }
            let state = kubelet.withLock { $0 }
            guard state != .nothing else { return .init(status: 503, body: "") }
            let cgroup = state == .all ? "/" : "/elsewhere"
            let text = """
                container_cpu_usage_seconds_total{id="\(cgroup)",cpu="total"} 5
                container_memory_working_set_bytes{id="\(cgroup)"} 1024

                """
            return .init(type: "text/plain", body: text)
        }
        func timesAsked() -> Int { server.requests.count { $0.path == "/node0/metrics" } }
        var settings = UsageSettings()
        settings.nodeExporter.url = "\(server.url)/{node}/metrics"
        let scraper = try UsageScraper(client: try client(server.url), settings: settings, timeout: 5)
        #expect(await scrape(scraper, times: 2).usage(of: "node0")?.memory?.value == 1024)
        #expect(timesAsked() == 0)
        // The first source with a value that is not too old wins: cadvisor's stands for a while.
        kubelet.withLock { $0 = .nothing }
        #expect(await scrape(scraper).usage(of: "node0")?.memory?.value == 1024)
        #expect(timesAsked() == 1)
        // A kubelet that answers, but not of the node.
        kubelet.withLock { $0 = .otherCgroups }
        let report = await scrape(scraper)
        #expect(report.usage(of: "node0")?.memory?.value == 3000)
        #expect(report.failures.isEmpty && timesAsked() == 2)
    }

    @Test func aPageWithoutTheNodesFiguresIsSaidOnce() async throws {
        let server = try TextServer { request in
            request.path == "/node0/metrics"
                ? .init(type: "text/plain", body: "up 1\n") : .init(status: 503, body: "")
        }
        var settings = UsageSettings()
        settings.nodeExporter.url = "\(server.url)/{node}/metrics"
        let scraper = try UsageScraper(client: try client(server.url), settings: settings, timeout: 5)
        let report = await scrape(scraper, times: 2)
        #expect(report.losses(of: .nodeExporter) == 1)
        #expect(report.usage(of: "node0") == nil)
        #expect(server.requests.count == 4)
    }

    /// PCM and node-exporter count the whole machine: of nodes that share one they are not even asked.
    @Test(arguments: [(true, "/"), (false, "/testbed-{node}")])
    func nothingOfASharedMachineIsANodes(_ isShared: Bool, _ cgroup: String) async throws {
        let json = try Self.pcmReply()
        let own = cgroup.replacing("{node}", with: "node0")
        let server = try TextServer { request in
            if request.path.hasPrefix("/pcm") { return .init(type: "application/json", body: json) }
            if request.path.hasPrefix("/exporter") { return .init(type: "text/plain", body: Self.nodeExporter(1)) }
            // Its memory is not reported: nothing may stand in for it.
            return .init(
                type: "text/plain", body: "container_cpu_usage_seconds_total{id=\"\(own)\",cpu=\"total\"} 5\n")
        }
        var settings = UsageSettings()
        settings.shared = isShared
        settings.nodeCgroup = cgroup
        settings.pcm.url = "\(server.url)/pcm/{node}"
        settings.nodeExporter.url = "\(server.url)/exporter/{node}"
        let scraper = try UsageScraper(client: try client(server.url), settings: settings, timeout: 5)
        let report = await scrape(scraper, times: 3)
        let usage = try #require(report.usage(of: "node0"))
        #expect(usage.cpu?.value == 0 && usage.memory == nil)
        #expect(usage.memoryBandwidth == nil && usage.cacheMissRatio == nil && usage.instructionsPerCycle == nil)
        #expect(server.requests.allSatisfy { $0.path.hasSuffix("/metrics/cadvisor") }, "\(server.requests.map(\.path))")
        #expect(report.shared == [[.pcm, .nodeExporter]])
    }

    @Test(arguments: ["{node}:9100/metrics", "http://10.0.0.1:9100/metrics"])
    func refusesPagesThatAreNotTheNodes(_ url: String) {
        var settings = NodeExporterSettings()
        settings.url = url
        #expect(throws: SettingsError.self) { try settings.validate() }
    }
}
