/// What of a machine is a node.
public struct NodeScope: Sendable, Hashable {
    /// The cgroup that stands for the node: "/" where the node is the machine.
    public var cgroup: String
    /// Whether the node is only a part of its machine. What is measured of the machine then says nothing of the node,
    /// and counts as missing.
    public var isShared: Bool
    /// The CPUs that the node is pinned to, where it has CPUs of its own.
    public var processors: Set<Int>?

    /// A part of a machine, or all of it.
    /// - Parameters:
    ///   - cgroup: the cgroup that stands for the node.
    ///   - isShared: whether other nodes run on the machine.
    ///   - processors: the CPUs that the node is pinned to; `nil` where it shares all.
    public init(cgroup: String = "/", isShared: Bool = false, processors: Set<Int>? = nil) {
        self.cgroup = cgroup
        self.isShared = isShared
        self.processors = processors
    }

    /// The part of its machine that a node is, from settings that hold for all nodes.
    ///
    /// A cgroup that is named after its node is one of several on a machine: it says that the node is not alone there,
    /// whether or not `isShared` does.
    /// - Parameters:
    ///   - node: the node's name.
    ///   - pattern: the cgroup that stands for a node, with {node} for its name where several share a machine.
    ///   - isShared: whether several nodes share a machine.
    ///   - processors: the CPUs that the node is pinned to; `nil` where it shares all.
    public init(node: String, pattern: String, isShared: Bool, processors: Set<Int>? = nil) {
        self.init(
            cgroup: pattern.replacing("{node}", with: node), isShared: isShared || pattern.contains("{node}"),
            processors: processors)
    }
}

/// Puts a node's windows together from what its sources said, in order of preference.
///
/// | field | sources, the first that has it fresh wins |
/// |---|---|
/// | cpu | cadvisor's cgroup of the node, node-exporter, /proc; on a shared machine the latter two of the pinned CPUs |
/// | memory | cadvisor's cgroup of the node, node-exporter, /proc; on a shared machine cadvisor alone |
/// | memory bandwidth, cache miss ratio, instructions per cycle, power | PCM; on a shared machine missing |
/// | pressure | node-exporter, /proc; on a shared machine missing |
///
/// Readings may come in any order between sources, and in the order of their times within one.
public struct WindowAssembler: Sendable {
    /// The node's name.
    public let node: String
    /// What of its machine is the node.
    public let scope: NodeScope
    /// The window's length in seconds.
    public let length: Double
    /// Seconds after which a value counts as missing.
    public let maximumAge: Double

    /// A source's counters and its latest values of a moment.
    private struct Track: Sendable {
        var counters: [NodeWindow.Field: CounterWindow] = [:]
        var latest: [NodeWindow.Field: Measurement] = [:]
    }

    private var tracks: [TelemetrySource: Track] = [:]
    private var figures: PCMFigures?
    private var counters: [PCMCounters.Quantity: CounterWindow] = [:]

    /// An assembler that has heard of nothing.
    /// - Parameters:
    ///   - node: the node's name.
    ///   - scope: what of its machine is the node.
    ///   - length: the window's length in seconds, above 0.
    ///   - maximumAge: seconds after which a value counts as missing, above 0.
    public init(node: String, scope: NodeScope = NodeScope(), length: Double = 20, maximumAge: Double = 60) {
        precondition(maximumAge > 0, "values live for a while")
        precondition(length > 0, "a window has a length")
        self.node = node
        self.scope = scope
        self.length = length
        self.maximumAge = maximumAge
    }

    // MARK: Readings

    /// Takes in a scrape of the node's cadvisor that was read with `scope.cgroup`.
    public mutating func add(_ scrape: CadvisorScrape) {
        // The root cgroup is the machine, not one of the nodes that share it.
        guard !scope.isShared || scope.cgroup != "/" else { return }
        count(.cpu, scrape.node.cpuSeconds, of: .cadvisor)
        keep(.memory, scrape.node.workingSetBytes, of: .cadvisor)
    }

    /// Takes in a reading of the node's machine.
    public mutating func add(_ reading: MachineReading) {
        func measured(_ value: Double?) -> Measurement? {
            value.map { Measurement(value: $0, time: reading.time) }
        }
        if let processors = scope.processors {
            count(.cpu, measured(reading.busySeconds(of: processors)), of: reading.source)
        } else if !scope.isShared {
            count(.cpu, measured(reading.totalBusySeconds), of: reading.source)
        }
        guard !scope.isShared else { return }
        keep(.memory, measured(reading.memoryBytes), of: reading.source)
        for (field, pressure) in Self.pressures {
            count(field, measured(reading.stalledSeconds[pressure]), of: reading.source)
        }
    }

