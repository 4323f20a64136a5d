/// What of a machine is a node.
public struct NodeScope: Sendable, Hashable, Codable {
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
public struct WindowAssembler: Sendable, Codable {
    /// What of its machine is the node.
    public let scope: NodeScope
    /// The window's length in seconds.
    public let length: Double
    /// Seconds after which a value counts as missing.
    public let maximumAge: Double

    /// What is read of a machine's kernel.
    @usableFromInline
    struct Machine: Sendable, Codable {
        var cpu: CounterWindow?
        var memory: Reading?
        var pressure: [MachineReading.Pressure: CounterWindow] = [:]
    }

    /// What cadvisor says of the node, however old.
    public private(set) var usage: UsageWindow
    /// What PCM says of the machine, however old; `nil` without PCM.
    public private(set) var figures: PCMFigures?
    @usableFromInline var machines: [MeasurementSource: Machine] = [:]
    private var counters: [PCMQuantity: CounterWindow] = [:]

    /// An assembler that has heard of nothing.
    /// - Parameters:
    ///   - scope: what of its machine is the node.
    ///   - length: the window's length in seconds, above 0.
    ///   - maximumAge: seconds after which a value counts as missing, above 0.
    public init(scope: NodeScope = NodeScope(), length: Double = 20, maximumAge: Double = 60) {
        precondition(maximumAge > 0, "values live for a while")
        self.scope = scope
        self.length = length
        self.maximumAge = maximumAge
        usage = UsageWindow(length: length)
    }

    // MARK: Readings

    /// Takes in a reading of any kind.
    public mutating func add(_ reading: NodeReading) {
        switch reading {
        case .cadvisor(let usage): add(usage)
        case .machine(let reading): add(reading)
        case .pcm(let window): add(window)
        case .pcmSinceStart(let totals, let time): add(sinceStart: totals, time: time)
        }
    }

    /// Takes in what cadvisor read of `scope.cgroup`.
    public mutating func add(_ reading: UsageReading) {
        // The root cgroup is the machine, not one of the nodes that share it.
        guard !scope.isShared || scope.cgroup != "/" else { return }
        usage.add(reading)
    }

    /// Takes in a reading of the node's machine.
    public mutating func add(_ reading: MachineReading) {
        var machine = machines[reading.source] ?? Machine()
        defer { machines[reading.source] = machine }
        let busy: Double?
        if let processors = scope.processors {
            busy = reading.busySeconds(of: processors)
        } else {
            busy = scope.isShared ? nil : reading.totalBusySeconds
        }
        count(&machine.cpu, busy, reading.time)
        guard !scope.isShared else { return }
        machine.memory = reading.memoryBytes.map { Reading(value: $0, time: reading.time) }
        for pressure in MachineReading.Pressure.allCases {
            count(&machine.pressure[pressure], reading.stalledSeconds[pressure], reading.time)
        }
    }

    /// Takes in a window of the node's PCM.
    public mutating func add(_ window: PCMFigures) {
        guard !scope.isShared, window.time > figures?.time ?? -.infinity else { return }
        figures = window
    }

    /// Whether another source than cadvisor can tell CPU and memory.
    @inlinable public var hasStandIn: Bool { !machines.isEmpty }

    /// Takes in PCM's counters since its server started: two readings make a window.
    private mutating func add(sinceStart totals: [PCMQuantity: Double], time: Double) {
        guard !scope.isShared else { return }
        for quantity in PCMQuantity.allCases { count(&counters[quantity], totals[quantity], time) }
        let rates = counters.compactMapValues { $0.rate(by: .pcm) }.filter { $0.value.time == time }
        // The quantities of a reply share its time; one that came later than the others has a shorter past.
        guard let seconds = rates.values.map(\.seconds).max() else { return }
        add(PCMFigures(time: time, seconds: seconds) { rates[$0].map { $0.value * seconds } })
    }

    /// A counter that its source no longer reports loses its past: the window would span a gap.
    private func count(_ counter: inout CounterWindow?, _ total: Double?, _ time: Double) {
        guard let total else {
            counter = nil
            return
        }
        if counter == nil { counter = CounterWindow(length: length) }
        counter?.update(total: total, time: time)
    }

    // MARK: Windows

    /// The window as of `now`.
    /// - Parameters:
    ///   - node: the node's name.
    ///   - now: the present, in seconds since 1970. What is older than `maximumAge` by then is missing.
    public func window(of node: String, at now: Double) -> NodeWindow {
        var window = NodeWindow(node: node, end: now)
        for field in NodeWindow.Field.allCases {
            if let value = value(field, at: now) { window.values[field] = value }
        }
        return window
    }

    /// A field of the window as of `now`; `nil` where no source has it, or only an older value than `maximumAge`.
    public func value(_ field: NodeWindow.Field, at now: Double) -> Measured? {
        func fresh(_ value: Measured?) -> Measured? { value.fresh(at: now, maximumAge: maximumAge) }
        func pcm(_ value: Double?) -> Measured? { fresh(figures?.measured(value)) }
        switch field {
        case .cpu:
            return fresh(usage.cpu) ?? first(at: now) { machine, source in machine.cpu?.rate(by: source) }
        case .memory:
            return fresh(usage.memory)
                ?? first(at: now) { machine, source in
                    machine.memory.map { Measured($0.value, at: $0.time, by: source) }
                }
        case .memoryBandwidth: return pcm(figures?.memoryBandwidth)
        case .cacheMissRatio: return pcm(figures?.cacheMissRatio)
        case .instructionsPerCycle: return pcm(figures?.instructionsPerCycle)
        case .packagePower: return pcm(figures?.packagePower)
        case .memoryPower: return pcm(figures?.memoryPower)
        case .cpuPressure: return first(at: now) { $0.pressure[.cpu]?.rate(by: $1) }
        case .memoryPressure: return first(at: now) { $0.pressure[.memory]?.rate(by: $1) }
        case .ioPressure: return first(at: now) { $0.pressure[.io]?.rate(by: $1) }
        }
    }

    /// The value of the first of node-exporter and /proc that has it fresh.
    private func first(
        at now: Double, _ value: (Machine, MeasurementSource) -> Measured?
    ) -> Measured? {
        guard !machines.isEmpty else { return nil }
        for source in [MeasurementSource.nodeExporter, .proc] {
            guard let machine = machines[source] else { continue }
            if let value = value(machine, source).fresh(at: now, maximumAge: maximumAge) { return value }
        }
        return nil
    }
}
