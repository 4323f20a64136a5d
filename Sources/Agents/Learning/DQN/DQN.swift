import Gym
public import NeuralNetworks
import Randomness

/// Deep Q-learning (Mnih et al., "Human-level control through deep reinforcement learning", 2015) over flat or candidate
/// environments, with double Q-learning, duelling networks, n-step returns and prioritised replay as options.
///
/// One iteration is a number of rounds: (1) every environment takes `trainEvery` steps, greedy but for a share of random
/// actions; (2) the transitions go into the replay buffer; (3) `gradientSteps` minibatches drawn from it each move the
/// parameters one step of Adam along the gradient of `DQNLoss`. Only legal actions are explored, and only they count in
/// the maximum over what comes next.
///
/// The network's logits are the action values; in a duel they are advantages and the critic gives the state's value.
/// Trained parameters therefore serve as PPO's do.
///
/// Equal settings, seed and environments give equal parameters, bit for bit on one processor model; `threads` changes
/// nothing. The learner belongs to one thread.
public final class DQN<Environments: EnvironmentGroup, Network: ActorCritic>
where Environments.Observations == Network.Observations {
    /// Hyperparameters.
    public let settings: DQNSettings
    /// Shape of the network.
    public let network: Network
    /// Parameters of the network, in its layout.
    public internal(set) var parameters: [Float]
    /// Steps so far over all environments.
    public internal(set) var steps = 0
    /// Iterations so far.
    public internal(set) var iterations = 0
    /// Episodes that have ended so far.
    public internal(set) var episodes = 0
    /// What observations are normalised with; `nil` unless that is asked for.
    public internal(set) var normalizer: BatchNormalizer?
    var rewardScaler: RewardScaler?
    var optimizer: AdamOptimizer
    /// Parameters that value what comes next.
    var target: [Float]
    /// Steps at the last update of the target network.
    var targetSteps = 0
    var replay: ReplayBuffer<Environments.Observations>
    /// Draws minibatches.
    var generator: RandomGenerator
    let workers: [ExperienceWorker<Environments, Network>]
    private let pool: WorkerPool
    private let loss: DQNLoss
    private var minibatch: ReplayBuffer<Environments.Observations>.Minibatch
    private var learningWorkspace: Network.Workspace
    private var targetWorkspace: Network.Workspace
    private var targets: [Float] = []
    private var errors: [Float] = []
    private var gradients: [Float]

    /// A learner that has taken no step.
    /// - Parameters:
    ///   - network: with both heads for a duel, else with the policy's only.
    ///   - seed: decides initial parameters, episodes, actions and minibatches.
    ///   - makeEnvironments: makes the environments of a range of indices; ranges are disjoint and cover
    ///     0 ..< `settings.environments`. What an environment does may depend on its index, never on the range.
    public init(
        settings: DQNSettings, network: Network, seed: UInt64,
        makeEnvironments: (Range<Int>) throws -> Environments
    ) throws {
        precondition(network.heads == settings.heads, "a duel, and only a duel, needs a network with a value")
        self.settings = settings
        self.network = network
        generator = RandomGenerator(seed: seed, stream: 1)
        var initializer = RandomGenerator(seed: seed, stream: 2)
        parameters = network.initialParameters(using: &initializer)
        target = parameters
        optimizer = AdamOptimizer(count: parameters.count, epsilon: settings.adamEpsilon)
        gradients = Array(repeating: 0, count: parameters.count)
        workers = try makeBlocks(count: settings.environments, seed: seed, makeEnvironments).map {
            ExperienceWorker($0, network: network, settings: settings)
        }
        let observations = workers[0].block.observations.emptied()
        replay = ReplayBuffer(
            capacity: settings.replayCapacity, isPrioritized: settings.prioritized != nil, like: observations)
        minibatch = ReplayBuffer.Minibatch(experiences: Experiences(like: observations))
        (learningWorkspace, targetWorkspace) = (network.makeWorkspace(), network.makeWorkspace())
        loss = DQNLoss(loss: settings.loss, isDouble: settings.double, isDueling: settings.dueling)
        pool = WorkerPool(threads: settings.threads)
        if settings.normalizesObservations { normalizer = BatchNormalizer(widths: observations.rowWidths) }
        if settings.scalesRewards {
            rewardScaler = RewardScaler(count: settings.environments, discount: settings.discount)
        }
    }

    /// Whether the run has taken all its steps.
    public var isFinished: Bool { steps >= settings.totalSteps }

    /// One iteration: rounds of steps and updates until `stepsPerIteration` have been taken.
    /// - Throws: what an environment throws; `LearningError` for a decision without candidates or a diverged run.
    public func runIteration() throws -> DQNMetrics {
        let clock = ContinuousClock()
        let start = clock.now
        var (metrics, sums) = (DQNMetrics(), Sums())
        let first = steps
        repeat {
            try collect(&metrics, &sums)
            guard steps >= settings.learningStarts else { continue }
            let begun = clock.now
            updateTarget()
            for _ in 0..<settings.gradientSteps { try learn(&metrics, &sums) }
            metrics.updateSeconds += (clock.now - begun) / .seconds(1)
        } while steps - first < settings.stepsPerIteration && !isFinished

        iterations += 1
        episodes += metrics.episodes
        sums.report(to: &metrics)
        metrics.replayed = replay.count
        metrics.exploration = exploration(at: steps)
        (metrics.iteration, metrics.steps) = (iterations, steps)
        metrics.seconds = (clock.now - start) / .seconds(1)
        metrics.stepsPerSecond = Double(steps - first) / metrics.seconds
        return metrics
    }

    private func progress(at steps: Int) -> Double { min(1, Double(steps) / Double(settings.totalSteps)) }

    /// Share of random actions after `steps` steps.
    private func exploration(at steps: Int) -> Double {
        steps < settings.learningStarts ? 1 : settings.exploration.value(at: progress(at: steps))
    }

    // MARK: 1. Steps

    private func collect(_ metrics: inout DQNMetrics, _ sums: inout Sums) throws {
        let (workers, parameters, normalizer) = (workers, parameters, normalizer)
        let explorations = (0..<settings.trainEvery).map { exploration(at: steps + $0 * settings.environments) }
        pool.run(workers.count) { index in
            workers[index].collect(explorations: explorations, parameters: parameters, normalizer: normalizer)
        }
        for worker in workers {
            if let failure = worker.failure { throw failure }
        }
        steps += settings.environments * settings.trainEvery
        for worker in workers {
            // 2. In the order of the blocks, which is the same for any number of threads.
            replay.append(allOf: worker.experiences)
            self.normalizer?.add(&worker.seen)
            scaleRewards(of: worker)
            metrics.episodes += worker.episodes.count
            for episode in worker.episodes {
                sums.returns += episode.totalReward
                sums.lengths += episode.length
            }
        }
        let times = RolloutTimes.slowest(of: workers.map(\.times), threads: settings.threads)
        metrics.environmentSeconds += times.environments
        metrics.inferenceSeconds += times.inference
    }

    /// Takes the rewards of a worker's last round into the statistics that rewards are scaled by.
    private func scaleRewards(of worker: ExperienceWorker<Environments, Network>) {
        guard rewardScaler != nil else { return }
        let count = worker.block.range.count
        for (position, outcome) in worker.outcomes.enumerated() {
            _ = rewardScaler?.scale(outcome, of: worker.block.range.lowerBound + position % count)
        }
    }

    // MARK: 3. Updates

    private func updateTarget() {
        guard steps - targetSteps >= settings.targetUpdateEvery else { return }
        // In whole periods, so that rounds that do not divide the period do not stretch it.
        targetSteps += (steps - targetSteps) / settings.targetUpdateEvery * settings.targetUpdateEvery
        let rate = Float(settings.targetUpdateRate)
        if rate == 1 {
            target = parameters
        } else {
            for index in target.indices { target[index] += rate * (parameters[index] - target[index]) }
        }
    }

    private func learn(_ metrics: inout DQNMetrics, _ sums: inout Sums) throws {
        // With n steps, the first transitions come after the first steps.
        guard replay.count > 0 else { return }
        let progress = progress(at: steps)
        let rate = settings.learningRateSchedule.value(settings.learningRate, at: progress)
        metrics.learningRate = rate
        let priorities = settings.prioritized
        let beta = priorities.map { $0.beta + progress * ($0.finalBeta - $0.beta) } ?? 0
        replay.draw(settings.batchSize, beta: beta, using: &generator, into: &minibatch)
        if let normalizer {
            normalizer.normalize(&minibatch.experiences.observations)
            normalizer.normalize(&minibatch.experiences.nextObservations)
        }
        if let rewardScaler {
            for index in minibatch.experiences.returns.indices {
                minibatch.experiences.returns[index] = Float(
                    rewardScaler.scaled(Double(minibatch.experiences.returns[index])))
            }
        }
        let batch = minibatch.experiences
        let (parameters, target, heads) = (parameters, target, network.heads)
        network.forward(batch.nextObservations, parameters: target.span, heads: heads, workspace: &targetWorkspace)
        if settings.double {
            network.forward(
                batch.nextObservations, parameters: parameters.span, heads: .policy, workspace: &learningWorkspace)
        }
        try loss.targets(
            returns: batch.returns, discounts: batch.discounts, target: targetWorkspace.output,
            learning: learningWorkspace.output, into: &targets)
        network.forward(batch.observations, parameters: parameters.span, heads: heads, workspace: &learningWorkspace)
        let output = learningWorkspace.output
        let batchSums = loss.gradients(
            actions: batch.actions, targets: targets, weights: minibatch.weights, output: output,
            into: &learningWorkspace.outputGradients, errors: &errors)
        Self.clear(&gradients)
        network.backward(
            batch.observations, parameters: parameters.span, workspace: &learningWorkspace, gradients: &gradients)
        if let priorities { replay.setPriorities(errors, of: minibatch.slots, priorities) }
        let norm = step(rate)
        guard norm.isFinite else { throw LearningError.diverged("the gradient is") }
        metrics.updates += 1
        sums.gradientNorm += norm
        sums.loss += batchSums.loss / Double(batch.count)
        sums.absoluteError += batchSums.absoluteError / Double(batch.count)
        sums.actionValue += batchSums.actionValue / Double(batch.count)
    }

    private static func clear(_ gradients: inout [Float]) {
        var span = gradients.mutableSpan
        span.update(repeating: 0)
    }

    private func step(_ rate: Double) -> Double {
        let gradients = gradients
        return optimizer.update(
            &parameters, gradients: gradients.span, rate: rate, maximumNorm: settings.maximumGradientNorm)
    }

    /// Sums over the rounds of an iteration, and over its updates.
    private struct Sums {
        var returns = 0.0
        var lengths = 0
        var loss = 0.0
        var absoluteError = 0.0
        var actionValue = 0.0
        var gradientNorm = 0.0

        func report(to metrics: inout DQNMetrics) {
            if metrics.episodes > 0 {
                metrics.meanReturn = returns / Double(metrics.episodes)
                metrics.meanLength = Double(lengths) / Double(metrics.episodes)
            }
            guard metrics.updates > 0 else { return }
            let updates = Double(metrics.updates)
            metrics.loss = loss / updates
            metrics.error = absoluteError / updates
            metrics.actionValue = actionValue / updates
            metrics.gradientNorm = gradientNorm / updates
        }
    }
}

extension DQNSettings {
    /// The outputs that the network needs.
    public var heads: ActorCriticHeads { dueling ? .both : .policy }
}
