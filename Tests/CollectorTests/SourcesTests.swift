import Windows
import Collector
import Foundation
import HTTP
import Hummingbird
import HummingbirdTesting
import Kubernetes
import NIOCore
import Telemetry
import Testing

/// The sources against servers of their kind, over real connections.
@Suite struct SourcesTests {
    /// A server with these replies by path; anything else is 404.
    private func withServer<Value: Sendable>(
        _ replies: [String: (type: String, body: String)], _ work: @Sendable (String) async throws -> Value
    ) async throws -> Value {
        let router = Router()
        for (path, reply) in replies {
            router.get("\(path)") { _, _ in
                Response(
                    status: .ok, headers: [.contentType: reply.type],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: reply.body)))
            }
        }
        return try await Application(router: router).test(.live) { client in
            try await work("http://127.0.0.1:\(client.port ?? 0)")
        }
    }

    @Test func cadvisorComesThroughTheAPIServer() async throws {
        let cadvisor = """
            container_cpu_usage_seconds_total{cpu="total",id="/"} 900 1700000000000
            container_cpu_usage_seconds_total{cpu="total",id="/testbed-a"} 100 1700000000000
            container_memory_working_set_bytes{id="/testbed-a"} 5e+07 1700000000000

            """
        try await withServer([
            "/api/v1/nodes/a": ("application/json", "{}"),
            "/api/v1/nodes/a/proxy/metrics/cadvisor": ("text/plain; version=0.0.4", cadvisor),
            "/readyz": ("text/plain", "ok"),
        ]) { url async throws in
            let source = CadvisorSource(client: try APIClient(access: ClusterAccess(server: url)), timeout: 5)
            #expect(try await source.measures("a"))
            #expect(try await source.measures("b") == false)
            try await source.check()
            let scope = NodeScope(cgroup: "/testbed-a", isShared: true)
            let readings = try await source.read("a", scope, .start, at: 5)
            guard case .cadvisor(let scrape) = readings.first, readings.count == 1 else {
                Issue.record("\(readings)")
                return
            }
            #expect(scrape.cpuSeconds == Reading(value: 100, time: 1_700_000_000))
            #expect(scrape.workingSetBytes?.value == 5e7)
        }
        let gone = CadvisorSource(
            client: try APIClient(access: ClusterAccess(server: "http://127.0.0.1:1")), timeout: 1)
        await #expect(throws: APIError.self) { try await gone.measures("a") }
        await #expect(throws: APIError.self) { try await gone.check() }
    }

    private func matrix(_ series: String...) -> (type: String, body: String) {
        (
            "application/json",
            #"{"status":"success","data":{"resultType":"matrix","result":[\#(series.joined(separator: ","))]}}"#
        )
    }

    private func series(_ name: String, _ labels: String, _ samples: String) -> String {
        #"{"metric":{"__name__":"\#(name)","instance":"10.0.0.1:9100",\#(labels)},"values":[\#(samples)]}"#
    }

    /// Two scrapes that Prometheus made 20 s apart become the window, with the scrapes' own times.
    @Test func prometheusHandsOnWhatItScraped() async throws {
        let reply = matrix(
            series("node_cpu_seconds_total", #""cpu":"0","mode":"user""#, #"[1700000000,"10"],[1700000020,"20"]"#),
            series("node_cpu_seconds_total", #""cpu":"0","mode":"idle""#, #"[1700000000,"99"],[1700000020,"109"]"#),
            series(
                "Instructions_Retired_Any", #""socket":"0","aggregate":"socket","source":"core""#,
                #"[1700000005,"1"],[1700000025,"31"]"#),
            series(
                "Clock_Unhalted_Thread", #""socket":"0","aggregate":"socket","source":"core""#,
                #"[1700000005,"2"],[1700000025,"22"]"#))
        try await withServer(["/api/v1/query": reply]) { url async throws in
            let source = PrometheusSource(
                client: PrometheusClient(server: url, client: try HTTPClient()), selector: #"node="{node}""#, range: 60)
            #expect(try await source.read("a", NodeScope(), .start, at: 0).isEmpty)
            var assembler = WindowAssembler()
            // The server gives both queries the same reply: each reads its own metrics.
            for reading in try await source.read("a", NodeScope(), .end, at: 0) {
                if case .machine(let machine) = reading, machine.busySeconds.isEmpty { continue }
                assembler.add(reading)
            }
            let window = assembler.window(of: "a", at: 1_700_000_030)
            #expect(window.cpu?.value == 0.5)
            #expect(window.cpu?.source == .nodeExporter)
            #expect(window.cpu?.age(at: window.end) == 10)
            #expect(window.instructionsPerCycle?.value == 1.5)
            #expect(window.instructionsPerCycle?.time == 1_700_000_025)
        }
    }

    @Test func aSelectorThatMatchesTwoExportersIsAnError() async throws {
        let reply = matrix(
            series("node_memory_MemTotal_bytes", #""x":"1""#, #"[1,"10"]"#),
            #"{"metric":{"__name__":"node_memory_MemTotal_bytes","instance":"other:9100"},"values":[[1,"10"]]}"#)
        try await withServer(["/api/v1/query": reply]) { url async throws in
            let source = PrometheusSource(
                client: PrometheusClient(server: url, client: try HTTPClient()), selector: #"job="node""#, range: 60)
            await #expect(throws: CollectorError.self) { try await source.read("a", NodeScope(), .end, at: 0) }
        }
    }

    @Test func pcmIsAskedAtTheEndAndNeverOnASharedMachine() async throws {
        let body = """
            {"Interval us":20000000,"Sockets":[{"Socket ID":0,"Core Aggregate":{"Core Counters":
            {"Instructions Retired Any":30,"Clock Unhalted Thread":20}}}]}
            """
        try await withServer(["/persecond/20": ("application/json", body), "/persecond/1": ("application/json", body)])
        {
            url async throws in
            let source = PCMSource(node: "a", endpoint: PCMEndpoint(server: url, client: try HTTPClient()), seconds: 20)
            #expect(source.measures("a"))
            #expect(!source.measures("b"))
            try await source.check()
            #expect(try await source.read("a", NodeScope(), .start, at: 5).isEmpty)
            #expect(try await source.read("a", NodeScope(cgroup: "/a", isShared: true), .end, at: 5).isEmpty)
            let readings = try await source.read("a", NodeScope(), .end, at: 5)
            guard case .pcm(let figures) = readings.first else {
                Issue.record("\(readings)")
                return
            }
            #expect(figures.instructionsPerCycle == 1.5)
            #expect(figures.time == 5)
        }
    }

    /// `pcm -csv` writes on: the last whole row counts, however long the file has grown, unless it is of another time.
    @Test func theLastRowOfPCMsFileIsRead() async throws {
        let now = 1_795_500_000.0
        func row(_ secondsAgo: Double, ipc: Double) -> String {
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.dateFormat = "yyyy-MM-dd,HH:mm:ss.SSS"
            // In the machine's time zone, as pcm writes it.
            return "\(format.string(from: Date(timeIntervalSince1970: now - secondsAgo))),0.75,\(ipc),150,50,\n"
        }
        let header = "System,System,System,System,System,System\nDate,Time,EXEC,IPC,READ,WRITE,\n"
        let file = FileManager.default.temporaryDirectory.appending(path: "pcm-\(UUID().uuidString).csv").path
        func write(_ rows: String) throws { try Data((header + rows).utf8).write(to: URL(filePath: file)) }
        let source = PCMFileSource(node: "a", path: file, seconds: 20)
        #expect(throws: CollectorError.self) { try source.read("a", NodeScope(), .end, at: now) }

        for past in [1, 10_000] {
            let old = (1...past).reversed().map { row(3 + 20 * Double($0), ipc: 1) }.joined()
            try write(old + row(3, ipc: 1.25) + "2026-11-25,00:0")
            try source.check()
            guard case .pcm(let figures) = try source.read("a", NodeScope(), .end, at: now).first else {
                Issue.record("no row was read behind \(past)")
                return
            }
            #expect(figures.instructionsPerCycle == 1.25 && abs(figures.time - (now - 3)) < 0.01)
            #expect(figures.memoryBandwidth == 1e10)
        }
        #expect(try source.read("a", NodeScope(), .start, at: now).isEmpty)
        #expect(try source.read("a", NodeScope(cgroup: "/a", isShared: true), .end, at: now).isEmpty)
        // pcm has stopped: nothing is measured any more.
        #expect(try source.read("a", NodeScope(), .end, at: now + 60).isEmpty)
    }

    /// The machine that this runs on, by its own clock, over five seconds: on a busy one a first reading that comes a
    /// second late is still the first.
    @Test func measuresThisMachine() async throws {
        var settings = CollectorSettings()
        settings.length = 5
        settings.local.node = "here"
        settings.local.pcm = ""
        let collector = WindowCollector(settings: settings, sources: try CollectorServer.sources(settings))
        guard case .begun(let begun) = await collector.collect("here") else {
            Issue.record("no window was begun")
            return
        }
        #expect(try await eventually { await collector.latest("here") != nil })
        let window = try #require(await collector.latest("here"))
        #expect(window.id == begun.id)
        #expect(window.errors.isEmpty)
        let cpu = try #require(window.result?.cpu)
        #expect(cpu.source == .proc)
        #expect(cpu.seconds > 0)
        // Twice what it has: a delay between the clock's reading and the kernel's shows in so short a window.
        #expect(cpu.value >= 0 && cpu.value <= Double(ProcessInfo.processInfo.processorCount) * 2)
        #expect((window.result?.memory?.value ?? 0) > 0)
        #expect(window.result?.memoryBandwidth == nil)
    }
}
