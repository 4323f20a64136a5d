import Checkpoints
import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import Randomness
import Testing

/// Observations whose first feature, of each kind of row, is always `constant`; the others are random.
private let constant: Float = 0.7

/// Ends after 10 steps.
private struct FlatConstant: FlatEnvironment, Sendable, Codable {
    var generator: RandomGenerator
    var steps = 0

    var observationSpace: Box { Box(low: [-9, -9, -9], high: [9, 9, 9]) }
    var actionSpace: Discrete { Discrete(count: 3) }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        steps = 0
        observe(&observation)
    }

    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        steps += 1
        observe(&observation)
        return Outcome(reward: Double(action), terminated: steps == 10)
    }

    private mutating func observe(_ observation: inout MutableSpan<Float>) {
        observation[0] = constant
        for index in 1..<3 { observation[index] = Float(generator.normal()) }
    }
}

/// `PickLargest`, whose candidates and the rows beside them have a constant feature in place of their last.
private struct ListConstant: CandidateEnvironment, Sendable, Codable {
    var base: PickLargest

    var observationSpace: CandidateSpace { base.observationSpace }
    var actionSpace: Discrete { base.actionSpace }

    mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        try base.reset(seed: seed, appendingTo: &batch)
        setLastFeatures(of: &batch, to: constant)
    }

    mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        let outcome = try base.step(action, appendingTo: &batch)
        setLastFeatures(of: &batch, to: constant)
        return outcome
    }
}

/// In all rows of a batch.
private func setLastFeatures(of batch: inout CandidateBatch, to value: Float) {
    let widths = batch.rowWidths
    batch.forEachRowKind { kind, rows in
        for index in stride(from: widths[kind] - 1, to: rows.count, by: widths[kind]) { rows[index] = value }
    }
}

@Suite("Features that never varied in training")
struct NeverVariedTests {
    private static let values: [Float] = [constant, 0, -5, 1e20, .infinity]

    private func output<Network: ActorCritic>(
        _ evaluator: Evaluator<Network>, _ observations: Network.Observations
    ) -> ActorCriticOutput {
        var observations = observations
        evaluator.normalizer?.normalize(&observations)
        let parameters = evaluator.parameters
        var workspace = evaluator.network.makeWorkspace()
        evaluator.network.forward(
            observations, parameters: parameters.span, heads: evaluator.network.heads, workspace: &workspace)
        return workspace.output
    }

