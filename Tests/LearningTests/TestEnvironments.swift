import Gym
import Learning
import NeuralNetworks
import Randomness

/// A list of candidates of random length; the reward is 1 for the one with the largest first feature.
///
/// Every third decision takes an interval, the others none. Episodes have 12 decisions and end in a termination.
struct PickLargest: CandidateEnvironment, Sendable, Codable {
    static let space = CandidateSpace(contextWidth: 2, nodeWidth: 3, candidateWidth: 4, bound: 5)

    private var generator: RandomGenerator
    private var best = 0
    private var choices = 0
    private var decisions = 0

    init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    var observationSpace: CandidateSpace { Self.space }
    var actionSpace: Discrete { Discrete(count: choices) }

    mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        decisions = 0
        observe(&batch)
    }

    mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        guard action < choices else { throw EnvironmentError("no such candidate") }
        let reward: Double = action == best ? 1 : 0
        decisions += 1
        observe(&batch)
        return Outcome(reward: reward, elapsed: decisions % 3 == 0 ? 1 : 0, terminated: decisions == 12)
    }

    private mutating func observe(_ batch: inout CandidateBatch) {
        choices = 1 + generator.index(below: 9)
        var generator = generator
        var rows = (0..<choices).map { _ in Float(generator.normal()) }
        batch.append(nodeCount: generator.index(below: 5), candidateCount: choices) { context, nodes, candidates in
            for i in context.indices { context[i] = Float(generator.normal()) }
            for i in nodes.indices { nodes[i] = Float(generator.normal()) }
            for i in candidates.indices {
                candidates[i] = i % 4 == 0 ? rows[i / 4] : Float(generator.normal())
            }
        }
        best = rows.indices.max { rows[$0] < rows[$1] } ?? 0
        rows.removeAll()
        self.generator = generator
    }
}

/// A single state with reward 1 a step; after `length` steps the episode is cut off or terminates.
struct ConstantReward: FlatEnvironment, Sendable, Codable {
    var length: Int
    var truncates: Bool
    var step = 0

    var observationSpace: Box { Box(low: [-1], high: [1]) }
    var actionSpace: Discrete { Discrete(count: 2) }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        step = 0
        observation[0] = 1
    }

    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        step += 1
        observation[0] = 1
        let ended = step == length
        return Outcome(reward: 1, terminated: ended && !truncates, truncated: ended && truncates)
    }
}

/// Offers no candidates after its first step.
struct EmptyList: CandidateEnvironment, Sendable {
    var observationSpace: CandidateSpace { PickLargest.space }
    var actionSpace: Discrete { Discrete(count: 1) }

    mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        batch.append(nodeCount: 1, candidateCount: 1) { _, _, _ in }
    }

    mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        batch.append(nodeCount: 1, candidateCount: 0) { _, _, _ in }
        return Outcome(reward: 0)
    }
}

typealias CartPoleGroup = FlatEnvironmentGroup<TimeLimit<CartPole>>
typealias PickGroup = CandidateEnvironmentGroup<PickLargest>

func cartPoles(_ range: Range<Int>) -> CartPoleGroup {
    CartPoleGroup(range.map { TimeLimit(CartPole(seed: UInt64($0)), limit: 500) })
}

func pickers(_ range: Range<Int>) -> PickGroup {
    PickGroup(range.map { PickLargest(seed: UInt64($0)) })
}

func cartPoleLearner(_ settings: PPOSettings, seed: UInt64) throws -> PPO<CartPoleGroup, MLPActorCritic> {
    try PPO(
        settings: settings, network: settings.network.flat(inputs: 4, actions: 2), seed: seed,
        makeEnvironments: cartPoles)
}

func pickLearner(_ settings: PPOSettings, seed: UInt64) throws -> PPO<PickGroup, CandidateActorCritic> {
    try PPO(
        settings: settings, network: settings.network.candidates(PickLargest.space), seed: seed,
        makeEnvironments: pickers)
}

extension Evaluation {
    var meanReturn: Double { returns.reduce(0, +) / Double(returns.count) }
}
