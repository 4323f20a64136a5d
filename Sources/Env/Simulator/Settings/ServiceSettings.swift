public import Settings
public import Workloads

/// A kind of service, as ranges to draw services from.
public struct ServiceKind: Configurable, Equatable {
    /// Prefix of the service's name.
    public var name = "web"
    /// Family of the service time's distribution.
    public var serviceTime = ServiceTimeFamily.logNormal
    /// Mean CPU time of a request on a core of speed 1 without contention, in seconds.
    public var meanServiceTime = ValueRange(0.01, 0.06)
    /// Squared coefficient of variation of the service time, for `logNormal`.
    public var squaredVariation = ValueRange(0.3, 1.2)
    /// The latency objective / mean service time.
    public var objectiveFactor = ValueRange(6, 20)
    /// The time-out for waiting / latency objective.
    public var timeoutFactor = ValueRange(8, 12)
    /// Requests that a replica works on at once, each on a core of its own.
    public var workers = ValueRange(2, 4)
    /// Requests that may wait in a replica's queue; more are rejected.
    public var queueLimit = 1000.0
    /// CPU that a replica requests, in cores.
    public var cpuRequest = ValueRange(0.5, 1.25)
    /// CPU limit / CPU request; 0 for no limit.
    public var limitFactor = ValueRange(0)
    /// Bounds that resizing keeps, as multiples of the first CPU request.
    public var resizeBounds = ValueRange(0.5, 2)
    /// Memory that a replica requests, in GiB.
    public var memoryRequestGiB = ValueRange(0.25, 1)
    /// Memory that a replica uses / memory that it requests.
    public var memoryUse = ValueRange(0.6, 1.1)
    /// Requests per second at level 1 of the load pattern; absent: from `ServiceSettings.load`.
    public var rate: ValueRange?
    /// Replicas at the start; absent: enough for the base rate at `ServiceSettings.initialUtilization`.
    public var replicas: ValueRange?
    /// Fewest replicas.
    public var minimumReplicas = 1
    /// Most replicas.
    public var maximumReplicas = 20
    /// Share of the desired replicas that the disruption budget lets be away; at least one.
    public var maximumUnavailable = ValueRange(0.25)
    /// Probability that the service's CPU request is changed in place; otherwise a rollout replaces its replicas.
    public var resizesInPlace = 1.0
    /// Mean seconds from binding to ready.
    public var startup = ValueRange(8, 30)
    /// Squared coefficient of variation of the start-up time, which is log-normal.
    public var startupVariation = 0.2
    /// Seconds that a terminating replica takes to finish its requests and be gone.
    public var termination = ValueRange(5, 25)
    /// Slow-down under full contention by CPU of others on the node (shared cores) - 1. As fitted on the testbed
    /// (experiments/calibration), like the two that follow.
    public var cpuSensitivity = ValueRange(0.0595)
    /// Slow-down under full contention for the last-level cache - 1.
    public var cacheSensitivity = ValueRange(0.1035)
    /// Slow-down under full contention for memory bandwidth - 1.
    public var bandwidthSensitivity = ValueRange(0.1011)
    /// Last-level cache that a busy replica touches again and again, in MiB.
    public var cacheMiB = ValueRange(0.5, 4)
    /// Memory traffic per busy core, in GB/s.
    public var bandwidthGB = ValueRange(0.3, 2)
    /// How often this kind is drawn, relative to the others.
    public var weight = 1.0

    /// A web service.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("name", notEmpty: name)
        try require("meanServiceTime", meanServiceTime, above: 0)
        try require("squaredVariation", squaredVariation, in: 0...4)
        try require("objectiveFactor", objectiveFactor, above: 0)
        try require("timeoutFactor", timeoutFactor, in: 1...)
        try require("workers", workers, in: 1...64)
        try require("queueLimit", queueLimit, in: 1...)
        try require("cpuRequest", cpuRequest, above: 0)
        try require("limitFactor", limitFactor, in: 0...)
        try require(
            "limitFactor", limitFactor.upper == 0 || limitFactor.lower >= 1, must: "be 0, or at least 1 throughout")
        try require("resizeBounds", resizeBounds, above: 0)
        try require("resizeBounds", resizeBounds.lower <= 1 && resizeBounds.upper >= 1, must: "include 1")
        try require("memoryRequestGiB", memoryRequestGiB, in: 0...)
        try require("memoryUse", memoryUse, in: 0...100)
        if let rate { try require("rate", rate, in: 0...) }
        if let replicas { try require("replicas", replicas, in: 0...10_000) }
        try require("minimumReplicas", minimumReplicas, in: 0...10_000)
        try require("maximumReplicas", maximumReplicas, in: max(1, minimumReplicas)...10_000)
        try require("maximumUnavailable", maximumUnavailable, in: 0...1)
        try require("resizesInPlace", resizesInPlace, in: 0...1)
        try require("startup", startup, in: 0...)
        try require("startupVariation", startupVariation, in: 0...100)
        try require("termination", termination, in: 0...)
        try require("cpuSensitivity", cpuSensitivity, in: 0...100)
        try require("cacheSensitivity", cacheSensitivity, in: 0...100)
        try require("bandwidthSensitivity", bandwidthSensitivity, in: 0...100)
        try require("cacheMiB", cacheMiB, in: 0...)
        try require("bandwidthGB", bandwidthGB, in: 0...)
        try require("weight", weight, in: 0...)
    }
}

/// How the replicas that exist at the start are placed.
public enum InitialPlacement: String, Sendable, Codable, CaseIterable {
    /// Spread: each on the feasible node with the smallest share of its CPU requested, and ready.
    case spread
    /// Not at all: they are pending.
    case pending
}

/// The services of a simulated cluster.
public struct ServiceSettings: Configurable, Equatable {
    /// Number of services.
    public var count = ValueRange(2, 3)
    /// The kinds that services are drawn from.
    public var kinds = [ServiceKind()]
    /// Cores that all services need at level 1 of their load patterns / cores of the cluster.
    public var load = ValueRange(0.15, 0.4)
    /// Load patterns, each as likely as any other.
    public var patterns: [LoadPattern] = [
        .constant(ConstantLoad()), .ramp(RampLoad()), .periodic(PeriodicLoad()), .random(RandomLoad()),
    ]
    /// Standard deviation of the rate's logarithm from one interval to the next, on top of the pattern.
    public var rateNoise = ValueRange(0, 0.05)
    /// Whether the number of requests in an interval is a Poisson draw; otherwise it is its mean.
    public var poissonArrivals = true
    /// CPU use at level 1 / CPU requested that decides the number of replicas at the start.
    public var initialUtilization = ValueRange(0.45, 0.8)
    /// How the replicas that exist at the start are placed.
    public var initialPlacement = InitialPlacement.spread

    /// Two or three web services that never see a spike.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("count", count, in: 1...10_000)
        try require("kinds", notEmpty: kinds)
        try require("kinds", kinds.contains { $0.weight > 0 }, must: "hold one with a weight above 0")
        try require("load", load, in: 0...10)
        try require("patterns", notEmpty: patterns)
        try require("rateNoise", rateNoise, in: 0...2)
        try require("initialUtilization", initialUtilization, in: 0.01...10)
    }
}
