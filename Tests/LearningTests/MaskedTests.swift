import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import Randomness
import Simulator
import Testing

/// Six actions, each with a feature that is its reward, of which a random part is legal. An illegal one is an error.
///
/// Every third decision takes an interval, the others none. Episodes have 12 decisions and are cut off.
private struct PickLegal: MaskedEnvironment, Sendable, Codable {
    static let count = 6

    private var generator: RandomGenerator
    private var features: [Float] = []
    private var legal: [Bool] = []
    private var decisions = 0

    init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    var observationSpace: Box {
        Box(low: Array(repeating: -10, count: Self.count), high: Array(repeating: 10, count: Self.count))
    }
    var actionSpace: Discrete { Discrete(count: Self.count) }

    func isLegal(_ action: Int) -> Bool { legal[action] }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        decisions = 0
        observe(into: &observation)
    }

    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        guard legal[action] else { throw EnvironmentError("\(action) is illegal") }
        let reward = Double(features[action])
        decisions += 1
        observe(into: &observation)
        return Outcome(reward: reward, elapsed: decisions % 3 == 0 ? 1 : 0, truncated: decisions == 12)
    }

    private mutating func observe(into observation: inout MutableSpan<Float>) {
        features = (0..<Self.count).map { _ in Float(generator.normal()) }
        legal = (0..<Self.count).map { _ in generator.chance(0.5) }
        legal[generator.index(below: Self.count)] = true
        for index in features.indices { observation[index] = features[index] }
    }
}

private typealias PickLegalGroup = MaskedEnvironmentGroup<PickLegal>

private func pickers(_ range: Range<Int>) -> PickLegalGroup {
    PickLegalGroup(range.map { PickLegal(seed: UInt64($0)) })
}

private func learner(_ settings: PPOSettings, seed: UInt64) throws -> PPO<PickLegalGroup, MaskedActorCritic> {
    try PPO(
        settings: settings, network: settings.network.masked(inputs: PickLegal.count, actions: PickLegal.count),
        seed: seed, makeEnvironments: pickers)
}

private func learner(_ settings: DQNSettings, seed: UInt64) throws -> DQN<PickLegalGroup, MaskedActorCritic> {
    try DQN(
        settings: settings,
        network: settings.network.masked(
            inputs: PickLegal.count, actions: PickLegal.count, heads: settings.heads), seed: seed,
        makeEnvironments: pickers)
}

/// Observations with every number of legal actions, none and all among them.
private func observations(_ generator: inout RandomGenerator) -> MaskedObservations {
    var batch = MaskedObservations(width: 4, actionCount: 5)
    for legal in [[2], [0, 1, 2, 3, 4], [], [1, 4], [0, 3, 4]] {
        let row = (0..<4).map { _ in Float(generator.normal()) }
        batch.append(row: row.span, legalActions: legal)
    }
    return batch
}

@Suite("Legal actions of a fixed list")
struct MaskedTests {
    @Test("have the logits of the plain network, and its gradients with zeros for the illegal ones")
    func network() {
        var generator = RandomGenerator(seed: 1)
        let plain = MLPActorCritic(inputs: 4, actions: 5, hidden: [9, 8])
        let masked = MaskedActorCritic(plain)
        #expect(masked.layout.entries.map(\.name) == plain.layout.entries.map(\.name))
        let parameters = (0..<plain.layout.count).map { _ in Float(generator.normal()) * 0.4 }
        let batch = observations(&generator)
        var (plainWorkspace, workspace) = (plain.makeWorkspace(), masked.makeWorkspace())
        plain.forward(batch.features, parameters: parameters.span, heads: .both, workspace: &plainWorkspace)
        masked.forward(batch, parameters: parameters.span, heads: .both, workspace: &workspace)

        let places = (0..<batch.count).flatMap { row in
            batch.legalActions[batch.offsets[row]..<batch.offsets[row + 1]].map { row * 5 + $0 }
        }
        #expect(workspace.output.offsets == [0, 1, 6, 6, 8, 11])
        #expect(workspace.output.logits == places.map { plainWorkspace.output.logits[$0] })
        #expect(workspace.output.values == plainWorkspace.output.values)
        #expect((0..<batch.count).map { masked.choices(batch, $0) } == [1, 5, 0, 2, 3])

        workspace.outputGradients.logits = places.map { _ in Float(generator.normal()) }
        workspace.outputGradients.values = (0..<batch.count).map { _ in Float(generator.normal()) }
        plainWorkspace.outputGradients.logits = Array(repeating: 0, count: batch.count * 5)
        for (place, gradient) in zip(places, workspace.outputGradients.logits) {
            plainWorkspace.outputGradients.logits[place] = gradient
        }
        plainWorkspace.outputGradients.values = workspace.outputGradients.values
        var gradients = [Float](repeating: 0, count: parameters.count)
        var plainGradients = gradients
        masked.backward(batch, parameters: parameters.span, workspace: &workspace, gradients: &gradients)
        plain.backward(
            batch.features, parameters: parameters.span, workspace: &plainWorkspace, gradients: &plainGradients)
        #expect(gradients == plainGradients)
        #expect(gradients.contains { $0 != 0 })
    }

