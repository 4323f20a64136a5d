public import Windows

/// What one scrape of a kubelet's cadvisor says about a node and its pods. What it does not say stays `nil`.
public struct CadvisorScrape: Sendable, Equatable {
    /// A pod by namespace and name.
    public struct PodName: Sendable, Hashable {
        /// The pod's namespace.
        public var namespace: String
        /// The pod's name.
        public var name: String

        /// The pod `name` in `namespace`.
        public init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }
    }

    /// The node's figures: those of the cgroup that stands for it.
    public var node = UsageReading()
    /// Each pod's figures.
    public var pods: [PodName: UsageReading] = [:]

    private static let cpu = "container_cpu_usage_seconds_total"
    private static let memory = "container_memory_working_set_bytes"

    /// The metrics that are read.
    public static let metrics: Set<String> = [cpu, memory]

    /// Reads a scrape of `/metrics/cadvisor`.
    ///
    /// A pod's figures are those of its own cgroup (no container, no name); where the runtime reports none, the sums
    /// over its containers, as of the oldest of them.
    /// - Parameters:
    ///   - text: the scrape.
    ///   - nodeCgroup: the cgroup that stands for the node: "/" where the node is the machine, another where several
    ///     nodes share a machine.
    ///   - receivedAt: the time of samples that carry none, in seconds since 1970.
    ///   - format: the text's format.
    /// - Throws: `ExpositionError` for malformed text.
    public init(
        parsing text: [UInt8], nodeCgroup: String = "/", receivedAt: Double, format: ExpositionFormat = .prometheus
    ) throws {
        var containers: Containers = [:]
        try ExpositionParser.forEachSample(in: text, named: Self.metrics, format: format) {
            add($0, nodeCgroup, receivedAt, &containers)
        }
        sum(containers)
    }

    /// Reads samples of cadvisor that came another way, through a Prometheus server say.
    /// - Parameters:
    ///   - samples: samples of one scrape; those of other metrics are ignored.
    ///   - nodeCgroup: the cgroup that stands for the node.
    ///   - receivedAt: the time of samples that carry none, in seconds since 1970.
    public init(samples: some Sequence<MetricSample>, nodeCgroup: String = "/", receivedAt: Double) {
        var containers: Containers = [:]
        for sample in samples { add(sample, nodeCgroup, receivedAt, &containers) }
        sum(containers)
    }

    /// The figures of containers by pod and cgroup.
    private typealias Containers = [PodName: [String: UsageReading]]

    private mutating func add(
        _ sample: MetricSample, _ nodeCgroup: String, _ receivedAt: Double, _ containers: inout Containers
    ) {
        guard Self.metrics.contains(sample.name), sample.value.isFinite, sample.value >= 0 else { return }
        // With per-CPU accounting there is a series for each CPU beside the total.
        if let cpu = sample.labels["cpu"], cpu != "total" { return }
        let measurement = Reading(value: sample.value, time: sample.timestamp ?? receivedAt)
        let figure = sample.name == Self.cpu ? \UsageReading.cpuSeconds : \UsageReading.workingSetBytes
        let pod = sample.labels["pod"] ?? sample.labels["pod_name"] ?? ""
        if pod.isEmpty {
            if sample.labels["id"] == nodeCgroup { node[keyPath: figure] = measurement }
            return
        }
        let name = PodName(namespace: sample.labels["namespace"] ?? "", name: pod)
        let container = sample.labels["container"] ?? sample.labels["container_name"] ?? ""
        if container.isEmpty, (sample.labels["name"] ?? "").isEmpty {
            pods[name, default: UsageReading()][keyPath: figure] = measurement
        } else {
            // A restarted container's old cgroup may linger under the same labels: the id tells them apart.
            let id = sample.labels["id"] ?? container
            containers[name, default: [:]][id, default: UsageReading()][keyPath: figure] = measurement
        }
    }

    private mutating func sum(_ containers: Containers) {
        for (name, parts) in containers {
            for figure in [\UsageReading.cpuSeconds, \UsageReading.workingSetBytes]
            where pods[name]?[keyPath: figure] == nil {
                let measured = parts.values.compactMap { $0[keyPath: figure] }
                guard let oldest = measured.map(\.time).min() else { continue }
                pods[name, default: UsageReading()][keyPath: figure] = Reading(
                    value: measured.reduce(0) { $0 + $1.value }, time: oldest)
            }
        }
    }
}
