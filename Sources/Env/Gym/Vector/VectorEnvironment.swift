/// Several copies of a flat environment, stepped together, that write into memory of the caller.
///
/// An environment whose episode ends is reset in the same step (Gymnasium's same-step mode): its row of observations
/// is then the first of the next episode, and the last of the old one goes to `finalObservations`, so that a
/// truncated episode can be bootstrapped.
public struct VectorEnvironment<Base: FlatEnvironment> {
    /// The copies.
    public var environments: [Base]
    /// Features of an observation.
    public let width: Int

    /// A vector of environments of one observation width.
    /// - Precondition: at least one environment.
    public init(_ environments: [Base]) {
        precondition(!environments.isEmpty, "a vector environment needs at least one environment")
        self.environments = environments
        width = environments[0].observationSpace.width
        precondition(environments.allSatisfy { $0.observationSpace.width == environments[0].observationSpace.width })
    }

    /// Number of copies.
    public var count: Int { environments.count }

    /// Starts an episode in each copy, copy i with `seeds[i]`.
    /// - Parameter observations: count × width values.
    public mutating func reset(seeds: [UInt64], into observations: inout MutableSpan<Float>) throws {
        precondition(seeds.count == count && observations.count == count * width, "one seed and one row a copy")
        for index in environments.indices {
            try observations.withUnsafeMutableBufferPointer { all in
                let slice = all.extracting(index * width..<(index + 1) * width)
                var row = slice.mutableSpan
                try environments[index].reset(seed: seeds[index], into: &row)
            }
        }
    }

    /// Steps each copy.
    /// - Parameters:
    ///   - actions: an action for each copy.
    ///   - observations: count × width values, the next observation of each copy.
    ///   - outcomes: what each step yielded.
    ///   - finalObservations: count × width values; only rows of copies whose episode ended are written.
    @inlinable
    public mutating func step(
        _ actions: Span<Base.Action>, into observations: inout MutableSpan<Float>,
        outcomes: inout MutableSpan<Outcome>, finalObservations: inout MutableSpan<Float>
    ) throws {
        for index in environments.indices {
            let action = actions[index]
            outcomes[index] = try observations.withUnsafeMutableBufferPointer { all in
                let slice = all.extracting(index * width..<(index + 1) * width)
                var row = slice.mutableSpan
                let outcome = try environments[index].step(action, into: &row)
                if outcome.ended {
                    for column in 0..<width { finalObservations[index * width + column] = row[column] }
                    try environments[index].reset(seed: nil, into: &row)
                }
                return outcome
            }
        }
    }
}

extension VectorEnvironment: Sendable where Base: Sendable {}

/// Several copies of a candidate environment, stepped together; endings as in `VectorEnvironment`.
public struct VectorCandidateEnvironment<Base: CandidateEnvironment> {
    /// The copies.
    public var environments: [Base]
    /// The space of a single observation.
    public let observationSpace: CandidateSpace
    /// Memory for the first observation of a new episode, kept so that a step allocates nothing.
    @usableFromInline var first: CandidateBatch

    /// A vector of environments of one observation space.
    /// - Precondition: at least one environment.
    public init(_ environments: [Base]) {
        precondition(!environments.isEmpty, "a vector environment needs at least one environment")
        self.environments = environments
        observationSpace = environments[0].observationSpace
        first = CandidateBatch(space: observationSpace)
        precondition(environments.allSatisfy { $0.observationSpace == environments[0].observationSpace })
    }

    /// Number of copies.
    public var count: Int { environments.count }

    /// Starts an episode in each copy, copy i with `seeds[i]`; `observations` then holds one for each copy.
    public mutating func reset(seeds: [UInt64], into observations: inout CandidateBatch) throws {
        precondition(seeds.count == count, "one seed a copy")
        observations.removeAll()
        for index in environments.indices {
            try environments[index].reset(seed: seeds[index], appendingTo: &observations)
        }
    }

    /// Steps each copy.
    /// - Parameters:
    ///   - actions: for each copy an index into its list of candidates.
    ///   - observations: replaced by the next observation of each copy.
    ///   - outcomes: what each step yielded.
    ///   - finalObservations: replaced by the last observations of the episodes that ended, in order of the copies.
    @inlinable
    public mutating func step(
        _ actions: Span<Int>, into observations: inout CandidateBatch, outcomes: inout MutableSpan<Outcome>,
        finalObservations: inout CandidateBatch
    ) throws {
        observations.removeAll()
        finalObservations.removeAll()
        for index in environments.indices {
            let before = observations.count
            let outcome = try environments[index].step(actions[index], appendingTo: &observations)
            outcomes[index] = outcome
            guard outcome.ended else { continue }
            finalObservations.append(before, of: observations)
            first.removeAll()
            try environments[index].reset(seed: nil, appendingTo: &first)
            observations.removeLast()
            observations.append(0, of: first)
        }
    }
}

extension VectorCandidateEnvironment: Sendable where Base: Sendable {}
