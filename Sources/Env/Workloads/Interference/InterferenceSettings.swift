public import Settings

/// Which node a batch job starts on.
public enum BatchPlacement: String, Sendable, Codable, CaseIterable {
    /// Any node that it fits on, some more often than others (`InterferenceSettings.nodeSkew`).
    case random
    /// The node with the smallest share of its CPU requested, as kube-scheduler would place it.
    case leastRequested
}

/// Batch jobs that come, interfere with the services on their node, and go.
public struct InterferenceSettings: Configurable, Equatable {
    /// Cores that jobs burn in the long run / cores of the cluster; fixes how often they arrive. 0 for no jobs.
    public var load = ValueRange(0.1, 0.3)
    /// The kinds of job.
    public var kinds = [
        BatchJobKind(name: "burn", source: .cpu, intensity: ValueRange(1, 3), cores: ValueRange(0)),
        BatchJobKind(
            name: "cache", source: .lastLevelCache, intensity: ValueRange(4, 16), cores: ValueRange(0.5, 1.5)),
        BatchJobKind(
            name: "stream", source: .memoryBandwidth, intensity: ValueRange(4, 12), cores: ValueRange(0.5, 2)),
        BatchJobKind(name: "hold", source: .memoryCapacity, intensity: ValueRange(0.5, 3), cores: ValueRange(0.1, 0.5)),
    ]
    /// Jobs that arrive together, on one node each.
    public var together = ValueRange(1, 2)
    /// Where they start.
    public var placement = BatchPlacement.random
    /// How unevenly random placement treats nodes: a node's weight is an exponential draw to this power, so 0 treats
    /// all alike and 1 sends most jobs to a few nodes.
    public var nodeSkew = ValueRange(0.3, 1.2)
    /// Most jobs at once per node; further ones are lost.
    public var mostPerNode = 6

    /// Jobs of all four sources that burn 10 to 30 % of the cluster.
    public init() {}

    /// No jobs.
    public static var none: InterferenceSettings {
        var settings = InterferenceSettings()
        settings.load = ValueRange(0)
        return settings
    }

    public func validate() throws(SettingsError) {
        try require("load", load, in: 0...1)
        try require("together", together, in: 1...100)
        try require("nodeSkew", nodeSkew, in: 0...10)
        try require("mostPerNode", mostPerNode, in: 0...100)
        guard load.upper > 0 else { return }
        try require("kinds", notEmpty: kinds)
        try require("kinds", kinds.contains { $0.weight > 0 && $0.meanCores > 0 }, must: "hold one that burns CPU")
    }
}
