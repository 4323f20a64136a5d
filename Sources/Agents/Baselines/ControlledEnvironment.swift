public import Cluster
public import Gym
import Randomness

/// A cluster environment in some of whose episodes a controller of the cluster's own, such as the HPA, decides all
/// control: the situation of a policy that is only asked for placements.
///
/// In such an episode every control decision has a single candidate, the controller's choice, so a policy gains and
/// loses nothing by it while its critic sees the same time pass.
public struct ControlledEnvironment<Backend: ClusterBackend, Controller: Policy>: CandidateEnvironment {
    /// The environment underneath.
    public private(set) var base: ClusterEnvironment<Backend>
    /// Decides control in the episodes that it has.
    public private(set) var controller: Controller
    /// Share of the episodes in which the controller decides control, 0 to 1.
    public let share: Double
    /// True when the controller decides control in this episode.
    public private(set) var isControlled = false
    private var generator: RandomGenerator

    /// An environment over `base`.
    /// - Parameter seed: decides which episodes are the controller's and how it draws among equals.
    public init(_ base: ClusterEnvironment<Backend>, controller: Controller, share: Double, seed: UInt64) {
        self.base = base
        self.controller = controller
        self.share = share
        generator = RandomGenerator(seed: seed)
    }

    public var observationSpace: CandidateSpace { base.observationSpace }
    public var actionSpace: Discrete { base.actionSpace }
    public var info: ClusterInfo { base.info }

    public mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        if let seed { generator = RandomGenerator(seed: seed, stream: 1) }
        isControlled = generator.chance(share)
        controller.reset()
        try base.begin(seed: seed)
        try control()
        base.observe(appendingTo: &batch)
    }

    public mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        let outcome = try base.perform(action)
        try control()
        base.observe(appendingTo: &batch)
        return outcome
    }

    private mutating func control() throws {
        guard isControlled, let decision = base.decision, case .control = decision.kind else { return }
        base.restrict(to: try controller.choose(decision, in: base.snapshot, using: &generator))
    }
}

extension ControlledEnvironment: Sendable where Backend: Sendable, Controller: Sendable {}
extension ControlledEnvironment: Codable where Backend: Codable, Controller: Codable {}
extension ControlledEnvironment: PartlyStored {
    public mutating func takeUnstored(from other: Self) { base.takeUnstored(from: other.base) }
}
