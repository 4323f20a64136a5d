import Foundation
public import Gym
public import LinearAlgebra
public import NeuralNetworks

/// Environments that one thread steps together.
///
/// An environment whose episode ends is reset in the same step: its observation is then the first of the next episode,
/// and the last of the old one is among the final observations.
public protocol EnvironmentGroup: Sendable {
    /// A batch of their observations.
    associatedtype Observations: ObservationBatch

    /// Number of environments.
    var count: Int { get }

    /// A batch for their observations, without any.
    func makeObservations() -> Observations

    /// Starts an episode in each, environment i with `seeds[i]`; `observations` then holds one of each.
    mutating func reset(seeds: [UInt64], into observations: inout Observations) throws

    /// Steps each environment.
    /// - Parameters:
    ///   - actions: an index for each: an action of a discrete space, or a candidate or legal action of its list.
    ///   - observations: replaced by the next observation of each.
    ///   - outcomes: what each step yielded; as many as environments.
    ///   - finalObservations: replaced by the last observations of the episodes that ended, in order.
    mutating func step(
        _ actions: [Int], into observations: inout Observations, outcomes: inout [Outcome],
        finalObservations: inout Observations) throws

    /// Whether environments of this kind can be stored. Where not, such as on a live cluster, a run that is resumed
    /// begins new episodes.
    var canBeStored: Bool { get }

    /// The state of each environment, such that `restore` makes them go on as they would have.
    /// - Throws: `CheckpointingError` when environments of this kind cannot be stored.
    func environmentStates() throws -> [Data]

    /// Puts back what `environmentStates` gave.
    mutating func restore(_ states: [Data]) throws
}

/// Why a learner's state cannot be stored or put back.
public struct CheckpointingError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}

/// Flat environments with a discrete action space.
public struct FlatEnvironmentGroup<Base: FlatEnvironment & Sendable>: EnvironmentGroup
where Base.ActionSpace == Discrete {
    /// The environments.
    public private(set) var vector: VectorEnvironment<Base>
    private var finalRows: [Float]

    /// A group of environments of one observation width.
    /// - Precondition: at least one environment.
    public init(_ environments: [Base]) {
        vector = VectorEnvironment(environments)
        finalRows = Array(repeating: 0, count: environments.count * vector.width)
    }

    public var count: Int { vector.count }

    public func makeObservations() -> Matrix { Matrix(rows: 0, columns: vector.width) }

    public mutating func reset(seeds: [UInt64], into observations: inout Matrix) throws {
        observations.resize(rows: count)
        var rows = observations.values.mutableSpan
        try vector.reset(seeds: seeds, into: &rows)
    }

    public mutating func step(
        _ actions: [Int], into observations: inout Matrix, outcomes: inout [Outcome], finalObservations: inout Matrix
    ) throws {
        observations.resize(rows: count)
        try Self.step(&vector, actions, &observations.values, &outcomes, &finalRows)
        finalObservations.removeAll()
        for index in outcomes.indices where outcomes[index].ended {
            finalObservations.append(
                row: finalRows.span.extracting(index * vector.width..<(index + 1) * vector.width))
        }
    }

    private static func step(
        _ vector: inout VectorEnvironment<Base>, _ actions: [Int], _ observations: inout [Float],
        _ outcomes: inout [Outcome], _ finalRows: inout [Float]
    ) throws {
        var rows = observations.mutableSpan
        var results = outcomes.mutableSpan
        var finals = finalRows.mutableSpan
        try vector.step(actions.span, into: &rows, outcomes: &results, finalObservations: &finals)
    }

    public var canBeStored: Bool { Base.self is any Codable.Type }

    public func environmentStates() throws -> [Data] { try EnvironmentState.encode(vector.environments) }

    public mutating func restore(_ states: [Data]) throws {
        vector.environments = try EnvironmentState.decode(states, like: vector.environments)
    }
}

/// Environments whose decisions are choices from lists of candidates.
public struct CandidateEnvironmentGroup<Base: CandidateEnvironment & Sendable>: EnvironmentGroup {
    /// The environments.
    public private(set) var vector: VectorCandidateEnvironment<Base>

    /// A group of environments of one observation space.
    /// - Precondition: at least one environment.
    public init(_ environments: [Base]) { vector = VectorCandidateEnvironment(environments) }

    public var count: Int { vector.count }

    public func makeObservations() -> CandidateBatch { CandidateBatch(space: vector.observationSpace) }

    public mutating func reset(seeds: [UInt64], into observations: inout CandidateBatch) throws {
        try vector.reset(seeds: seeds, into: &observations)
    }

    public mutating func step(
        _ actions: [Int], into observations: inout CandidateBatch, outcomes: inout [Outcome],
        finalObservations: inout CandidateBatch
    ) throws {
        var results = outcomes.mutableSpan
        try vector.step(
            actions.span, into: &observations, outcomes: &results, finalObservations: &finalObservations)
    }

    public var canBeStored: Bool { Base.self is any Codable.Type }

    public func environmentStates() throws -> [Data] { try EnvironmentState.encode(vector.environments) }

    public mutating func restore(_ states: [Data]) throws {
        vector.environments = try EnvironmentState.decode(states, like: vector.environments)
    }
}

