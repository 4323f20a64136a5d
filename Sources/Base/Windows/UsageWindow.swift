/// What cadvisor read of one cgroup: a node's or a pod's. What it does not say stays `nil`.
public struct UsageReading: Sendable, Hashable, Codable {
    /// CPU time used since the cgroup was made, in seconds.
    public var cpuSeconds: Reading?
    /// Memory in use that cannot be dropped at once, in bytes.
    public var workingSetBytes: Reading?

    /// A reading of these parts.
    public init(cpuSeconds: Reading? = nil, workingSetBytes: Reading? = nil) {
        self.cpuSeconds = cpuSeconds
        self.workingSetBytes = workingSetBytes
    }
}

/// What a cgroup uses, from what cadvisor read of it.
public struct UsageWindow: Sendable, Equatable, Codable {
    private var counter: CounterWindow
    /// CPU in use in cores, the window's mean.
    public private(set) var cpu: Measured?
    /// Memory in use in bytes.
    public private(set) var memory: Measured?

    /// A cgroup that was not read yet.
    /// - Parameter length: the window's length in seconds, above 0.
    public init(length: Double) {
        counter = CounterWindow(length: length)
    }

    /// Takes in a reading. A counter that is not in it loses its past: the window would span a gap.
    public mutating func add(_ reading: UsageReading) {
        if let cpu = reading.cpuSeconds {
            counter.update(total: cpu.value, time: cpu.time)
        } else {
            counter = CounterWindow(length: counter.length)
        }
        cpu = counter.rate(by: .cadvisor)
        guard let workingSet = reading.workingSetBytes else {
            memory = nil
            return
        }
        guard workingSet.time >= memory?.time ?? -.infinity else { return }
        memory = Measured(workingSet.value, at: workingSet.time, by: .cadvisor)
    }
}
