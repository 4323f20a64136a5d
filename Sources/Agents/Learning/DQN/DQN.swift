import Gym
public import NeuralNetworks
public import Processes
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
/// Equal settings, seed and environments give equal parameters, bit for bit on one processor model; `threads` and the
/// number of processes change nothing, `gradientShards` the last bits, `environmentsPerBlock` the order in which transitions
/// are remembered. The learner belongs to one thread.
///
/// In a group of processes each steps its part of the blocks and computes its part of the gradient's shards; everything
/// else, the replay buffer included, all of them keep alike.
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
    private let shards: [Owned<DQNShard<Network>>]
    private let pool: WorkerPool
    let processes: ProcessGroup
    private let loss: DQNLoss
    private var minibatch: ReplayBuffer<Environments.Observations>.Minibatch

    /// A learner that has taken no step.
    /// - Parameters:
    ///   - network: with both heads for a duel, else with the policy's only.
    ///   - seed: decides initial parameters, episodes, actions and minibatches.
    ///   - processes: that train together; each has a learner of the same settings and seed.
    ///   - makeEnvironments: makes the environments of a range of indices; ranges are disjoint and cover
    ///     0 ..< `settings.environments`. What an environment does may depend on its index, never on the range.
    public init(
        settings: DQNSettings, network: Network, seed: UInt64, processes: ProcessGroup = .single,
        makeEnvironments: (Range<Int>) throws -> Environments
    ) throws {
        precondition(network.heads == settings.heads, "a duel, and only a duel, needs a network with a value")
        self.settings = settings
        self.network = network
        self.processes = processes
        generator = RandomGenerator(seed: seed, stream: 1)
        var initializer = RandomGenerator(seed: seed, stream: 2)
        parameters = network.initialParameters(using: &initializer)
        target = parameters
        optimizer = AdamOptimizer(count: parameters.count, epsilon: settings.adamEpsilon)
        workers = try makeBlocks(
            count: settings.environments, size: settings.environmentsPerBlock, seed: seed, makeEnvironments
        ).map { ExperienceWorker($0, network: network, settings: settings) }
        precondition(
            network.makeWorkspace().output.parts.isEmpty, "DQN values whole actions, not the components of vectors")
        let observations = workers[0].block.observations.emptied()
        replay = ReplayBuffer(
            capacity: settings.replayCapacity, isPrioritized: settings.prioritized != nil, like: observations)
        minibatch = ReplayBuffer.Minibatch(experiences: Experiences(like: observations))
        shards = (0..<settings.gradientShards).map { _ in Owned(DQNShard(network, like: observations)) }
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
        let (clock, start) = (ContinuousClock(), ContinuousClock().now)
        let (parameters, normalizer) = (parameters, normalizer)
        let explorations = (0..<settings.trainEvery).map { exploration(at: steps + $0 * settings.environments) }
        try processes.collect(workers, pool) {
            $0.collect(explorations: explorations, parameters: parameters, normalizer: normalizer)
        }
        let times = RolloutTimes(sharing: (clock.now - start) / .seconds(1), as: workers.map(\.times))
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
        let batchSums = try computeGradients()
        if let priorities {
            let errors = shards[..<parts].flatMap(\.value.errors)
            replay.setPriorities(errors, of: minibatch.slots, priorities)
        }
        let norm = step(rate)
        guard norm.isFinite else { throw LearningError.diverged("the gradient is") }
        metrics.updates += 1
        sums.gradientNorm += norm
        sums.loss += batchSums.loss / Double(settings.batchSize)
        sums.absoluteError += batchSums.absoluteError / Double(settings.batchSize)
        sums.actionValue += batchSums.actionValue / Double(settings.batchSize)
    }

    /// Shards that a minibatch is shared out to.
    private var parts: Int { min(shards.count, settings.batchSize) }

    /// Leaves the gradient of the loss over the minibatch in the first shard.
    private func computeGradients() throws -> DQNLoss.Sums {
        let (parts, minibatch) = (parts, minibatch)
        let inputs = DQNShard<Network>.Inputs(
            parameters: parameters, target: target, normalizer: normalizer, rewardScaler: rewardScaler, loss: loss)
        try processes.compute(shards[..<parts], pool) { part, shard in
            let count = minibatch.experiences.count
            shard.run(minibatch, count * part / parts..<count * (part + 1) / parts, inputs)
        }
        var sums = shards[0].value.sums
        for part in 1..<max(1, parts) {
            shards[0].value.add(shards[part].value)
            sums += shards[part].value.sums
        }
        return sums
    }

    private func step(_ rate: Double) -> Double {
        let gradients = shards[0].value.gradients
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