/// Flat environments with a fixed list of actions, of which only some are legal at a time. An action is an index into
/// the list of those.
public struct MaskedEnvironmentGroup<Base: MaskedEnvironment & Sendable>: EnvironmentGroup {
    /// The environments.
    public private(set) var environments: [Base]
    /// Whether each step counts as one interval, whatever time it took: returns are then discounted by the step.
    public let countsSteps: Bool
    private var row: [Float]

    /// A group of environments of one observation width and one list of actions.
    /// - Precondition: at least one environment.
    public init(_ environments: [Base], countsSteps: Bool = false) {
        precondition(!environments.isEmpty, "a group needs at least one environment")
        self.environments = environments
        self.countsSteps = countsSteps
        row = Array(repeating: 0, count: environments[0].observationSpace.width)
    }

    public var count: Int { environments.count }

    public func makeObservations() -> MaskedObservations {
        MaskedObservations(width: row.count, actionCount: environments[0].actionSpace.count)
    }

    public mutating func reset(seeds: [UInt64], into observations: inout MaskedObservations) throws {
        observations.removeAll()
        for index in environments.indices { try reset(index, seed: seeds[index], appendingTo: &observations) }
    }

    public mutating func step(
        _ actions: [Int], into observations: inout MaskedObservations, outcomes: inout [Outcome],
        finalObservations: inout MaskedObservations
    ) throws {
        observations.removeAll()
        finalObservations.removeAll()
        for index in environments.indices {
            let legal = legalActions(index)
            guard legal.indices.contains(actions[index]) else {
                throw EnvironmentError("there are \(legal.count) legal actions, none has the index \(actions[index])")
            }
            outcomes[index] = try Self.step(&environments[index], legal[actions[index]], into: &row)
            if countsSteps { outcomes[index].elapsed = 1 }
            if outcomes[index].ended {
                finalObservations.append(row: row.span, legalActions: legalActions(index))
                try reset(index, seed: nil, appendingTo: &observations)
            } else {
                observations.append(row: row.span, legalActions: legalActions(index))
            }
        }
    }

    private mutating func reset(
        _ index: Int, seed: UInt64?, appendingTo observations: inout MaskedObservations
    ) throws {
        try Self.reset(&environments[index], seed: seed, into: &row)
        observations.append(row: row.span, legalActions: legalActions(index))
    }

    private static func step(_ environment: inout Base, _ action: Int, into row: inout [Float]) throws -> Outcome {
        var span = row.mutableSpan
        return try environment.step(action, into: &span)
    }

    private static func reset(_ environment: inout Base, seed: UInt64?, into row: inout [Float]) throws {
        var span = row.mutableSpan
        try environment.reset(seed: seed, into: &span)
    }

    private func legalActions(_ index: Int) -> [Int] {
        (0..<environments[index].actionSpace.count).filter { environments[index].isLegal($0) }
    }

    public var canBeStored: Bool { Base.self is any Codable.Type }

    public func environmentStates() throws -> [Data] { try EnvironmentState.encode(environments) }

    public mutating func restore(_ states: [Data]) throws {
        environments = try EnvironmentState.decode(states, like: environments)
    }
}

/// Environments as JSON, for those that are `Codable`.
enum EnvironmentState {
    /// Numbers that are not finite have no form of their own in JSON.
    private static let notFinite = (positive: "inf", negative: "-inf", nan: "nan")

    /// Sorted keys: equal states give equal text.
    static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: notFinite.positive, negativeInfinity: notFinite.negative, nan: notFinite.nan)
        return encoder
    }

    static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: notFinite.positive, negativeInfinity: notFinite.negative, nan: notFinite.nan)
        return decoder
    }

    static func encode<Base>(_ environments: [Base]) throws -> [Data] {
        let encoder = encoder()
        return try environments.map { environment in
            guard let stored = environment as? any Encodable else {
                throw CheckpointingError(
                    "an environment of type \(Base.self) cannot be stored: make it Codable, or train without "
                        + "checkpoints of its state")
            }
            return try encoder.encode(stored)
        }
    }

    static func decode<Base>(_ states: [Data], like environments: [Base]) throws -> [Base] {
        guard states.count == environments.count else {
            throw CheckpointingError(
                "the checkpoint holds \(states.count) environments, this run has \(environments.count): resume with "
                    + "the configuration it was made with")
        }
        guard let type = Base.self as? any Decodable.Type else {
            throw CheckpointingError("an environment of type \(Base.self) cannot be read back: make it Codable")
        }
        let decoder = decoder()
        return try zip(states, environments).map { data, present in
            guard let environment = try decoder.decode(type, from: data) as? Base else {
                throw CheckpointingError("a stored environment is not of type \(Base.self)")
            }
            guard let stored = environment as? any PartlyStored else { return environment }
            return completed(stored, from: present) as? Base ?? environment
        }
    }

    private static func completed<Stored: PartlyStored>(_ stored: Stored, from present: Any) -> Stored {
        guard let present = present as? Stored else { return stored }
        var stored = stored
        stored.takeUnstored(from: present)
        return stored
    }
}