    private func expectNoEffect(_ evaluator: Evaluator<MLPActorCritic>) {
        let outputs = Self.values.map { output(evaluator, Matrix(rows: 1, columns: 3, values: [$0, 0.3, -1])) }
        for other in outputs { #expect(other.logits == outputs[0].logits && other.values == outputs[0].values) }
        let different = output(evaluator, Matrix(rows: 1, columns: 3, values: [constant, 0.4, -1]))
        #expect(different.logits != outputs[0].logits)
    }

    private func expectNoEffect(_ evaluator: Evaluator<CandidateActorCritic>) {
        var generator = RandomGenerator(seed: 8)
        var batch = CandidateBatch(space: PickLargest.space)
        batch.append(nodeCount: 3, candidateCount: 4) { context, nodes, candidates in
            for index in context.indices { context[index] = Float(generator.normal()) }
            for index in nodes.indices { nodes[index] = Float(generator.normal()) }
            for index in candidates.indices { candidates[index] = Float(generator.normal()) }
        }
        let outputs = Self.values.map { value in
            setLastFeatures(of: &batch, to: value)
            return output(evaluator, batch)
        }
        for other in outputs { #expect(other.logits == outputs[0].logits && other.values == outputs[0].values) }
        #expect(Set(outputs[0].logits).count == 4)
    }

    private var ppo: PPOSettings {
        var settings = PPOSettings()
        (settings.rolloutSteps, settings.environments, settings.normalizesObservations) = (24, 4, true)
        return settings
    }

    private var dqn: DQNSettings {
        var settings = DQNSettings()
        (settings.environments, settings.learningStarts, settings.stepsPerIteration) = (4, 60, 200)
        (settings.replayCapacity, settings.batchSize, settings.normalizesObservations) = (500, 16, true)
        return settings
    }

    private func flat(_ range: Range<Int>) -> FlatEnvironmentGroup<FlatConstant> {
        FlatEnvironmentGroup(range.map { FlatConstant(generator: RandomGenerator(seed: UInt64($0))) })
    }

    private func lists(_ range: Range<Int>) -> CandidateEnvironmentGroup<ListConstant> {
        CandidateEnvironmentGroup(range.map { ListConstant(base: PickLargest(seed: UInt64($0))) })
    }

    @Test("have no effect on PPO's networks")
    func ppoNetworks() throws {
        let flatLearner = try PPO(
            settings: ppo, network: ppo.network.flat(inputs: 3, actions: 3), seed: 1, makeEnvironments: flat)
        let listLearner = try PPO(
            settings: ppo, network: ppo.network.candidates(PickLargest.space), seed: 1, makeEnvironments: lists)
        for _ in 0..<3 {
            _ = try flatLearner.runIteration()
            _ = try listLearner.runIteration()
        }
        expectNoEffect(flatLearner.evaluator)
        expectNoEffect(listLearner.evaluator)
    }

    @Test("have no effect on DQN's networks", arguments: [false, true])
    func dqnNetworks(dueling: Bool) throws {
        var settings = dqn
        settings.dueling = dueling
        let flatLearner = try DQN(
            settings: settings, network: settings.network.flat(inputs: 3, actions: 3, heads: settings.heads), seed: 1,
            makeEnvironments: flat)
        let listLearner = try DQN(
            settings: settings, network: settings.network.candidates(PickLargest.space, heads: settings.heads), seed: 1,
            makeEnvironments: lists)
        for _ in 0..<2 {
            _ = try flatLearner.runIteration()
            _ = try listLearner.runIteration()
        }
        expectNoEffect(flatLearner.evaluator)
        expectNoEffect(listLearner.evaluator)
    }

    @Test("are known after resuming, also from a checkpoint that was written before extremes were kept")
    func resuming() throws {
        func learner(seed: UInt64) throws -> PPO<CandidateEnvironmentGroup<ListConstant>, CandidateActorCritic> {
            try PPO(
                settings: ppo, network: ppo.network.candidates(PickLargest.space), seed: seed, makeEnvironments: lists)
        }
        let whole = try learner(seed: 1)
        for _ in 0..<3 { _ = try whole.runIteration() }
        let checkpoint = try whole.checkpoint()
        #expect(try checkpoint.doubles("normalizer/observations/2/minimum").last == Double(constant))
        #expect(try checkpoint.doubles("normalizer/observations/2/maximum").last == Double(constant))
        var old = checkpoint
        for kind in 0..<3 {
            old["normalizer/observations/\(kind)/minimum"] = nil
            old["normalizer/observations/\(kind)/maximum"] = nil
        }
        let second = try learner(seed: 2)
        try second.restore(from: old)
        #expect(second.normalizer?.kinds[2].statistics.extremes == nil)
        expectNoEffect(second.evaluator)
        #expect(try second.checkpoint() == old)
        // Nothing that training does depends on the extremes beside what has never varied.
        _ = try whole.runIteration()
        _ = try second.runIteration()
        #expect(second.parameters == whole.parameters)

        for path in ["normalizer/observations/0/minimum", "normalizer/observations/0/maximum"] {
            var broken = checkpoint
            broken[path] = nil
            #expect(throws: CheckpointError.self) { try second.restore(from: broken) }
        }
        var broken = checkpoint
        broken["normalizer/observations/0/minimum"] = .float64([0, 99], shape: [2])
        let error = #expect(throws: CheckpointError.self) { try second.restore(from: broken) }
        #expect(error?.path == "normalizer/observations/0/minimum")
    }
}