    @Test("are gathered, stored and read back with their rows, and never normalised")
    func batch() throws {
        var generator = RandomGenerator(seed: 2)
        let all = observations(&generator)
        var some = all.emptied()
        some.append([4, 2, 0].span, of: all)
        #expect(some.legalActions == [0, 3, 4, 2] && some.offsets == [0, 3, 3, 4])
        some.append(allOf: all)
        some.append(1, of: all)
        #expect(some.count == 9 && some.legalCount(8) == 5)
        #expect(some.features.values.suffix(4) == all.features.values[4..<8])

        #expect(try JSONDecoder().decode(MaskedObservations.self, from: JSONEncoder().encode(some)) == some)
        let kinds = some.rowWidths.indices.map { some.rows(ofKind: $0) }
        #expect(some.emptied().filled(with: kinds) == some)
        for wrong in [Float](arrayLiteral: 5, -1, 0.5, .nan) {
            var broken = kinds
            broken[1].values[0] = wrong
            #expect(some.filled(with: broken) == nil, "\(wrong)")
        }
        var broken = kinds
        broken[1].counts[0] += 1
        #expect(some.filled(with: broken) == nil)
        broken[1].counts[0] = -1
        #expect(some.filled(with: broken) == nil)

        var normalizer = BatchNormalizer(widths: some.rowWidths)
        normalizer.add(&some)
        var normalized = some
        normalizer.normalize(&normalized)
        #expect(normalized.features != some.features)
        #expect(normalized.legalActions == some.legalActions && normalized.offsets == some.offsets)
    }

    @Test("are all that PPO takes, and it learns which is best")
    func ppo() throws {
        var settings = PPOSettings()
        (settings.totalSteps, settings.learningRate, settings.discount) = (60_000, 1e-3, 0.5)
        settings.normalizesObservations = true
        let learner = try learner(settings, seed: 1)
        while !learner.isFinished { _ = try learner.runIteration() }
        let evaluation = try learner.evaluator.evaluate(in: pickers(0..<1), seeds: Array(0..<100))
        // The best legal actions give 10.7, random ones 0.
        #expect(evaluation.meanReturn > 10)
    }

    @Test("are all that DQN takes and looks ahead to, and it learns which is best")
    func dqn() throws {
        var settings = DQNSettings()
        (settings.totalSteps, settings.environments, settings.trainEvery) = (20_000, 5, 2)
        (settings.gradientSteps, settings.replayCapacity, settings.batchSize) = (2, 10_000, 64)
        // Values differ by a reward; a long view would drown that in the noise of what follows.
        (settings.discount, settings.targetUpdateEvery, settings.learningRate) = (0.1, 200, 1e-3)
        let learner = try learner(settings, seed: 3)
        while !learner.isFinished { _ = try learner.runIteration() }
        let evaluation = try learner.evaluator.evaluate(in: pickers(0..<1), seeds: Array(0..<100))
        #expect(evaluation.meanReturn > 9.5)
    }

