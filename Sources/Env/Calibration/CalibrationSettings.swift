public import Live
import Randomness
public import Settings
public import Simulator
public import Workloads

/// What `berth calibrate` reads from its configuration file: a sweep on a live cluster, and how the simulator is fitted
/// to what it measured.
public struct CalibrationSettings: Configurable, Equatable {
    /// The cluster and the service, of which there must be one; its load's rate and pattern are the sweep's.
    public var live = LiveSettings()
    /// Name of the node that replicas and interference run on.
    public var node = ""
    /// The sweep.
    public var sweep = SweepSettings()
    /// The node as the simulator plays it.
    public var model = NodeKind()
    /// Half-points of contention: not fitted, since a sweep of few levels cannot tell them from the sensitivities.
    public var contention = ContentionSettings()
    /// What stress pods take; `bandwidthCores` is fitted.
    public var stress = StressCost()

    /// A sweep without a service; `live` and `node` have to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("live.services", live.services.count == 1, must: "hold one service, found \(live.services.count)")
        try require("node", notEmpty: node)
        for (index, load) in sweep.loads.enumerated() {
            try require(
                "sweep.loads[\(index)].replicas", load.replicas <= live.services[0].maximumReplicas,
                must: "be at most live.services[0].maximumReplicas, \(live.services[0].maximumReplicas)")
        }
    }
}

/// A load of the sweep.
public struct SweepLoad: Configurable, Equatable {
    /// Replicas on the node.
    public var replicas = 1
    /// Requests per second, all replicas together.
    public var rate = 10.0

    /// 10 requests per second to one replica.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("replicas", replicas, in: 1...1000)
        try require("rate", rate, above: 0)
    }
}

/// A kind of interference of the sweep.
public struct SweepInterference: Configurable, Equatable {
    /// The resource that it is after.
    public var source = StressSource.cpu
    /// Levels from 0, exclusive, to 1.
    public var levels = [0.5, 1.0]

    /// CPU at half and full strength.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("levels", notEmpty: levels)
        for (index, level) in levels.enumerated() {
            try require("levels[\(index)]", level, above: 0)
            try require("levels[\(index)]", level, in: ...1)
        }
    }
}

/// Every load alone and beside every level of every source.
public struct SweepSettings: Configurable, Equatable {
    /// Loads; each is measured alone too.
    public var loads: [SweepLoad] = []
    /// Interference.
    public var interference: [SweepInterference] = []
    /// CPU that the interference requests in cores: its weight against the replicas.
    public var cpuRequest = 0.1
    /// MB/s that level 1 of `memoryBandwidth` asks for.
    public var fullBandwidth = 4000.0
    /// The container image of the interference, with stress-ng on its path.
    public var image = "localhost/bench:1"
    /// Seconds under load before the first window of a point.
    public var settle = 5.0
    /// Windows of a point; its figures are their medians.
    public var windows = 3
    /// Length of a window in seconds.
    public var windowSeconds = 30.0
    /// Points, evenly spread over the sweep, that are measured a second time at its end: how well a measurement
    /// repeats.
    public var repeats = 6
    /// Share of the points that are held out of the fit.
    public var heldOutShare = 0.3
    /// Decides the order of the points, which are held out, and the arrivals.
    public var seed: UInt64 = 0

    /// A sweep without points.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("loads", notEmpty: loads)
        try require("cpuRequest", cpuRequest, in: 0...1024)
        try require("fullBandwidth", fullBandwidth, in: 1...1e6)
        try require("image", notEmpty: image)
        try require("settle", settle, in: 0...3600)
        try require("windows", windows, in: 1...100)
        try require("windowSeconds", windowSeconds, in: 1...3600)
        try require("repeats", repeats, in: 0...1000)
        try require("heldOutShare", heldOutShare, in: 0...0.9)
    }

    /// The points, load by load, each alone first.
    public var points: [CalibrationPoint] {
        loads.flatMap { load in
            [CalibrationPoint(replicas: load.replicas, rate: load.rate)]
                + interference.flatMap { kind in
                    kind.levels.map {
                        CalibrationPoint(replicas: load.replicas, rate: load.rate, source: kind.source, level: $0)
                    }
                }
        }
    }

    /// What is measured, in order: every point once in random order, so that drift of the machine is no effect of a
    /// factor, then those that are repeated. `round` is 0 or 1.
    public var schedule: [(point: CalibrationPoint, round: Int)] {
        var generator = RandomGenerator(seed: seed, stream: 1)
        var first = points
        generator.shuffle(&first)
        let count = min(repeats, points.count)
        let again = (0..<count).map { points[$0 * points.count / count] }
        return first.map { ($0, 0) } + again.map { ($0, 1) }
    }

    /// The points that the fit does not see.
    public var heldOut: Set<CalibrationPoint> {
        var generator = RandomGenerator(seed: seed, stream: 2)
        var shuffled = points
        generator.shuffle(&shuffled)
        return Set(shuffled.prefix(Int((heldOutShare * Double(points.count)).rounded())))
    }

    /// Seed of the arrivals at a point: another one for each point and round, the same whenever it is measured.
    public func arrivalSeed(_ point: CalibrationPoint, round: Int) -> UInt64 {
        let index = points.firstIndex(of: point) ?? 0
        return seed &* 1_000_003 &+ UInt64(round * points.count + index)
    }

    /// The stress pod of a point; `nil` for none.
    public func specification(_ point: CalibrationPoint) -> InterferenceSpecification? {
        guard let source = point.source else { return nil }
        var specification = InterferenceSpecification()
        specification.source = source
        specification.level = point.level
        specification.fullBandwidth = fullBandwidth
        specification.cpuRequest = cpuRequest
        return specification
    }
}
