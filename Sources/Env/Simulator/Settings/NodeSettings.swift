public import Settings
public import Workloads

/// A kind of node.
public struct NodeKind: Configurable, Equatable {
    /// Prefix of the nodes' names.
    public var name = "node"
    /// Cores.
    public var cores = 4.0
    /// Speed of a core; service times hold for a speed of 1.
    public var speed = 1.0
    /// Memory in GiB.
    public var memoryGiB = 16.0
    /// Last-level cache in MiB.
    public var cacheMiB = 16.0
    /// Peak memory bandwidth in GB/s.
    public var bandwidthGB = 20.0
    /// Cores that the system keeps for itself and uses.
    public var reservedCores = 0.1
    /// Memory that the system keeps for itself and uses, in GiB.
    public var reservedMemoryGiB = 0.5
    /// Most pods.
    public var maximumPods = 110
    /// Pods of the system: they count towards the most pods, and what they use is part of what is reserved.
    public var systemPods = ValueRange(0)
    /// How often this kind is drawn, relative to the others.
    public var weight = 1.0

    /// A node of four cores.
    public init() {}

    /// A kind of node that differs from the default in what is given.
    public init(name: String, cores: Double, speed: Double, memoryGiB: Double, cacheMiB: Double, bandwidthGB: Double) {
        (self.name, self.cores, self.speed) = (name, cores, speed)
        (self.memoryGiB, self.cacheMiB, self.bandwidthGB) = (memoryGiB, cacheMiB, bandwidthGB)
    }

    public func validate() throws(SettingsError) {
        try require("name", notEmpty: name)
        try require("cores", cores, above: 0)
        try require("speed", speed, in: 0.01...100)
        try require("memoryGiB", memoryGiB, above: 0)
        try require("cacheMiB", cacheMiB, above: 0)
        try require("bandwidthGB", bandwidthGB, above: 0)
        try require("reservedCores", reservedCores, in: 0...cores * 0.9)
        try require("reservedMemoryGiB", reservedMemoryGiB, in: 0...memoryGiB * 0.9)
        try require("maximumPods", maximumPods, in: 1...100_000)
        try require("systemPods", systemPods, in: 0...100_000)
        try require("weight", weight, in: 0...)
    }
}

/// The nodes of a simulated cluster.
public struct NodeSettings: Configurable, Equatable {
    /// Number of nodes.
    public var count = ValueRange(4)
    /// The kinds that nodes are drawn from.
    public var kinds = [
        NodeKind(name: "small", cores: 4, speed: 1, memoryGiB: 16, cacheMiB: 16, bandwidthGB: 20),
        NodeKind(name: "large", cores: 8, speed: 1, memoryGiB: 32, cacheMiB: 32, bandwidthGB: 40),
        NodeKind(name: "old", cores: 6, speed: 0.8, memoryGiB: 24, cacheMiB: 12, bandwidthGB: 15),
    ]
    /// Times that a node is lost, per hour of its life; 0 for never.
    public var lossesPerHour = ValueRange(0)
    /// Seconds until a lost node returns.
    public var outage = ValueRange(120, 600)
    /// Seconds until the replicas of a lost node are replaced by pending ones.
    public var evictionDelay = ValueRange(40, 60)

    /// Four nodes of unequal kinds that are never lost.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("count", count, in: 1...100_000)
        try require("kinds", notEmpty: kinds)
        try require("kinds", kinds.contains { $0.weight > 0 }, must: "hold one with a weight above 0")
        try require("lossesPerHour", lossesPerHour, in: 0...3600)
        try require("outage", outage, above: 0)
        try require("evictionDelay", evictionDelay, in: 0...)
    }
}
