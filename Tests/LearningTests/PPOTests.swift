import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import Testing

/// rl-zoo3's hyperparameters for CartPole.
let cartPoleSettings: PPOSettings = {
    var settings = PPOSettings()
    settings.totalSteps = 100_000
    settings.environments = 8
    settings.rolloutSteps = 32
    settings.batchSize = 256
    settings.epochs = 20
    settings.learningRate = 1e-3
    settings.learningRateSchedule = .linear
    settings.discount = 0.98
    settings.lambda = 0.8
    settings.clipRange = 0.2
    settings.clipRangeSchedule = .linear
    settings.entropyCoefficient = 0
    settings.valueCoefficient = 1
    return settings
}()

@Suite("PPO")
struct PPOTests {
    @Test("solves CartPole within 100,000 steps", arguments: [0, 1, 2])
    func cartPole(seed: UInt64) throws {
        let learner = try cartPoleLearner(cartPoleSettings, seed: seed)
        while !learner.isFinished { _ = try learner.runIteration() }
        #expect(learner.steps == 100_096)
        let evaluation = try Evaluator(network: learner.network, parameters: learner.parameters)
            .evaluate(in: cartPoles(0..<1), seeds: (1000..<1100).map { $0 })
        #expect(evaluation.returns.count == 100)
        #expect(evaluation.meanReturn >= 475)
    }

    @Test("learns to pick among candidates")
    func candidates() throws {
        var settings = PPOSettings()
        settings.totalSteps = 40_000
        settings.rolloutSteps = 64
        settings.learningRate = 2e-3
        settings.maximumRows = 700
        settings.network.hidden = [32, 32]
        let learner = try pickLearner(settings, seed: 1)
        var last = PPOMetrics()
        while !learner.isFinished { last = try learner.runIteration() }
        // 12 decisions; a random choice gets about 0.31 of them right.
        #expect((last.meanReturn ?? 0) > 10)
        let evaluator = Evaluator(network: learner.network, parameters: learner.parameters)
        let greedy = try evaluator.evaluate(in: pickers(0..<1), seeds: Array(0..<50))
        #expect(greedy.meanReturn > 11)
    }

    @Test("bootstraps truncation and not termination", arguments: [true, false])
    func endings(truncates: Bool) throws {
        var settings = PPOSettings()
        settings.totalSteps = 150_000
        settings.discount = 0.9
        settings.learningRate = 3e-3
        settings.environments = 5
        settings.rolloutSteps = 50
        settings.network.hidden = [8]
        let network = settings.network.flat(inputs: 1, actions: 2)
        let learner = try PPO(settings: settings, network: network, seed: 0) { range in
            FlatEnvironmentGroup(range.map { _ in ConstantReward(length: 5, truncates: truncates) })
        }
        while !learner.isFinished { _ = try learner.runIteration() }
        var workspace = network.makeWorkspace()
        network.forward(
            Matrix(rows: 1, columns: 1, values: [1]), parameters: learner.parameters.span, heads: .value,
            workspace: &workspace)
        // The single state cannot tell how far the end is. Cut off, its value is that of an endless run, 1 / (1 - γ).
        // Terminated after five steps it is at most the return of a whole episode, (1 - γ⁵) / (1 - γ) = 4.1.
        if truncates {
            #expect(abs(Double(workspace.output.values[0]) - 10) < 0.3)
        } else {
            #expect(workspace.output.values[0] < 4.2)
        }
    }

    @Test("gives the same parameters for the same seed and others for another")
    func repeatability() throws {
        func run(_ seed: UInt64) throws -> [Float] {
            let learner = try cartPoleLearner(cartPoleSettings, seed: seed)
            for _ in 0..<5 { _ = try learner.runIteration() }
            return learner.parameters
        }
        let first = try run(7)
        #expect(try run(7) == first)
        #expect(try run(8) != first)
    }

    @Test("gives the same parameters whatever the number of threads", arguments: [2, 3])
    func threads(count: Int) throws {
        var settings = cartPoleSettings
        settings.environments = 11
        settings.gradientShards = 3
        settings.normalizesObservations = true
        settings.scalesRewards = true
        var threaded = settings
        threaded.threads = count
        let (one, many) = (try cartPoleLearner(settings, seed: 3), try cartPoleLearner(threaded, seed: 3))
        let (oneRagged, manyRagged) = (try pickLearner(settings, seed: 3), try pickLearner(threaded, seed: 3))
        for _ in 0..<4 {
            let (a, b) = (try one.runIteration(), try many.runIteration())
            #expect(a.meanReturn == b.meanReturn && a.policyLoss == b.policyLoss)
            _ = try oneRagged.runIteration()
            _ = try manyRagged.runIteration()
        }
        #expect(try one.checkpoint() == many.checkpoint())
        #expect(try oneRagged.checkpoint() == manyRagged.checkpoint())
    }

    @Test("reports what it did")
    func metrics() throws {
        let learner = try cartPoleLearner(cartPoleSettings, seed: 1)
        let first = try learner.runIteration()
        let second = try learner.runIteration()
        #expect(first.iteration == 1 && second.iteration == 2 && second.steps == 512)
        #expect(first.learningRate == 1e-3 && second.learningRate < 1e-3 && second.clipRange < 0.2)
        #expect(first.updates == 20)
        #expect(first.entropy > 0.9 && first.entropy <= 1.0001)
        #expect(first.episodes > 0 && (first.meanReturn ?? 0) > 5 && first.meanReturn == first.meanLength)
        #expect(first.valueLoss > 0 && first.gradientNorm > 0 && first.approximateKL >= 0)
        #expect(first.seconds >= first.updateSeconds + first.environmentSeconds)
    }

    @Test("leaves a rollout once the policy has moved too far")
    func earlyStop() throws {
        var settings = cartPoleSettings
        settings.targetKL = 1e-6
        let learner = try cartPoleLearner(settings, seed: 1)
        #expect(try learner.runIteration().updates < 20)
    }

    @Test("refuses a decision without candidates")
    func emptyList() throws {
        let learner = try PPO(
            settings: PPOSettings(), network: NetworkSettings().candidates(PickLargest.space), seed: 0
        ) { range in CandidateEnvironmentGroup(range.map { _ in EmptyList() }) }
        let error = #expect(throws: LearningError.self) { try learner.runIteration() }
        #expect(error?.code == .noCandidates)
    }
}
