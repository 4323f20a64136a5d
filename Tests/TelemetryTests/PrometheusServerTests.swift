import Windows
import Foundation
import Telemetry
import TestServers
import Testing

/// The client against Prometheus itself, which scrapes a real node-exporter and an endpoint of ours.
@Suite struct PrometheusServerTests {
    private static let own = """
        # TYPE own_answer gauge
        own_answer{kind="ultimate"} 42
        own_nan NaN
        own_infinite -Inf
        own_left{side="a"} 1
        own_left{side="b"} 2
        own_right{side="a"} 3
        own_right{side="b"} 4

        """

    @Test(
        .enabled(if: PrometheusServer.isInstalled, "scripts/setup.sh --test installs Prometheus and node-exporter"),
        .timeLimit(.minutes(3)))
    func agreesWithPrometheus() async throws {
        let endpoint = try TextServer { _ in .init(type: "text/plain; version=0.0.4", body: Self.own) }
        let server = try PrometheusServer(scraping: endpoint.port)
        let client = server.client
        let time = try #require(
            await eventually {
                let reply = try? await client.query("min(count_over_time(up{job=~\"node|own\"}[1m])) > 4")
                return reply?.singleValue?.time
            }, "Prometheus has not scraped within a minute")
        #expect(await client.isReady())
        try await readsValues(client)
        try await readsRanges(client, until: time)
        try await reportsErrors(client)
        try await givesTheMachinesWindow(client)
        try await exporterAgreesWithProc(server.exporter)
    }

    private func readsValues(_ client: PrometheusClient) async throws {
        let answer = try await client.query("own_answer")
        guard case .vector(let elements) = answer.result, elements.count == 1 else {
            Issue.record("\(answer)")
            return
        }
        #expect(elements[0].sample.value == 42)
        #expect(elements[0].labels["kind"] == "ultimate")
        #expect(elements[0].labels["job"] == "own")
        #expect(answer.mayBePartial == false)
        #expect(try await client.query("own_nan").singleValue?.value.isNaN == true)
        #expect(try await client.query("own_infinite").singleValue?.value == -.infinity)
        #expect(
            try await client.query("1 / 0", at: 1_000.25).result
                == .scalar(Reading(value: .infinity, time: 1_000.25)))
        #expect(try await client.query("\"text\"", at: 5).result == .string("text", time: 5))
        #expect(try await client.query("own_absent").result == .vector([]))
        #expect(try await client.query("up{job=\"nobody\"}").singleValue?.value == 0)
        let long = "own_answer or own_answer{kind=~\"\(String(repeating: "é|", count: 2_000))\"}"
        #expect(try await client.query(long).singleValue?.value == 42)
    }

    private func readsRanges(_ client: PrometheusClient, until time: Double) async throws {
        let reply = try await client.queryRange("vector(time())", from: time - 3, to: time, step: 1.5)
        guard case .matrix(let series) = reply.result, series.count == 1 else {
            Issue.record("\(reply)")
            return
        }
        #expect(series[0].samples.count == 3)
        for (sample, moment) in zip(series[0].samples, [time - 3, time - 1.5, time]) {
            #expect(abs(sample.time - moment) < 1e-3)
            #expect(abs(sample.value - moment) < 1e-3)
        }
    }

    private func reportsErrors(_ client: PrometheusClient) async throws {
        func error(_ query: String) async throws -> PrometheusError? {
            do {
                Issue.record("\(query) was answered: \(try await client.query(query))")
                return nil
            } catch let error as PrometheusError {
                return error
            }
        }
        let syntax = try #require(await error("sum("))
        #expect(syntax.kind == .badData)
        #expect(syntax.status == 400)
        #expect(syntax.message.contains("parse error"))
        #expect(!syntax.isTransient)
        let ambiguous = try #require(await error("own_left * on() own_right"))
        #expect(ambiguous.kind == .execution)
        #expect(ambiguous.status == 422)
        await #expect(throws: PrometheusError.self) {
            try await client.queryRange("up", from: 0, to: 1_000_000, step: 1)
        }
    }

    /// Raw samples through the server, put together into the window of the machine that this runs on.
    private func givesTheMachinesWindow(_ client: PrometheusClient) async throws {
        var assembler = WindowAssembler(length: 5)
        let scrapes = try await client.query(#"{__name__=~"node_(cpu|memory|pressure)_.*",job="node"}[30s]"#).scrapes
        #expect(scrapes.count >= 4)
        for scrape in scrapes { assembler.add(MachineReading(nodeExporter: scrape.samples, time: scrape.time)) }
        let now = Date().timeIntervalSince1970
        let window = assembler.window(of: "here", at: now)
        let cpu = try #require(window.cpu)
        #expect(cpu.source == .nodeExporter)
        #expect(cpu.value >= 0 && cpu.value <= Double(ProcessInfo.processInfo.processorCount) * 2)
        #expect(cpu.seconds > 0 && cpu.seconds <= 10)
        #expect(cpu.time == scrapes.last?.time)
        let memory = try #require(window.memory?.value)
        #expect(memory > 0 && memory < Double(ProcessInfo.processInfo.physicalMemory))
        #expect(window.memoryBandwidth == nil)
        #expect(window.instructionsPerCycle == nil)
        // The kernel's own average of the share of time, through PromQL.
        let rate = try await client.query("rate(node_pressure_cpu_waiting_seconds_total[30s])").singleValue
        #expect((rate == nil) == (window[.cpuPressure] == nil))
    }

    /// node-exporter reads what we read: between two readings of /proc lies its own, for every counter.
    private func exporterAgreesWithProc(_ exporter: MetricsEndpoint) async throws {
        let before = try MachineReading(time: 0)
        let scrape = try await exporter.scrape(named: MachineReading.nodeExporterMetrics, at: 1)
        let after = try MachineReading(time: 2)
        let reading = MachineReading(nodeExporter: scrape.samples, time: scrape.time)
        #expect(reading.busySeconds.keys == before.busySeconds.keys)
        #expect(!reading.busySeconds.isEmpty)
        // A tick of rounding for each of the five modes.
        for (processor, busy) in reading.busySeconds {
            #expect(busy >= (before.busySeconds[processor] ?? .infinity) - 0.05)
            #expect(busy <= (after.busySeconds[processor] ?? -.infinity) + 0.05)
        }
        #expect(Set(reading.stalledSeconds.keys) == Set(before.stalledSeconds.keys))
        for (pressure, stalled) in reading.stalledSeconds {
            #expect(stalled >= (before.stalledSeconds[pressure] ?? .infinity) - 1e-6)
            #expect(stalled <= (after.stalledSeconds[pressure] ?? -.infinity) + 1e-6)
        }
        let memory = try #require(reading.memoryBytes)
        let ours = try #require(before.memoryBytes)
        #expect(abs(memory - ours) < 0.5 * Double(ProcessInfo.processInfo.physicalMemory))
    }
}
