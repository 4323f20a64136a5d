/// Something that can be played from its beginning to its end: an agent and what it acts in.
///
/// Networks and tables that are evaluated, policies that are compared and episodes that are recorded differ in how they
/// begin, what they choose and where; `play` is the loop for all of them.
public protocol Episode {
    /// What is chosen in a step.
    associatedtype Choice

    /// Begins.
    /// - Parameter seed: decides the episode and everything that is drawn in it.
    mutating func begin(seed: UInt64) throws

    /// What to do next; `nil` breaks the episode off.
    mutating func choose() throws -> Choice?

    /// Does it.
    mutating func perform(_ choice: Choice) throws -> Outcome
}

/// What an episode added up to.
@frozen
public struct EpisodeTotals: Sendable, Equatable {
    /// Sum of the rewards.
    public var rewards = 0.0
    /// Number of steps.
    public var steps = 0

    /// Of no step.
    @inlinable public init() {}
}

extension Episode {
    /// Plays until a step ends the episode, or until nothing more is chosen.
    /// - Parameters:
    ///   - seed: decides the episode.
    ///   - begun: called once, before the first step.
    ///   - stepped: called after each step with what it yielded.
    /// - Throws: what the episode and the observers throw.
    @inlinable
    @discardableResult
    public mutating func play(
        seed: UInt64, begun: (Self) throws -> Void = { _ in }, stepped: (Self, Outcome) throws -> Void = { _, _ in }
    ) throws -> EpisodeTotals {
        var totals = EpisodeTotals()
        try begin(seed: seed)
        try begun(self)
        var isOver = false
        while !isOver, let choice = try choose() {
            let outcome = try perform(choice)
            totals.rewards += outcome.reward
            totals.steps += 1
            isOver = outcome.ended
            try stepped(self, outcome)
        }
        return totals
    }
}
