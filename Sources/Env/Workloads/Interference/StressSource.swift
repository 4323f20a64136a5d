/// The shared resource that a stress pod is after: the sources of iBench (Delimitrou and Kozyrakis, "iBench: Quantifying
/// interference for datacenter applications", IISWC 2013), as stress-ng makes them.
public enum StressSource: String, Sendable, Codable, CaseIterable {
    /// CPU time.
    case cpu
    /// Last-level cache.
    case lastLevelCache
    /// First-level data cache.
    case l1d
    /// First-level instruction cache.
    case l1i
    /// Memory bandwidth.
    case memoryBandwidth
    /// Memory.
    case memoryCapacity
    /// Sockets over loopback.
    case network
    /// Reads, writes and synchronisation of files.
    case disk

    /// Name in lower case with hyphens, as in the names of Kubernetes objects.
    public var hyphenated: String {
        rawValue.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }

    /// The unit that an amount of it is given in; `nil` where stress-ng has no measure of it, so that only a level can be
    /// given.
    public var unit: String? {
        switch self {
        case .cpu: "cores"
        case .memoryBandwidth: "MB/s"
        case .memoryCapacity: "MiB"
        case .lastLevelCache, .l1d, .l1i, .network, .disk: nil
        }
    }

    /// What the simulator knows this source as; `nil` for what it does not model.
    public var simulated: InterferenceSource? {
        switch self {
        case .cpu: .cpu
        case .lastLevelCache: .lastLevelCache
        case .memoryBandwidth: .memoryBandwidth
        case .memoryCapacity: .memoryCapacity
        case .l1d, .l1i, .network, .disk: nil
        }
    }
}
