/// What measured a value. Values that came through a Prometheus server name the exporter that it scraped.
public enum MeasurementSource: String, Sendable, Hashable, CaseIterable, Codable {
    /// Intel PCM: the processor's own counters.
    case pcm
    /// A kubelet's cadvisor: cgroups.
    case cadvisor
    /// Prometheus' node-exporter: the whole machine.
    case nodeExporter = "node-exporter"
    /// The kernel's /proc: the whole machine.
    case proc
    /// Whoever sends a service its load and waits for the answers.
    case loadGenerator = "load-generator"
    /// The service itself, or the proxy in front of it.
    case service
}
