public import Settings

/// Settings of the HPA; the defaults are those of `autoscaling/v2` and of kube-controller-manager, but for the target,
/// which has none.
public struct HorizontalPodAutoscalerSettings: Configurable, Equatable {
    /// CPU in use / CPU requested that is aimed at, over the replicas; rounded to whole percents as in the API.
    public var targetUtilization = 0.5
    /// Deviation of the ratio from 1 within which nothing changes.
    public var tolerance = 0.1
    /// Window in seconds over which the largest recommendation holds back a scale-down.
    public var scaleDownStabilization = 300.0
    /// Window in seconds over which the smallest recommendation holds back a scale-up.
    public var scaleUpStabilization = 0.0
    /// Most growth in a period, in percent of the replicas at its start; the larger of this and `scaleUpPods` holds.
    public var scaleUpPercent = 100
    /// Most growth in a period, in replicas.
    public var scaleUpPods = 4
    /// Most shrinkage in a period, in percent of the replicas at its start.
    public var scaleDownPercent = 100
    /// Length of the period of the three above, in seconds.
    public var period = 15.0
    /// Seconds after its creation in which a pod's usage only counts when measured over a window in which it was ready
    /// (`--horizontal-pod-autoscaler-cpu-initialization-period`).
    public var initializationPeriod = 300.0

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("targetUtilization", targetUtilization, in: 0.01...10)
        try require("tolerance", tolerance, in: 0...10)
        try require("scaleDownStabilization", scaleDownStabilization, in: 0...3600)
        try require("scaleUpStabilization", scaleUpStabilization, in: 0...3600)
        try require("scaleUpPercent", scaleUpPercent, in: 1...10_000)
        try require("scaleUpPods", scaleUpPods, in: 1...10_000)
        try require("scaleDownPercent", scaleDownPercent, in: 1...100)
        try require("period", period, in: 1...1800)
        try require("initializationPeriod", initializationPeriod, in: 0...3600)
    }

    /// The target in whole percents, at least 1.
    var targetPercent: Int { max(1, Int((targetUtilization * 100).rounded())) }
}
