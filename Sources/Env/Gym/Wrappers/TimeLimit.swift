/// Cuts episodes off after a number of control intervals, as truncated.
///
/// Time is the sum of `Outcome.elapsed`, so actions that take no time do not count.
public struct TimeLimit<Base: Environment>: Environment {
    /// The environment whose episodes are limited.
    public var base: Base
    /// Longest episode, in control intervals.
    public let limit: Double
    private var elapsed = 0.0

    /// Limits episodes of `base` to `limit` control intervals.
    public init(_ base: Base, limit: Double) {
        self.base = base
        self.limit = limit
    }

    public var observationSpace: Base.ObservationSpace { base.observationSpace }
    public var actionSpace: Base.ActionSpace { base.actionSpace }
    public var info: Base.Info { base.info }

    public mutating func reset(seed: UInt64?) throws -> Base.Observation {
        elapsed = 0
        return try base.reset(seed: seed)
    }

    public mutating func step(_ action: Base.Action) throws -> (observation: Base.Observation, outcome: Outcome) {
        let (observation, outcome) = try base.step(action)
        return (observation, limited(outcome))
    }

    private mutating func limited(_ outcome: Outcome) -> Outcome {
        elapsed += outcome.elapsed
        var outcome = outcome
        if elapsed >= limit, !outcome.terminated { outcome.truncated = true }
        return outcome
    }
}

extension TimeLimit: FlatEnvironment where Base: FlatEnvironment {
    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        elapsed = 0
        try base.reset(seed: seed, into: &observation)
    }

    public mutating func step(_ action: Base.Action, into observation: inout MutableSpan<Float>) throws -> Outcome {
        limited(try base.step(action, into: &observation))
    }
}

extension TimeLimit: CandidateEnvironment where Base: CandidateEnvironment {
    public mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        elapsed = 0
        try base.reset(seed: seed, appendingTo: &batch)
    }

    public mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        limited(try base.step(action, appendingTo: &batch))
    }
}

extension TimeLimit: Sendable where Base: Sendable {}
extension TimeLimit: Codable where Base: Codable {}
