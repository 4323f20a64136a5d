public import Settings

/// Weights of the reward's terms: reward = -(overObjective · share of requests over the objective
/// + cost · share of the allocatable cores requested + churn · changes per desired replica), for each interval.
public struct RewardSettings: Configurable, Equatable {
    /// Weight of the share of requests over the latency objective, 0 to 1 in an interval.
    public var overObjective = 1.0
    /// Weight of the cores requested by the services / cores allocatable, 0 to 1 in an interval.
    public var cost = 0.5
    /// Weight of (evictions + replicas created or removed) / desired replicas in an interval.
    public var churn = 0.02

    /// The default weights.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("overObjective", overObjective, in: 0...1000)
        try require("cost", cost, in: 0...1000)
        try require("churn", churn, in: 0...1000)
    }
}

/// The reward of one interval, term by term; the terms are costs, before their weights.
public struct RewardTerms: Sendable, Hashable, Codable {
    /// Requests over the objective / requests that arrived, all services together; 0 when none arrived.
    public var overObjective = 0.0
    /// Cores requested by the services / cores allocatable, mean over the interval.
    public var cost = 0.0
    /// (evictions + replicas created or removed) / desired replicas.
    public var churn = 0.0

    /// Terms of 0.
    public init() {}

    /// The terms of an interval after which `desiredReplicas` replicas are desired.
    public init(_ report: IntervalReport, desiredReplicas: Int) {
        let arrived = report.services.reduce(0) { $0 + $1.arrived }
        let over = report.services.reduce(0) { $0 + $1.overObjective }
        // Requests of earlier intervals that died with their replica can exceed a small number that arrived in this one.
        overObjective = arrived > 0 ? min(1, over / arrived) : over > 0 ? 1 : 0
        if report.allocatableCoreSeconds > 0 {
            cost = report.requestedCoreSeconds / report.allocatableCoreSeconds
        }
        churn = Double(report.evictions + report.replicaChanges) / Double(max(1, desiredReplicas))
    }

    /// The weighted sum, negated.
    public func reward(_ weights: RewardSettings) -> Double {
        -(weights.overObjective * overObjective + weights.cost * cost + weights.churn * churn)
    }
}
