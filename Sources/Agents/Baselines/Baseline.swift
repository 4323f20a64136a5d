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

/// A baseline: who places pods and who decides control. It is written `PLACEMENT+CONTROL`, as in `default+hpa`, or
/// `random` for both.
public struct Baseline: Sendable, Equatable {
    /// Who places pods.
    public enum Placement: String, Sendable, CaseIterable {
        /// kube-scheduler's own scoring.
        case defaultScheduler = "default"
        /// Onto the node where the service has the fewest replicas.
        case spread
        /// Onto the fullest node that it fits on.
        case pack
        /// Onto the node that is then the least loaded.
        case balanced
        /// Onto the node that it brings nearest to a target utilisation.
        case targetLoad = "target-load"
        /// Onto any node.
        case random

        /// The policy.
        public func policy(_ settings: BaselineSettings = BaselineSettings()) -> any Policy {
            switch self {
            case .defaultScheduler: DefaultScheduler(balancedAllocation: settings.balancedAllocation)
            case .spread: Spread()
            case .pack: Pack()
            case .balanced: Balanced()
            case .targetLoad: TargetLoadPacking(target: settings.targetLoad)
            case .random: RandomPolicy()
            }
        }
    }

    /// Who decides control.
    public enum Control: String, Sendable, CaseIterable {
        /// The HorizontalPodAutoscaler.
        case hpa
        /// Nobody: numbers of replicas stay as they are.
        case fixed
        /// Any legal action.
        case random

        /// The policy.
        public func policy(_ settings: BaselineSettings = BaselineSettings()) -> any Policy {
            switch self {
            case .hpa: HorizontalPodAutoscaler(settings.autoscaler)
            case .fixed: FixedReplicas()
            case .random: RandomPolicy()
            }
        }
    }

    /// What a name stands for, in the order that they are listed in.
    private static let all =
        [Baseline(name: "random", placement: .random, control: .random)]
        + Placement.allCases.flatMap { placement in
            Control.allCases.map { Baseline(placement, $0) }
        }

    /// Names of all baselines.
    public static let names = all.map(\.name)

    /// How it is written.
    public let name: String
    /// Who places pods.
    public let placement: Placement
    /// Who decides control.
    public let control: Control

    private init(name: String, placement: Placement, control: Control) {
        (self.name, self.placement, self.control) = (name, placement, control)
    }

    /// The baseline in which these two decide.
    public init(_ placement: Placement, _ control: Control) {
        self.init(
            name: "\(placement.rawValue)+\(control.rawValue)", placement: placement, control: control)
    }

    /// The baseline that is written so.
    /// - Throws: `UnknownBaseline` when there is none.
    public init(named name: String) throws(UnknownBaseline) {
        guard let known = Self.all.first(where: { $0.name == name }) else { throw UnknownBaseline(name: name) }
        self = known
    }

    /// The policy that decides both.
    public func policy(_ settings: BaselineSettings = BaselineSettings()) -> any Policy {
        CompositePolicy(placement: placement.policy(settings), control: control.policy(settings))
    }
}

/// A name that no baseline has.
public struct UnknownBaseline: Error, CustomStringConvertible, Sendable, Equatable {
    /// The name asked for.
    public let name: String

    /// What was asked for, the nearest name and all names.
    public var description: String {
        "there is no baseline \"\(name)\"; \(NearestName.hint(for: name, among: Baseline.names, what: "baselines"))"
    }
}