    @Test("go on bit for bit from a checkpoint of PPO")
    func resumePPO() throws {
        var settings = PPOSettings()
        (settings.environments, settings.rolloutSteps, settings.batchSize) = (5, 24, 50)
        (settings.normalizesObservations, settings.scalesRewards, settings.gradientShards) = (true, true, 2)
        let whole = try learner(settings, seed: 4)
        for _ in 0..<6 { _ = try whole.runIteration() }
        let first = try learner(settings, seed: 4)
        for _ in 0..<3 { _ = try first.runIteration() }
        settings.threads = 2
        let second = try learner(settings, seed: 9)
        try second.restore(from: first.checkpoint())
        for _ in 0..<3 { _ = try second.runIteration() }
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("go on bit for bit from a checkpoint of DQN, replay buffer included")
    func resumeDQN() throws {
        var settings = DQNSettings()
        (settings.totalSteps, settings.environments, settings.trainEvery) = (4000, 5, 3)
        (settings.learningStarts, settings.stepsPerIteration, settings.targetUpdateEvery) = (60, 100, 70)
        (settings.replayCapacity, settings.batchSize, settings.nSteps) = (250, 16, 3)
        (settings.double, settings.dueling, settings.normalizesObservations) = (true, true, true)
        let whole = try learner(settings, seed: 4)
        for _ in 0..<8 { _ = try whole.runIteration() }
        let first = try learner(settings, seed: 4)
        for _ in 0..<4 { _ = try first.runIteration() }
        let second = try learner(settings, seed: 9)
        try second.restore(from: first.checkpoint())
        for _ in 0..<4 { _ = try second.runIteration() }
        #expect(try second.checkpoint() == whole.checkpoint())

        var broken = try first.checkpoint()
        guard case .float32(var actions, let shape)? = broken["replay/observations/1/rows"] else {
            Issue.record("no legal actions are stored")
            return
        }
        actions[0] = 6
        broken["replay/observations/1/rows"] = .float32(actions, shape: shape)
        #expect(throws: CheckpointError.self) { try second.restore(from: broken) }
    }

    @Test("are those of the flat view in the simulated cluster, and each step counts as an interval where asked for")
    func cluster() throws {
        var rules = ClusterEnvironmentSettings()
        rules.intervals = 3
        let environment = FlatClusterEnvironment(
            ClusterEnvironment(backend: try SimulatedCluster(settings: SimulatorSettings()), settings: rules, seed: 0),
            view: FlatView(nodes: 4, services: 3))
        for countsSteps in [false, true] {
            var group = MaskedEnvironmentGroup([environment], countsSteps: countsSteps)
            var observations = group.makeObservations()
            var finals = observations
            var outcomes = [Outcome(reward: 0)]
            var generator = RandomGenerator(seed: 5)
            var twin = environment
            try group.reset(seeds: [7], into: &observations)
            #expect(try twin.reset(seed: 7) == observations.features.values)
            var episodes = 0
            while episodes < 3 {
                let legal = (0..<twin.actionSpace.count).filter { twin.isLegal($0) }
                #expect(observations.legalActions == legal)
                let choice = generator.index(below: legal.count)
                try group.step([choice], into: &observations, outcomes: &outcomes, finalObservations: &finals)
                var (observation, outcome) = try twin.step(legal[choice])
                #expect(outcomes[0].elapsed == (countsSteps ? 1 : outcome.elapsed))
                #expect(outcomes[0].reward == outcome.reward && outcomes[0].truncated == outcome.truncated)
                #expect(finals.count == (outcome.ended ? 1 : 0))
                if outcome.ended {
                    #expect(finals.features.values == observation && finals.legalCount(0) > 0)
                    observation = try twin.reset(seed: nil)
                    episodes += 1
                }
                #expect(observations.features.values == observation)
            }
            #expect(throws: EnvironmentError.self) {
                try group.step([1000], into: &observations, outcomes: &outcomes, finalObservations: &finals)
            }
        }
    }

    @Test("are not served")
    func notServed() throws {
        let checkpoint = try learner(PPOSettings(), seed: 0).checkpoint()
        let error = #expect(throws: CheckpointError.self) { try TrainedPolicy.load(checkpoint) }
        #expect(error?.path == "policy/actor")
    }
}
