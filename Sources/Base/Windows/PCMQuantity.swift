/// What is counted. The raw value is the name in JSON; in Prometheus text its spaces are underscores.
public enum PCMQuantity: String, Sendable, Hashable, CaseIterable, Codable {
    /// Instructions retired.
    case instructions = "Instructions Retired Any"
    /// Cycles in which a thread was not halted.
    case cycles = "Clock Unhalted Thread"
    /// The same in units of the reference clock.
    case referenceCycles = "Clock Unhalted Ref"
    /// Last-level cache misses.
    case l3Misses = "L3 Cache Misses"
    /// Last-level cache hits.
    case l3Hits = "L3 Cache Hits"
    /// Level 2 cache misses.
    case l2Misses = "L2 Cache Misses"
    /// Level 2 cache hits.
    case l2Hits = "L2 Cache Hits"
    /// Bytes read from memory.
    case memoryReads = "DRAM Reads"
    /// Bytes written to memory.
    case memoryWrites = "DRAM Writes"
    /// Energy of the package in joules.
    case packageJoules = "Package Joules Consumed"
    /// Energy of the memory modules in joules.
    case memoryJoules = "DRAM Joules Consumed"

    /// Whether threads count it; the memory controllers and the package count the rest.
    public var isOfCores: Bool {
        switch self {
        case .instructions, .cycles, .referenceCycles, .l3Misses, .l3Hits, .l2Misses, .l2Hits: true
        case .memoryReads, .memoryWrites, .packageJoules, .memoryJoules: false
        }
    }

    /// The metric's name in Prometheus text.
    public var metric: String { rawValue.replacing(" ", with: "_") }
}
