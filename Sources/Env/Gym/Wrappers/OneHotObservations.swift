/// Shows a discrete observation as a row of `observationSpace.width` values that are 0 but for a 1 at its index: for
/// learners that take vectors.
public struct OneHotObservations<Base: Environment>: FlatEnvironment where Base.ObservationSpace == Discrete {
    /// The environment underneath.
    public var base: Base

    /// Shows the observations of `base` as rows.
    public init(_ base: Base) { self.base = base }

    public var observationSpace: Box {
        let count = base.observationSpace.count
        return Box(low: [Float](repeating: 0, count: count), high: [Float](repeating: 1, count: count))
    }
    public var actionSpace: Base.ActionSpace { base.actionSpace }
    public var info: Base.Info { base.info }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        write(try base.reset(seed: seed), into: &observation)
    }

    public mutating func step(_ action: Base.Action, into observation: inout MutableSpan<Float>) throws -> Outcome {
        let (index, outcome) = try base.step(action)
        write(index, into: &observation)
        return outcome
    }

    private func write(_ hot: Int, into observation: inout MutableSpan<Float>) {
        for index in 0..<base.observationSpace.count { observation[index] = index == hot ? 1 : 0 }
    }
}

extension OneHotObservations: Sendable where Base: Sendable {}
extension OneHotObservations: Codable where Base: Codable {}
