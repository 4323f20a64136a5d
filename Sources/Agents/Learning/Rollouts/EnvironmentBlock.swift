import Foundation
import Gym
import Randomness

/// Environments that are stepped together by one thread at a time, and where their episodes stand.
///
/// How environments are grouped depends on their number only. A block has a network pass of its own, and the last bits
/// that OpenBLAS gives a row depend on the shape of the product and on the row's place in it (see `Kernels`); a block's
/// environments decide both, so the number of threads decides neither, and any number of threads gives the same bits.
struct EnvironmentBlock<Environments: EnvironmentGroup>: Sendable {
    /// Indices of the block's environments among all.
    let range: Range<Int>
    var environments: Environments
    /// Draws the actions of each environment; one each, so that grouping does not change them.
    var generators: [RandomGenerator]
    /// What each environment shows now, not normalised.
    var observations: Environments.Observations
    /// Sum of rewards and steps of each environment's current episode.
    var currentReturns: [Double]
    var currentLengths: [Int]

    /// Environments that have begun their first episodes.
    init(_ environments: Environments, range: Range<Int>, generators: [RandomGenerator], seeds: [UInt64]) throws {
        (self.environments, self.range, self.generators) = (environments, range, generators)
        observations = environments.makeObservations()
        currentReturns = Array(repeating: 0, count: range.count)
        currentLengths = Array(repeating: 0, count: range.count)
        try self.environments.reset(seeds: seeds, into: &observations)
    }

    /// Steps each environment and leaves what they show in `observations`.
    mutating func step(
        _ actions: [Int], outcomes: inout [Outcome], finalObservations: inout Environments.Observations
    ) throws {
        try environments.step(
            actions, into: &observations, outcomes: &outcomes, finalObservations: &finalObservations)
    }

    /// Takes outcomes of a step into the current returns and appends the episodes that ended.
    /// - Parameter step: step of the rollout.
    mutating func record(_ outcomes: [Outcome], step: Int, into episodes: inout [FinishedEpisode]) {
        for index in outcomes.indices {
            currentReturns[index] += outcomes[index].reward
            currentLengths[index] += 1
            guard outcomes[index].ended else { continue }
            episodes.append(
                FinishedEpisode(
                    step: step, environment: range.lowerBound + index, totalReward: currentReturns[index],
                    length: currentLengths[index]))
            currentReturns[index] = 0
            currentLengths[index] = 0
        }
    }
}

extension EnvironmentBlock {
    /// Where a block stands.
    struct State: Codable {
        var generators: [[UInt64]]
        /// Empty where environments cannot be stored; the rest then says nothing either.
        var environments: [Data]
        var observations: Environments.Observations
        var currentReturns: [Double]
        var currentLengths: [Int]
    }

    /// Where it stands, for another process.
    func state() throws -> State {
        State(
            generators: generators.map(\.state),
            environments: environments.canBeStored ? try environments.environmentStates() : [],
            observations: observations, currentReturns: currentReturns, currentLengths: currentLengths)
    }

    /// Takes over where the same block stands in another process.
    /// - Returns: false when that does not fit.
    mutating func restore(_ state: State) throws -> Bool {
        let generators = state.generators.compactMap { RandomGenerator(state: $0) }
        let counts = [
            generators.count, state.observations.count, state.currentReturns.count, state.currentLengths.count,
        ]
        guard counts.allSatisfy({ $0 == range.count }) else { return false }
        if environments.canBeStored { try environments.restore(state.environments) }
        self.generators = generators
        (observations, currentReturns, currentLengths) = (
            state.observations, state.currentReturns, state.currentLengths
        )
        return true
    }
}

/// An episode that ended during a rollout.
struct FinishedEpisode: Sendable, BitwiseCopyable {
    /// Step of the rollout in which it ended, and its environment: they order episodes whatever the threads.
    var step: Int
    var environment: Int
    /// Sum of its rewards.
    var totalReward: Double
    /// Its steps.
    var length: Int
}

/// Makes `count` environments in blocks and begins an episode in each.
/// - Parameters:
///   - size: environments of a block; the last may have fewer.
///   - seed: of the run: it decides the episodes and the generators that draw actions.
///   - make: makes the environments of a range of indices.
func makeBlocks<Environments: EnvironmentGroup>(
    count: Int, size: Int, seed: UInt64, _ make: (Range<Int>) throws -> Environments
) throws -> [EnvironmentBlock<Environments>] {
    var actionSeeds = RandomGenerator(seed: seed, stream: 3)
    let generators = (0..<count).map { _ in actionSeeds.split() }
    var episodeSeeds = RandomGenerator(seed: seed, stream: 4)
    let seeds = (0..<count).map { _ in episodeSeeds.next() }
    return try stride(from: 0, to: count, by: size).map { begin in
        let range = begin..<min(begin + size, count)
        let environments = try make(range)
        guard environments.count == range.count else {
            throw LearningError(.environments, "\(environments.count) environments were made for the indices \(range)")
        }
        return try EnvironmentBlock(
            environments, range: range, generators: Array(generators[range]), seeds: Array(seeds[range]))
    }
}
