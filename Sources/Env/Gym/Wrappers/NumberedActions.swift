/// Takes the number of a vector of actions (`MultiDiscrete.index(of:)`) in place of the vector: for learners, which keep
/// one number for each action. A network whose logits have the parts of the vector still draws each component on its own.
public struct NumberedActions<Base: FlatEnvironment>: FlatEnvironment where Base.ActionSpace == MultiDiscrete {
    /// The environment underneath.
    public var base: Base

    /// Numbers the actions of `base`.
    public init(_ base: Base) { self.base = base }

    public var observationSpace: Box { base.observationSpace }
    public var actionSpace: Discrete { Discrete(count: base.actionSpace.product) }
    public var info: Base.Info { base.info }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        try base.reset(seed: seed, into: &observation)
    }

    public mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        try base.step(base.actionSpace.value(at: action), into: &observation)
    }
}

extension NumberedActions: Sendable where Base: Sendable {}
extension NumberedActions: Codable where Base: Codable {}
