import Windows
import Foundation
import Telemetry
import Testing

@Suite struct MachineReadingTests {
    private static let stat = """
        cpu  700 30 300 9000 200 10 40 77 60 0
        cpu0 500 10 200 4000 100 6 20 70 50 0
        cpu1 200 20 100 5000 100 4 20 7 10 0
        intr 12345 0 0
        ctxt 1
        btime 1700000000
        cpuset 7

        """
    private static let meminfo = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:   12000 kB\n"
    private static let pressure = """
        some avg10=1.00 avg60=0.50 avg300=0.10 total=2500000
        full avg10=0.00 avg60=0.00 avg300=0.00 total=1000000

        """

    /// Busy is user, nice, system, irq and softirq; not idle, iowait, steal, nor guest, which user includes.
    @Test func readsTheKernelsFiles() throws {
        let reading = try MachineReading(
            stat: Self.stat, meminfo: Self.meminfo, pressures: [.cpu: Self.pressure, .io: ""], time: 5)
        #expect(reading.source == .proc)
        #expect(reading.busySeconds == [0: 7.36, 1: 3.44])
        #expect(abs((reading.totalBusySeconds ?? 0) - 10.8) < 1e-12)
        #expect(reading.busySeconds(of: [1]) == 3.44)
        #expect(reading.busySeconds(of: [1, 2]) == nil)
        #expect(reading.busySeconds(of: []) == nil)
        #expect(reading.memoryBytes == 4_096_000.0)
        #expect(reading.stalledSeconds == [.cpu: 2.5])
    }

    @Test func oldKernelsDoNotSayWhatIsAvailable() throws {
        let reading = try MachineReading(
            stat: Self.stat, meminfo: "MemTotal: 16000 kB\nMemFree: 1000 kB\n", pressures: [:], time: 5)
        #expect(reading.memoryBytes == nil)
        #expect(reading.stalledSeconds.isEmpty)
    }

    @Test(arguments: [
        ("", meminfo), ("cpu 1 2 3\n", meminfo), ("cpu0 1 2 3\n", meminfo), ("cpu0 1 2 3 4 5 6 -7\n", meminfo),
        (stat, ""), (stat, "MemFree: 1 kB\n"),
    ])
    func refusesOtherFiles(stat: String, meminfo: String) {
        #expect(throws: ProcError.self) {
            try MachineReading(stat: stat, meminfo: meminfo, pressures: [:], time: 0)
        }
    }

    @Test func readsThisMachine() throws {
        let first = try MachineReading(time: 0)
        #expect(first.busySeconds.count == ProcessInfo.processInfo.processorCount)
        let memory = try #require(first.memoryBytes)
        #expect(memory > 0 && memory < Double(ProcessInfo.processInfo.physicalMemory))
        #expect(throws: ProcError.self) { try MachineReading(proc: "/nowhere", time: 0) }
    }

    @Test func readsNodeExporter() throws {
        let samples = try ExpositionParser.parse(
            Array(
                """
                node_cpu_seconds_total{cpu="0",mode="idle"} 40
                node_cpu_seconds_total{cpu="0",mode="iowait"} 1
                node_cpu_seconds_total{cpu="0",mode="irq"} 0.06
                node_cpu_seconds_total{cpu="0",mode="nice"} 0.1
                node_cpu_seconds_total{cpu="0",mode="softirq"} 0.2
                node_cpu_seconds_total{cpu="0",mode="steal"} 0.7
                node_cpu_seconds_total{cpu="0",mode="system"} 2
                node_cpu_seconds_total{cpu="0",mode="user"} 5
                node_cpu_guest_seconds_total{cpu="0",mode="user"} 0.5
                node_memory_MemAvailable_bytes 1.2e+10
                node_memory_MemTotal_bytes 1.6e+10
                node_pressure_cpu_waiting_seconds_total 2.5
                node_pressure_io_stalled_seconds_total 9
                node_pressure_memory_waiting_seconds_total NaN

                """.utf8))
        let reading = MachineReading(nodeExporter: samples, time: 7)
        #expect(reading.source == .nodeExporter)
        #expect(reading.time == 7)
        #expect(reading.busySeconds.count == 1)
        #expect(abs((reading.busySeconds[0] ?? 0) - 7.36) < 1e-12)
        #expect(reading.memoryBytes == 4e9)
        #expect(reading.stalledSeconds == [.cpu: 2.5])
        let nothing = MachineReading(nodeExporter: [], time: 7)
        #expect(nothing.totalBusySeconds == nil)
        #expect(nothing.memoryBytes == nil)
    }
}
