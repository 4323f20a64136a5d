import Windows
import CoreMetrics
import Monitoring
import Telemetry

/// What the collector counts of itself, and the windows as metrics.
struct CollectorMetrics: Sendable {
    private let registry: PrometheusRegistry

    init(registry: PrometheusRegistry) {
        self.registry = registry
        for (name, text) in [
            ("berth_collector_requests_total", "Requests by path and HTTP status."),
            ("berth_collector_windows_total", "Windows that were finished."),
            ("berth_collector_readings_total", "Sources asked for a window, by source and result."),
            ("berth_collector_missing_values_total", "Values that a finished window lacks, by field."),
        ] {
            registry.describe(name, text)
        }
        Counter(label: "berth_collector_windows_total", factory: registry).increment(by: 0)
    }

    func countRequest(path: String, status: Int) {
        Counter(
            label: "berth_collector_requests_total", dimensions: [("path", path), ("code", "\(status)")],
            factory: registry
        ).increment()
    }

    func count(_ window: CollectedWindow, asked: [String]) {
        Counter(label: "berth_collector_windows_total", factory: registry).increment()
        for source in asked {
            Counter(
                label: "berth_collector_readings_total",
                dimensions: [("source", source), ("result", window.errors[source] == nil ? "ok" : "failed")],
                factory: registry
            ).increment()
        }
        for field in window.result?.missing ?? [] {
            Counter(
                label: "berth_collector_missing_values_total", dimensions: [("field", field.rawValue)],
                factory: registry
            ).increment()
        }
    }

    /// What it counted, and the values of `windows` that are not older than `maximumAge` seconds: a value that is no
    /// longer measured leaves the page, as gauges of swift-metrics cannot.
    func text(_ windows: [CollectedWindow], at now: Double, maximumAge: Double) -> String {
        var text = registry.text()
        for field in NodeWindow.Field.allCases {
            var lines = ""
            for window in windows {
                guard let value = window.result?[field], value.age(at: now) <= maximumAge else { continue }
                lines +=
                    "\(Self.metric(field)){node=\"\(window.node)\",source=\"\(value.source.rawValue)\"} "
                    + "\(value.value) \(Int64(value.time * 1_000))\n"
            }
            guard !lines.isEmpty else { continue }
            text += "# HELP \(Self.metric(field)) \(Self.help(field))\n# TYPE \(Self.metric(field)) gauge\n" + lines
        }
        return text
    }

    private static func metric(_ field: NodeWindow.Field) -> String {
        switch field {
        case .cpu: "berth_node_cpu_usage_cores"
        case .memory: "berth_node_memory_usage_bytes"
        case .memoryBandwidth: "berth_node_memory_bandwidth_bytes_per_second"
        case .cacheMissRatio: "berth_node_cache_miss_ratio"
        case .instructionsPerCycle: "berth_node_instructions_per_cycle"
        case .cpuPressure: "berth_node_cpu_pressure_ratio"
        case .memoryPressure: "berth_node_memory_pressure_ratio"
        case .ioPressure: "berth_node_io_pressure_ratio"
        case .packagePower: "berth_node_package_power_watts"
        case .memoryPower: "berth_node_memory_power_watts"
        }
    }

    private static func help(_ field: NodeWindow.Field) -> String {
        switch field {
        case .cpu: "CPU in use on the node over its latest window."
        case .memory: "Memory in use on the node that cannot be dropped at once."
        case .memoryBandwidth: "Memory traffic of the node over its latest window."
        case .cacheMissRatio: "Last-level cache misses per reference over the latest window."
        case .instructionsPerCycle: "Instructions retired per unhalted cycle over the latest window."
        case .cpuPressure: "Share of the latest window in which a task waited for a CPU."
        case .memoryPressure: "Share of the latest window in which a task waited for memory."
        case .ioPressure: "Share of the latest window in which a task waited for a disk."
        case .packagePower: "Power of the processor packages over the latest window."
        case .memoryPower: "Power of the memory modules over the latest window."
        }
    }
}
