public import Windows

extension MachineReading {
    private static let cpu = "node_cpu_seconds_total"
    private static let total = "node_memory_MemTotal_bytes"
    private static let available = "node_memory_MemAvailable_bytes"
    private static let pressure: [String: Pressure] = [
        "node_pressure_cpu_waiting_seconds_total": .cpu, "node_pressure_memory_waiting_seconds_total": .memory,
        "node_pressure_io_waiting_seconds_total": .io,
    ]
    private static let busyModes: Set<String> = ["user", "nice", "system", "irq", "softirq"]

    /// The metrics of node-exporter that are read.
    public static let nodeExporterMetrics: Set<String> = Set([cpu, total, available]).union(pressure.keys)

    /// Reads samples of one scrape of a node-exporter.
    /// - Parameters:
    ///   - samples: the samples; those of other metrics are ignored.
    ///   - time: when they were scraped, in seconds since 1970: node-exporter's samples carry no times.
    public init(nodeExporter samples: some Sequence<MetricSample>, time: Double) {
        self.init(source: .nodeExporter, time: time)
        var totalBytes: Double?
        var availableBytes: Double?
        for sample in samples where sample.value.isFinite && sample.value >= 0 {
            switch sample.name {
            case Self.cpu:
                guard let number = sample.labels["cpu"].flatMap({ Int($0) }), let mode = sample.labels["mode"],
                    Self.busyModes.contains(mode)
                else { continue }
                busySeconds[number, default: 0] += sample.value
            case Self.total: totalBytes = sample.value
            case Self.available: availableBytes = sample.value
            default:
                if let pressure = Self.pressure[sample.name] { stalledSeconds[pressure] = sample.value }
            }
        }
        if let totalBytes, let availableBytes { memoryBytes = max(0, totalBytes - availableBytes) }
    }
}
