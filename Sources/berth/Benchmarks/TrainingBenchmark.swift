import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import TrainingRuns

/// Steps per second of training on CartPole-v1, on one thread, with settings that others publish figures for.
///
/// Steps before DQN's first update are not counted: they are random and cost next to nothing. The last column is the
/// time that the matrix products and activations of a step take by themselves (`KernelBound`) with the fastest of
/// OpenBLAS' kernels, as a share of the time that a step takes: slow kernels show as a low share.
struct TrainingBenchmark {
    /// Names of the settings to measure; empty: all.
    var names: [String] = []
    /// Steps to train with each; fewer than 1: as many as take some seconds.
    var steps = 0

    /// Names that can be measured.
    static var known: [String] { ppo.map(\.0) + dqn.map(\.0) }

    /// Measures and prints a line for each.
    func run() throws {
        var rows = [
            ["training on CartPole-v1", "steps", "steps/s", "environments", "inference", "updates", "of bound"]
        ]
        for (name, settings) in Self.ppo where names.isEmpty || names.contains(name) {
            var settings = settings
            settings.totalSteps = steps > 0 ? steps : 100_000
            let learner = try PPO(
                settings: settings, network: settings.network.flat(inputs: 4, actions: 2), seed: 0,
                makeEnvironments: Self.cartPoles)
            rows.append(try Self.measure(name, learner, from: 0, bound: { Self.bound(settings) }))
        }
        for (name, settings) in Self.dqn where names.isEmpty || names.contains(name) {
            var settings = settings
            settings.totalSteps = settings.learningStarts + (steps > 0 ? steps : 10_000)
            let learner = try DQN(
                settings: settings,
                network: settings.network.flat(inputs: 4, actions: 2, heads: settings.heads), seed: 0,
                makeEnvironments: Self.cartPoles)
            rows.append(
                try Self.measure(name, learner, from: settings.learningStarts, bound: { Self.bound(settings) }))
        }
        print(ComparisonTable.align(rows), terminator: "")
    }

    private static func measure(
        _ name: String, _ learner: any Trainer, from first: Int, bound: () -> Double
    ) throws -> [String] {
        let bound = KernelSet.shortest(bound)
        while learner.steps < first { _ = try learner.runIteration() }
        let begun = learner.steps
        let parts = ["environment_seconds", "inference_seconds", "update_seconds"]
        var seconds = [0.0, 0.0, 0.0]
        let clock = ContinuousClock()
        let start = clock.now
        while !learner.isFinished {
            let figures = try learner.runIteration().figures
            for (index, part) in parts.enumerated() {
                seconds[index] += figures.first { $0.name == part }?.value ?? 0
            }
        }
        let elapsed = (clock.now - start) / .seconds(1)
        func share(_ seconds: Double) -> String { "\(Int((100 * seconds / elapsed).rounded())) %" }
        let steps = learner.steps - begun
        return [name, Figures.grouped(steps), Figures.grouped(Int(Double(steps) / elapsed))]
            + seconds.map(share) + [share(bound * Double(steps))]
    }

    private static func cartPoles(_ range: Range<Int>) -> FlatEnvironmentGroup<TimeLimit<CartPole>> {
        FlatEnvironmentGroup(range.map { TimeLimit(CartPole(seed: UInt64($0)), limit: CartPole.timeLimit) })
    }

    // MARK: - Bounds

    /// Seconds of the kernels of a step of PPO: both networks in blocks of four environments, then forward and back in
    /// every epoch.
    private static func bound(_ settings: PPOSettings) -> Double {
        let hidden = settings.network.hidden
        let networks = [[4] + hidden + [2], [4] + hidden + [1]].map {
            KernelBound(widths: $0, activation: settings.network.activation)
        }
        let block = min(settings.environmentsPerBlock, settings.environments)
        return networks.reduce(0) { sum, network in
            let update = network.forward(rows: settings.batchSize) + network.backward(rows: settings.batchSize)
            return sum + network.forward(rows: block) / Double(block)
                + update * Double(settings.epochs) / Double(settings.batchSize)
        }
    }

    /// Seconds of the kernels of a step of DQN once exploration has ended: a forward pass of one row, and in an update
    /// one of the target network, one of the learning network and its way back.
    private static func bound(_ settings: DQNSettings) -> Double {
        let network = KernelBound(
            widths: [4] + settings.network.hidden + [2], activation: settings.network.activation)
        let update = 2 * network.forward(rows: settings.batchSize) + network.backward(rows: settings.batchSize)
        let updates = Double(settings.gradientSteps) / Double(settings.trainEvery * settings.environments)
        return (1 - settings.exploration.end) * network.forward(rows: 1) + updates * update
    }

    // MARK: - Settings

    /// What configs/train/cartpole-ppo.yaml and cartpole-ppo-cleanrl.yaml say, and Stable-Baselines3's defaults with
    /// eight environments.
    private static var ppo: [(String, PPOSettings)] {
        var zoo = PPOSettings()
        (zoo.environments, zoo.rolloutSteps, zoo.batchSize, zoo.epochs) = (8, 32, 256, 20)
        (zoo.learningRate, zoo.clipRangeSchedule) = (1e-3, .linear)
        (zoo.discount, zoo.lambda) = (0.98, 0.8)
        (zoo.entropyCoefficient, zoo.valueCoefficient) = (0, 1)
        var wide = zoo
        (wide.rolloutSteps, wide.epochs, wide.learningRate, wide.clipRangeSchedule) = (256, 10, 3e-4, .constant)
        (wide.learningRateSchedule, wide.discount, wide.lambda) = (.constant, 0.99, 0.95)
        var clean = PPOSettings()
        (clean.environments, clean.rolloutSteps, clean.batchSize, clean.epochs) = (4, 128, 128, 4)
        (clean.normalizesEntropy, clean.valueClipRange) = (false, 0.2)
        return [("ppo-8x32", zoo), ("ppo-8x256", wide), ("ppo-4x128", clean)]
    }

    /// What configs/train/cartpole-dqn.yaml and cartpole-dqn-cleanrl.yaml say.
    private static var dqn: [(String, DQNSettings)] {
        var zoo = DQNSettings()
        (zoo.trainEvery, zoo.gradientSteps, zoo.targetUpdateEvery) = (256, 128, 10)
        (zoo.replayCapacity, zoo.batchSize, zoo.double) = (100_000, 64, false)
        (zoo.learningRate, zoo.exploration.end, zoo.exploration.fraction) = (2.3e-3, 0.04, 0.16)
        zoo.network.hidden = [256, 256]
        var clean = DQNSettings()
        (clean.trainEvery, clean.learningStarts, clean.targetUpdateEvery) = (10, 10_000, 500)
        (clean.replayCapacity, clean.batchSize, clean.double) = (10_000, 128, false)
        (clean.learningRate, clean.loss, clean.maximumGradientNorm) = (2.5e-4, .squared, 1e9)
        clean.network.hidden = [120, 84]
        return [("dqn-256x256", zoo), ("dqn-120x84", clean)]
    }
}