    /// Takes in a window of the node's PCM.
    public mutating func add(_ window: PCMFigures) {
        guard !scope.isShared, window.time > figures?.time ?? -.infinity else { return }
        figures = window
    }

    /// Takes in counters of the node's PCM since its server started: two readings make a window.
    /// - Parameters:
    ///   - reading: a reply of `/metrics`.
    ///   - time: when it was read, in seconds since 1970.
    public mutating func add(sinceStart reading: PCMCounters, time: Double) {
        guard !scope.isShared else { return }
        for quantity in PCMCounters.Quantity.allCases {
            guard let total = reading.total(quantity) else {
                counters[quantity] = nil
                continue
            }
            counters[quantity, default: CounterWindow(length: length)].update(total: total, time: time)
        }
        let rates = counters.compactMapValues(\.rate).filter { $0.value.time == time }
        // The quantities of a reply share its time; one that came later than the others has a shorter past.
        guard let seconds = rates.values.map(\.seconds).max() else { return }
        add(PCMFigures(time: time, seconds: seconds) { rates[$0].map { $0.value * seconds } })
    }

    // MARK: Windows

    /// The window as of `now`.
    /// - Parameter now: the present, in seconds since 1970. What is older than `maximumAge` by then is missing.
    public func window(at now: Double) -> NodeWindow {
        var window = NodeWindow(node: node, end: now)
        for field in NodeWindow.Field.allCases {
            for source in Self.preference(field) {
                guard let value = value(field, of: source), value.age(at: now) <= maximumAge else { continue }
                window.values[field] = value
                break
            }
        }
        return window
    }

    private static func preference(_ field: NodeWindow.Field) -> [TelemetrySource] {
        switch field {
        case .cpu, .memory: [.cadvisor, .nodeExporter, .proc]
        case .cpuPressure, .memoryPressure, .ioPressure: [.nodeExporter, .proc]
        case .memoryBandwidth, .cacheMissRatio, .instructionsPerCycle, .packagePower, .memoryPower: [.pcm]
        }
    }

    private static let pressures: [(NodeWindow.Field, MachineReading.Pressure)] = [
        (.cpuPressure, .cpu), (.memoryPressure, .memory), (.ioPressure, .io),
    ]

    private func value(_ field: NodeWindow.Field, of source: TelemetrySource) -> NodeWindow.Value? {
        guard source != .pcm else { return figures.flatMap { Self.value(field, of: $0) } }
        let track = tracks[source]
        if let rate = track?.counters[field]?.rate {
            return NodeWindow.Value(value: rate.value, time: rate.time, seconds: rate.seconds, source: source)
        }
        return track?.latest[field].map {
            NodeWindow.Value(value: $0.value, time: $0.time, seconds: 0, source: source)
        }
    }

    private static func value(_ field: NodeWindow.Field, of figures: PCMFigures) -> NodeWindow.Value? {
        let value: Double? =
            switch field {
            case .memoryBandwidth: figures.memoryBandwidth
            case .cacheMissRatio: figures.cacheMissRatio
            case .instructionsPerCycle: figures.instructionsPerCycle
            case .packagePower: figures.packagePower
            case .memoryPower: figures.memoryPower
            case .cpu, .memory, .cpuPressure, .memoryPressure, .ioPressure: nil
            }
        return value.map {
            NodeWindow.Value(value: $0, time: figures.time, seconds: figures.seconds, source: .pcm)
        }
    }

    /// A counter that its source no longer reports loses its past: the window would span a gap.
    private mutating func count(_ field: NodeWindow.Field, _ total: Measurement?, of source: TelemetrySource) {
        guard let total else {
            tracks[source]?.counters[field] = nil
            return
        }
        tracks[source, default: Track()].counters[field, default: CounterWindow(length: length)]
            .update(total: total.value, time: total.time)
    }

    private mutating func keep(_ field: NodeWindow.Field, _ value: Measurement?, of source: TelemetrySource) {
        guard let value else {
            tracks[source]?.latest[field] = nil
            return
        }
        let known = tracks[source]?.latest[field]
        if value.time >= known?.time ?? -.infinity { tracks[source, default: Track()].latest[field] = value }
    }
}
