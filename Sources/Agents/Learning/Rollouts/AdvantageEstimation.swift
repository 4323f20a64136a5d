import Foundation

/// Generalised advantage estimation (Schulman et al., "High-dimensional continuous control using generalized advantage
/// estimation", 2016) with discounts by elapsed time.
///
/// For a transition that takes Δt control intervals, δ = r + γ^Δt V' - V and Â = δ + (γλ)^Δt Â', so that neither γ nor
/// λ is spent on actions that take no time. V' is 0 after a termination; after a truncation it is the value of the
/// episode's last observation; Â' is 0 after either.
public struct AdvantageEstimation: Sendable {
    /// Discount γ of one control interval, in (0, 1].
    public var discount: Double
    /// λ of one control interval, in 0...1: 0 gives one-step differences, 1 whole returns.
    public var lambda: Double

    /// An estimation with these discounts.
    public init(discount: Double, lambda: Double) {
        self.discount = discount
        self.lambda = lambda
    }

    /// Successive transitions of one environment.
    public struct Trajectory: Sendable {
        /// Reward of each step.
        public var rewards: [Float] = []
        /// Control intervals each step took.
        public var elapsed: [Float] = []
        /// Value of the state before each step.
        public var values: [Float] = []
        /// Value V' after each step: of the next state; of the episode's last observation where it was truncated; 0
        /// where it terminated.
        public var nextValues: [Float] = []
        /// Whether the episode was over after each step.
        public var ended: [Bool] = []

        /// No transitions.
        public init() {}
    }

    /// The advantage of each step; advantage + value is the return to learn the value from.
    public func advantages(_ trajectory: Trajectory) -> [Float] {
        var advantages = [Float](repeating: 0, count: trajectory.rewards.count)
        var next = 0.0
        for step in advantages.indices.reversed() {
            let elapsed = Double(trajectory.elapsed[step])
            let (gamma, decay) =
                switch elapsed {
                case 0: (1.0, 1.0)
                case 1: (discount, discount * lambda)
                default: (pow(discount, elapsed), pow(discount * lambda, elapsed))
                }
            let delta =
                Double(trajectory.rewards[step]) + gamma * Double(trajectory.nextValues[step])
                - Double(trajectory.values[step])
            next = delta + (trajectory.ended[step] ? 0 : decay * next)
            advantages[step] = Float(next)
        }
        return advantages
    }
}
