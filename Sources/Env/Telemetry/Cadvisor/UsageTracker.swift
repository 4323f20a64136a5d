/// What a node or pod uses, as far as it was measured.
public struct ResourceUsage: Sendable, Hashable {
    /// CPU in cores, averaged between cadvisor's two latest scrapes, or over a window of another source.
    public var cpuCores: Measurement?
    /// Memory in bytes: cadvisor's working set, or another source's memory in use.
    public var memoryBytes: Measurement?
    /// Memory traffic in bytes/s; of nodes with PCM.
    public var memoryBandwidth: Measurement?
    /// Last-level cache misses / references, 0 to 1; of nodes with PCM.
    public var cacheMissRatio: Measurement?
    /// Instructions retired per unhalted cycle; of nodes with PCM.
    public var instructionsPerCycle: Measurement?

    /// Nothing measured.
    public init(cpuCores: Measurement? = nil, memoryBytes: Measurement? = nil) {
        self.cpuCores = cpuCores
        self.memoryBytes = memoryBytes
    }

    /// Adds what other sources measured of a node, as of the window's end: CPU and memory where they are missing or
    /// older than `maximumAge` seconds by then, the rest always. What the window lacks stays as it was.
    public mutating func add(_ window: NodeWindow, maximumAge: Double) {
        func completed(_ own: Measurement?, _ other: NodeWindow.Value?) -> Measurement? {
            if let own, own.age(at: window.end) <= maximumAge { return own }
            return other?.measurement ?? own
        }
        cpuCores = completed(cpuCores, window.cpu)
        memoryBytes = completed(memoryBytes, window.memory)
        memoryBandwidth = window.memoryBandwidth?.measurement ?? memoryBandwidth
        cacheMissRatio = window.cacheMissRatio?.measurement ?? cacheMissRatio
        instructionsPerCycle = window.instructionsPerCycle?.measurement ?? instructionsPerCycle
    }
}

/// Turns successive cadvisor scrapes of nodes into what nodes and pods use.
public struct UsageTracker: Sendable {
    /// The cgroup that stands for a node; "{node}" in it stands for the node's name.
    public let nodeCgroup: String
    /// Two scrapes further apart than this many seconds give no CPU rate.
    public let maximumWindow: Double

    private struct Tracked {
        var rate: CounterRate
        var usage = ResourceUsage()

        mutating func update(_ figures: CadvisorScrape.Figures) {
            if let cpu = figures.cpuSeconds { rate.update(total: cpu.value, time: cpu.time) }
            usage.cpuCores = figures.cpuSeconds == nil ? nil : rate.rate
            usage.memoryBytes = figures.workingSetBytes
        }
    }

    private struct TrackedNode {
        var node: Tracked
        var pods: [CadvisorScrape.PodName: Tracked] = [:]
    }

    private var tracked: [String: TrackedNode] = [:]

    /// A tracker without scrapes.
    /// - Parameters:
    ///   - nodeCgroup: the cgroup that stands for a node: "/" where a node is a machine; with "{node}" for the node's
    ///     name where several share one.
    ///   - maximumWindow: the longest time between two scrapes that still gives a CPU rate, in seconds.
    public init(nodeCgroup: String = "/", maximumWindow: Double = 120) {
        self.nodeCgroup = nodeCgroup
        self.maximumWindow = maximumWindow
    }

    /// Takes in a scrape of `node`. Pods that it does not mention are forgotten.
    /// - Parameters:
    ///   - node: the node's name.
    ///   - text: the scrape.
    ///   - receivedAt: when it was received, in seconds since 1970.
    /// - Throws: `ExpositionError` for malformed text; what was known stays known.
    public mutating func update(node: String, text: [UInt8], receivedAt: Double) throws {
        let scrape = try CadvisorScrape(
            parsing: text, nodeCgroup: cgroup(of: node), receivedAt: receivedAt)
        update(node: node, scrape: scrape)
    }

    /// Takes in a scrape of `node` that was read with the cgroup that `cgroup(of:)` names.
    public mutating func update(node: String, scrape: CadvisorScrape) {
        var current = tracked[node] ?? TrackedNode(node: Tracked(rate: CounterRate(maximumWindow: maximumWindow)))
        current.node.update(scrape.node)
        var pods: [CadvisorScrape.PodName: Tracked] = [:]
        pods.reserveCapacity(scrape.pods.count)
        for (name, figures) in scrape.pods {
            var pod = current.pods[name] ?? Tracked(rate: CounterRate(maximumWindow: maximumWindow))
            pod.update(figures)
            pods[name] = pod
        }
        current.pods = pods
        tracked[node] = current
    }

    /// The cgroup that stands for `node`.
    public func cgroup(of node: String) -> String {
        nodeCgroup.replacing("{node}", with: node)
    }

    /// The nodes that were scraped and not forgotten.
    public var nodes: Set<String> { Set(tracked.keys) }

    /// Forgets a node that is gone.
    public mutating func remove(node: String) {
        tracked[node] = nil
    }

    /// What `node` uses.
    public func usage(ofNode node: String) -> ResourceUsage { tracked[node]?.node.usage ?? ResourceUsage() }

    /// What a pod on `node` uses.
    public func usage(ofPod pod: CadvisorScrape.PodName, onNode node: String) -> ResourceUsage {
        tracked[node]?.pods[pod]?.usage ?? ResourceUsage()
    }

    /// What each pod on `node` uses.
    public func podUsage(onNode node: String) -> [CadvisorScrape.PodName: ResourceUsage] {
        tracked[node]?.pods.mapValues(\.usage) ?? [:]
    }
}
