import Windows
import Collector
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import Telemetry
import Testing

@Suite struct ExpositionTests {
    private static let promtool = "/usr/bin/promtool"

    /// A collector that has measured node a with every field, and was asked for things it does not have.
    private func page(age: Double = 0) async throws -> String {
        let clock = ManualClock()
        var pcm = ScriptedSource(name: "pcm")
        pcm.answer = { moment, time in
            guard moment == .end else { return [] }
            var figures = PCMFigures(time: time, seconds: 20)
            figures.instructionsPerCycle = 1.5
            figures.cacheMissRatio = 0.25
            figures.memoryBandwidth = 10e9
            figures.packagePower = 100
            return [.pcm(figures)]
        }
        var failing = ScriptedSource(name: "failing")
        failing.answer = { _, _ in throw CollectorError("no answer") }
        let server = makeServer([ScriptedSource.quarter, pcm, failing], clock: clock.clock)
        return try await server.application().test(.router) { client async throws in
            try await client.execute(uri: "/collect", method: .post, body: ByteBuffer(string: #"{"node":"a"}"#)) {
                #expect($0.status == .accepted)
            }
            try await client.execute(uri: "/collect", method: .post) { #expect($0.status == .badRequest) }
            #expect(try await eventually { clock.sleeperCount == 1 })
            clock.advance(by: 20)
            #expect(
                try await eventually {
                    try await client.execute(uri: "/metrics/window?node=a", method: .get).status == .ok
                })
            clock.advance(by: age)
            let response = try await client.execute(uri: "/metrics", method: .get)
            #expect(response.headers[.contentType]?.hasPrefix("text/plain; version=0.0.4") == true)
            return String(buffer: response.body)
        }
    }

    @Test func showsWindowsAndCounts() async throws {
        let samples = try ExpositionParser.parse(Array(try await page().utf8))
        func sample(_ name: String, _ labels: MetricLabels = [:]) -> MetricSample? {
            samples.first { $0.name == name && $0.labels == labels }
        }
        let cpu = sample("berth_node_cpu_usage_cores", ["node": "a", "source": "proc"])
        #expect(cpu?.value == 0.25)
        #expect(cpu?.timestamp == 1_700_000_020)
        #expect(sample("berth_node_memory_usage_bytes", ["node": "a", "source": "proc"])?.value == 1e9)
        #expect(sample("berth_node_instructions_per_cycle", ["node": "a", "source": "pcm"])?.value == 1.5)
        #expect(sample("berth_collector_windows_total")?.value == 1)
        #expect(sample("berth_collector_readings_total", ["source": "pcm", "result": "ok"])?.value == 1)
        #expect(sample("berth_collector_readings_total", ["source": "failing", "result": "failed"])?.value == 1)
        #expect(sample("berth_collector_missing_values_total", ["field": "ioPressure"])?.value == 1)
        #expect(sample("berth_collector_requests_total", ["path": "/collect", "code": "202"])?.value == 1)
        #expect(sample("berth_collector_requests_total", ["path": "/collect", "code": "400"])?.value == 1)
        #expect(!samples.contains { $0.name == "berth_node_io_pressure_ratio" })
    }

    /// A value that is no longer fresh leaves the page: Prometheus would go on taking it for the present.
    @Test func oldValuesLeaveThePage() async throws {
        let samples = try ExpositionParser.parse(Array(try await page(age: 61).utf8))
        #expect(!samples.contains { $0.name.hasPrefix("berth_node_") })
        #expect(samples.contains { $0.name == "berth_collector_windows_total" })
    }

    /// Prometheus' own checker finds nothing to say about the page.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: promtool), "scripts/setup.sh --test installs it"))
    func passesPromtool() async throws {
        let text = try await page()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.promtool)
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let findings = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: findings, as: UTF8.self))\n\(text)")
        #expect(findings.isEmpty, "\(String(decoding: findings, as: UTF8.self))")
    }
}
