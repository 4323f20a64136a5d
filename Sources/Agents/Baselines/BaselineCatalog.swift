public import Cluster
public import Settings

/// Settings of the baselines.
public struct BaselineSettings: Configurable, Equatable {
    /// Settings of `hpa`.
    public var autoscaler = HorizontalPodAutoscalerSettings()
    /// Which version of kube-scheduler `default` is.
    public var balancedAllocation = BalancedAllocationRule.change
    /// Utilisation up to which `target-load` packs, above 0 and below 1.
    public var targetLoad = 0.4

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("targetLoad", targetLoad, in: 0.01...0.99)
    }
}

/// The baselines by name: `PLACEMENT+CONTROL`, as in `default+hpa`, or `random` for both.
public enum BaselineCatalog {
    /// Names of the policies that place pods.
    public static let placements = ["default", "spread", "pack", "balanced", "target-load", "random"]
    /// Names of the policies that decide control.
    public static let controls = ["hpa", "fixed", "random"]
    /// Names of all baselines.
    public static let names = ["random"] + placements.flatMap { placement in controls.map { "\(placement)+\($0)" } }

    /// The baseline called `name`.
    /// - Throws: `UnknownBaseline` when there is none.
    public static func policy(
        named name: String, _ settings: BaselineSettings = BaselineSettings()
    ) throws(UnknownBaseline) -> any Policy {
        let parts = name.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        guard names.contains(name), let first = parts.first, let last = parts.last else {
            throw UnknownBaseline(name: name, valid: names, what: "baselines")
        }
        return CompositePolicy(
            placement: try placement(named: first, settings), control: try control(named: last, settings))
    }

    /// The placement policy called `name`.
    /// - Throws: `UnknownBaseline` when there is none.
    public static func placement(
        named name: String, _ settings: BaselineSettings = BaselineSettings()
    ) throws(UnknownBaseline) -> any Policy {
        switch name {
        case "default": DefaultScheduler(balancedAllocation: settings.balancedAllocation)
        case "spread": Spread()
        case "pack": Pack()
        case "balanced": Balanced()
        case "target-load": TargetLoadPacking(target: settings.targetLoad)
        case "random": RandomPolicy()
        default: throw UnknownBaseline(name: name, valid: placements, what: "placement policies")
        }
    }

    /// The control policy called `name`.
    /// - Throws: `UnknownBaseline` when there is none.
    public static func control(
        named name: String, _ settings: BaselineSettings = BaselineSettings()
    ) throws(UnknownBaseline) -> any Policy {
        switch name {
        case "hpa": HorizontalPodAutoscaler(settings.autoscaler)
        case "fixed": FixedReplicas()
        case "random": RandomPolicy()
        default: throw UnknownBaseline(name: name, valid: controls, what: "control policies")
        }
    }
}

/// A name that no baseline has.
public struct UnknownBaseline: Error, CustomStringConvertible, Sendable, Equatable {
    /// The name asked for.
    public let name: String
    /// The names that exist.
    public let valid: [String]
    private let what: String

    init(name: String, valid: [String], what: String) {
        self.name = name
        self.valid = valid
        self.what = what
    }

    /// What was asked for, the nearest name and all names.
    public var description: String {
        "there is no \(name) among the \(what); \(NearestName.hint(for: name, among: valid, what: what))"
    }
}
