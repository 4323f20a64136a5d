public import Settings

/// How much pressure on a shared resource slows its users down.
///
/// A replica's service time is multiplied by 1 + the sum over resources of sensitivity × g(pressure), where pressure is
/// what the others on the node take / what the node has, and g(p) = p² / (p² + h²) rises from 0 to 1 and passes 1/2 at
/// p = h, as measured slow-downs do: none while there is room, steep near the limit, flat beyond.
public struct ContentionSettings: Configurable, Equatable {
    /// Share of the node's cores used by others at which half of the CPU sensitivity acts.
    public var cpuHalfPoint = 0.7
    /// Bytes touched by others / last-level cache at which half of the cache sensitivity acts.
    public var cacheHalfPoint = 0.7
    /// Memory traffic of others / peak bandwidth at which half of the bandwidth sensitivity acts.
    public var bandwidthHalfPoint = 0.6

    /// Half-points at 60 to 70 % of what the node has.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("cpuHalfPoint", cpuHalfPoint, above: 0)
        try require("cacheHalfPoint", cacheHalfPoint, above: 0)
        try require("bandwidthHalfPoint", bandwidthHalfPoint, above: 0)
    }
}
