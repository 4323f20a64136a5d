/// What measured a value. Values that came through a Prometheus server name the exporter that it scraped.
public enum TelemetrySource: String, Sendable, Hashable, CaseIterable, Codable {
    /// Intel PCM: the processor's own counters.
    case pcm
    /// A kubelet's cadvisor: cgroups.
    case cadvisor
    /// Prometheus' node-exporter: the whole machine.
    case nodeExporter = "node-exporter"
    /// The kernel's /proc: the whole machine.
    case proc
}
