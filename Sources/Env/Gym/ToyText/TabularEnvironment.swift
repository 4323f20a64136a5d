/// One thing that can happen after an action in a state.
public struct Transition: Sendable, Equatable {
    /// Its probability, in 0...1.
    public var probability: Double
    /// The next state.
    public var state: Int
    /// The step's reward.
    public var reward: Double
    /// The episode ends with it.
    public var terminated: Bool

    /// One thing that can happen.
    public init(probability: Double, state: Int, reward: Double, terminated: Bool) {
        self.probability = probability
        self.state = state
        self.reward = reward
        self.terminated = terminated
    }
}

/// An environment with finitely many states, which it shows, and a known table of transitions.
///
/// States are 0..<`observationSpace.count`, actions 0..<`actionSpace.count`; the observation is the state.
public protocol TabularEnvironment: Environment, Sendable where ObservationSpace == Discrete, ActionSpace == Discrete {
    /// The present state.
    var state: Int { get }

    /// All that can follow `action` in `state`, in the order of Gymnasium's `P[state][action]`: two entries may lead
    /// to the same state. The probabilities sum to 1.
    /// - Precondition: `state` and `action` are in their spaces.
    func transitions(from state: Int, action: Int) -> [Transition]

    /// The probability of each state as the first of an episode; they sum to 1.
    var firstStates: [Double] { get }

    /// Moves to `state`, as if an episode had led there.
    /// - Precondition: `state` is in the observation space.
    mutating func set(state: Int)
}
