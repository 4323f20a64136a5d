import Gym
import Learning
import NeuralNetworks

/// Steps per second of PPO on CartPole-v1 with the settings of configs/train/cartpole-ppo.yaml, on one thread.
struct TrainingBenchmark {
    /// Steps to train.
    let steps: Int

    /// Measures and prints.
    func run() throws {
        var settings = PPOSettings()
        settings.totalSteps = steps
        (settings.environments, settings.rolloutSteps, settings.batchSize) = (8, 32, 256)
        (settings.epochs, settings.learningRate) = (20, 1e-3)
        (settings.clipRange, settings.clipRangeSchedule) = (0.2, .linear)
        (settings.discount, settings.lambda) = (0.98, 0.8)
        (settings.entropyCoefficient, settings.valueCoefficient) = (0, 1)
        let learner = try PPO(settings: settings, network: settings.network.flat(inputs: 4, actions: 2), seed: 0) {
            range in
            FlatEnvironmentGroup(range.map { TimeLimit(CartPole(seed: UInt64($0)), limit: 500) })
        }
        var (environment, inference, update) = (0.0, 0.0, 0.0)
        let clock = ContinuousClock()
        let start = clock.now
        while !learner.isFinished {
            let metrics = try learner.runIteration()
            environment += metrics.environmentSeconds
            inference += metrics.inferenceSeconds
            update += metrics.updateSeconds
        }
        let elapsed = (clock.now - start) / .seconds(1)
        func share(_ seconds: Double) -> String { "\(Int((100 * seconds / elapsed).rounded())) %" }
        print(
            ComparisonTable.align([
                ["training", "steps", "steps/s", "environments", "inference", "updates"],
                [
                    "PPO, CartPole-v1", Figures.grouped(learner.steps),
                    Figures.grouped(Int(Double(learner.steps) / elapsed)), share(environment), share(inference),
                    share(update),
                ],
            ]), terminator: "")
    }
}
