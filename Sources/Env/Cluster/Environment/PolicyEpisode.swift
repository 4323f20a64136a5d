public import Gym
import Randomness

/// An episode in which a policy decides everything in a cluster.
public struct PolicyEpisode<Backend: ClusterBackend>: Episode {
    /// What the policy acts in.
    public private(set) var environment: ClusterEnvironment<Backend>
    /// How long the policy took for the last decision.
    public private(set) var decisionTime = Duration.zero
    private var policy: any Policy
    private var generator = RandomGenerator(seed: 0)
    private let isCancelled: () -> Bool
    private let clock = ContinuousClock()

    /// - Parameters:
    ///   - policy: decides; it is reset at the beginning.
    ///   - environment: what it decides in.
    ///   - isCancelled: asked before each decision; `true` breaks the episode off.
    public init(
        of policy: any Policy, in environment: ClusterEnvironment<Backend>,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        (self.policy, self.environment, self.isCancelled) = (policy, environment, isCancelled)
    }

    public mutating func begin(seed: UInt64) throws {
        // Draws among equal preferences.
        generator = RandomGenerator(seed: seed, stream: 7)
        policy.reset()
        try environment.begin(seed: seed)
    }

    public mutating func choose() throws -> Int? {
        guard !isCancelled(), let decision = environment.decision else { return nil }
        let start = clock.now
        let choice = try policy.choose(decision, in: environment.snapshot, using: &generator)
        decisionTime = clock.now - start
        return choice
    }

    public mutating func perform(_ choice: Int) throws -> Outcome { try environment.perform(choice) }
}
