/// What a step yields beside the observation.
@frozen
public struct Outcome: Sendable, Equatable, Codable, BitwiseCopyable {
    /// Reward of the step.
    public var reward: Double
    /// Time that the step took, in control intervals: 1 where every step is an interval, 0 for an action that takes
    /// no time. Returns are discounted by it.
    public var elapsed: Double
    /// The episode reached a state with no future; its value is 0.
    public var terminated: Bool
    /// The episode was cut off in a state with a future; its value has to be estimated.
    public var truncated: Bool

    /// The outcome of one step.
    @inlinable
    public init(reward: Double, elapsed: Double = 1, terminated: Bool = false, truncated: Bool = false) {
        self.reward = reward
        self.elapsed = elapsed
        self.terminated = terminated
        self.truncated = truncated
    }

    /// The episode is over, one way or the other.
    @inlinable public var ended: Bool { terminated || truncated }
}

/// What an agent acts in: Gymnasium's `Env` with explicit seeds and, for each step, its elapsed time.
///
/// Same seed, same actions: same observations, rewards and endings. `EnvironmentChecker` verifies it.
public protocol Environment {
    /// The space of observations.
    associatedtype ObservationSpace: Space
    /// The space of actions.
    associatedtype ActionSpace: Space
    /// What the environment can tell about its last step.
    associatedtype Info = Void
    /// A value of the observation space.
    typealias Observation = ObservationSpace.Element
    /// A value of the action space.
    typealias Action = ActionSpace.Element

    /// Where observations lie.
    var observationSpace: ObservationSpace { get }
    /// The actions that are legal now.
    var actionSpace: ActionSpace { get }
    /// More about the last step; not part of the observation.
    var info: Info { get }

    /// Starts an episode.
    /// - Parameter seed: seeds the environment's generator; `nil` lets it go on from where it stands.
    /// - Returns: the first observation.
    mutating func reset(seed: UInt64?) throws -> Observation

    /// Takes one action.
    /// - Returns: the next observation and what the step yielded.
    /// - Throws: when the action is not legal now or the episode is over.
    mutating func step(_ action: Action) throws -> (observation: Observation, outcome: Outcome)
}

extension Environment where Info == Void {
    /// Nothing more to tell.
    public var info: Void { () }
}

/// An environment whose observations are vectors of fixed width that it writes into memory of the caller.
public protocol FlatEnvironment: Environment where ObservationSpace == Box {
    /// Starts an episode and writes the first observation, `observationSpace.width` values, into `observation`.
    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws

    /// Takes one action and writes the next observation, `observationSpace.width` values, into `observation`.
    mutating func step(_ action: Action, into observation: inout MutableSpan<Float>) throws -> Outcome
}

extension FlatEnvironment {
    public mutating func reset(seed: UInt64?) throws -> [Float] {
        var observation = [Float](repeating: 0, count: observationSpace.width)
        var span = observation.mutableSpan
        try reset(seed: seed, into: &span)
        return observation
    }

    public mutating func step(_ action: Action) throws -> (observation: [Float], outcome: Outcome) {
        var observation = [Float](repeating: 0, count: observationSpace.width)
        var span = observation.mutableSpan
        let outcome = try step(action, into: &span)
        return (observation, outcome)
    }
}

/// An environment whose every decision is a choice from a list of legal candidates, each with its own feature row.
///
/// An action is an index into the list of the observation last given; `actionSpace` has as many values as that list.
public protocol CandidateEnvironment: Environment where ObservationSpace == CandidateSpace, ActionSpace == Discrete {
    /// Starts an episode and appends the first observation to `batch`.
    mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws

    /// Takes the candidate at index `action` and appends the next observation to `batch`.
    ///
    /// An observation is appended after the last step of an episode too; its list may then be empty.
    mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome
}

extension CandidateEnvironment {
    public mutating func reset(seed: UInt64?) throws -> CandidateBatch {
        var observation = CandidateBatch(space: observationSpace)
        try reset(seed: seed, appendingTo: &observation)
        return observation
    }

    public mutating func step(_ action: Int) throws -> (observation: CandidateBatch, outcome: Outcome) {
        var observation = CandidateBatch(space: observationSpace)
        let outcome = try step(action, appendingTo: &observation)
        return (observation, outcome)
    }
}

/// Why an environment refused a call.
public struct EnvironmentError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }

    /// The error of stepping an episode that has not begun or is over.
    public static let needsReset = EnvironmentError("the episode is over or has not begun: call reset first")
}
