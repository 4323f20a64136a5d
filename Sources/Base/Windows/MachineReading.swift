/// One reading of a whole machine's counters, by its kernel: from /proc or from node-exporter, which reads /proc.
/// What was not read stays `nil`.
public struct MachineReading: Sendable, Equatable, Codable {
    /// What can be short, in the kernel's pressure stall information
    /// (https://docs.kernel.org/accounting/psi.html).
    public enum Pressure: String, Sendable, Hashable, CaseIterable, Codable {
        /// Tasks wait for a CPU.
        case cpu
        /// Tasks wait for memory.
        case memory
        /// Tasks wait for disks.
        case io
    }

    /// What read it: `.proc` or `.nodeExporter`.
    public var source: MeasurementSource
    /// When it was read, in seconds since 1970.
    public var time: Double
    /// Seconds since the machine started that each CPU was busy, by its number: all but idle, waiting for disks, and
    /// time that the hypervisor gave to others.
    public var busySeconds: [Int: Double] = [:]
    /// Memory in use that cannot be dropped at once, in bytes: the total less what is available.
    public var memoryBytes: Double?
    /// Seconds since the machine started in which some task waited, by what it waited for.
    public var stalledSeconds: [Pressure: Double] = [:]

    /// A reading of nothing.
    public init(source: MeasurementSource, time: Double) {
        self.source = source
        self.time = time
    }

    /// Seconds that all CPUs were busy together; `nil` where none was read.
    public var totalBusySeconds: Double? {
        busySeconds.isEmpty ? nil : busySeconds.values.reduce(0, +)
    }

    /// Seconds that these CPUs were busy together; `nil` unless all of them were read.
    public func busySeconds(of processors: Set<Int>) -> Double? {
        guard !processors.isEmpty else { return nil }
        var sum = 0.0
        for processor in processors {
            guard let seconds = busySeconds[processor] else { return nil }
            sum += seconds
        }
        return sum
    }
}
