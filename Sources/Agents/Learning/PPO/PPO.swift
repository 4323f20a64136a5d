import Gym
public import NeuralNetworks
public import Processes
import Randomness

/// Proximal policy optimisation (Schulman et al., 2017) over flat or candidate environments.
///
/// One iteration: (1) every environment takes `rolloutSteps` steps with the current policy; (2) advantages are
/// estimated; (3) the samples are gone through `epochs` times in random minibatches, each of which moves the parameters
/// one step of Adam along the gradient of `PPOLoss`.
///
/// Equal settings, seed and environments give equal parameters, bit for bit on one processor model; `threads` and the
/// number of processes change nothing, `gradientShards` and `environmentsPerBlock` the last bits. The learner belongs to
/// one thread.
///
/// In a group of processes each steps its part of the blocks and computes its part of the gradient's shards; everything
/// else all of them do alike, so all have the same parameters.
public final class PPO<Environments: EnvironmentGroup, Network: ActorCritic>
where Environments.Observations == Network.Observations {
    /// Hyperparameters.
    public let settings: PPOSettings
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
    /// Shuffles the samples.
    var generator: RandomGenerator
    let workers: [RolloutWorker<Environments, Network>]
    private let shards: [Owned<GradientShard<Network>>]
    private let pool: WorkerPool
    let processes: ProcessGroup
    private var rollout: Rollout<Environments.Observations>

    /// A learner that has taken no step.
    /// - Parameters:
    ///   - seed: decides initial parameters, episodes, actions and minibatches.
    ///   - processes: that train together; each has a learner of the same settings and seed.
    ///   - makeEnvironments: makes the environments of a range of indices; ranges are disjoint and cover
    ///     0 ..< `settings.environments`. What an environment does may depend on its index, never on the range.
    public init(
        settings: PPOSettings, network: Network, seed: UInt64, processes: ProcessGroup = .single,
        makeEnvironments: (Range<Int>) throws -> Environments
    ) throws {
        self.settings = settings
        self.network = network
        self.processes = processes
        generator = RandomGenerator(seed: seed, stream: 1)
        var initializer = RandomGenerator(seed: seed, stream: 2)
        parameters = network.initialParameters(using: &initializer)
        optimizer = AdamOptimizer(count: parameters.count, epsilon: settings.adamEpsilon)

        let count = settings.environments
        workers = try makeBlocks(
            count: count, size: settings.environmentsPerBlock, seed: seed, makeEnvironments
        ).map { RolloutWorker($0, network: network) }
        let observations = workers[0].block.observations.emptied()
        rollout = Rollout(observations: observations, seen: observations)
        shards = (0..<settings.gradientShards).map { _ in Owned(GradientShard(network, like: observations)) }
        pool = WorkerPool(threads: settings.threads)
        if settings.normalizesObservations { normalizer = BatchNormalizer(widths: observations.rowWidths) }
        if settings.scalesRewards { rewardScaler = RewardScaler(count: count, discount: settings.discount) }
    }

    /// Whether the run has taken all its steps.
    public var isFinished: Bool { steps >= settings.totalSteps }

    /// One iteration: a rollout, advantages and the updates from it.
    /// - Throws: what an environment throws; `LearningError` for a decision without candidates or a diverged run.
    public func runIteration() throws -> PPOMetrics {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = min(1, Double(steps) / Double(settings.totalSteps))
        var metrics = PPOMetrics()
        metrics.learningRate = settings.learningRateSchedule.value(settings.learningRate, at: progress)
        metrics.clipRange = settings.clipRangeSchedule.value(settings.clipRange, at: progress)

        try collect(&metrics)
        let collected = clock.now
        estimateAdvantages(&metrics)
        try update(&metrics)

        steps += settings.environments * settings.rolloutSteps
        iterations += 1
        episodes += metrics.episodes
        metrics.steps = steps
        metrics.iteration = iterations
        let end = clock.now
        metrics.updateSeconds = (end - collected) / .seconds(1)
        metrics.seconds = (end - start) / .seconds(1)
        metrics.stepsPerSecond = Double(settings.environments * settings.rolloutSteps) / metrics.seconds
        return metrics
    }

    // MARK: 1. Rollout

    private func collect(_ metrics: inout PPOMetrics) throws {
        let (clock, start) = (ContinuousClock(), ContinuousClock().now)
        let (parameters, normalizer, steps) = (parameters, normalizer, settings.rolloutSteps)
        try processes.collect(workers, pool) {
            $0.collect(steps: steps, parameters: parameters, normalizer: normalizer)
        }
        let times = RolloutTimes(sharing: (clock.now - start) / .seconds(1), as: workers.map(\.times))
        join(workers)
        self.normalizer?.add(&rollout.seen)

        (metrics.environmentSeconds, metrics.inferenceSeconds) = (times.environments, times.inference)
        let ended = workers.flatMap(\.episodes).sorted { ($0.step, $0.environment) < ($1.step, $1.environment) }
        metrics.episodes = ended.count
        if !ended.isEmpty {
            metrics.meanReturn = ended.reduce(0) { $0 + $1.totalReward } / Double(ended.count)
            metrics.meanLength = ended.reduce(0) { $0 + Double($1.length) } / Double(ended.count)
        }
    }

    /// Puts the workers' parts of the rollout in the order of steps and environments.
    private func join(_ workers: [RolloutWorker<Environments, Network>]) {
        if workers.count == 1 {
            swap(&rollout.observations, &workers[0].stored)
            swap(&rollout.seen, &workers[0].seen)
            rollout.samples.actions = workers[0].actions
            rollout.samples.logProbabilities = workers[0].logProbabilities
            rollout.samples.values = workers[0].values
            return
        }
        rollout.observations.removeAll()
        rollout.seen.removeAll()
        rollout.samples = PPOSamples()
        for step in 0..<settings.rolloutSteps {
            for worker in workers {
                for index in step * worker.range.count..<(step + 1) * worker.range.count {
                    rollout.observations.append(index, of: worker.stored)
                    if normalizer != nil { rollout.seen.append(index, of: worker.seen) }
                    rollout.samples.actions.append(worker.actions[index])
                    rollout.samples.logProbabilities.append(worker.logProbabilities[index])
                    rollout.samples.values.append(worker.values[index])
                }
            }
        }
    }

    // MARK: 2. Advantages

    private func estimateAdvantages(_ metrics: inout PPOMetrics) {
        let count = settings.environments
        let steps = settings.rolloutSteps
        if rewardScaler != nil {
            // Statistics first, in the order of steps and environments; the scale is then the same for all samples.
            for step in 0..<steps {
                for worker in workers {
                    for index in worker.range {
                        let outcome = worker.outcomes[step * worker.range.count + index - worker.range.lowerBound]
                        _ = rewardScaler?.scale(outcome, of: index)
                    }
                }
            }
        }
        let estimation = AdvantageEstimation(discount: settings.discount, lambda: settings.lambda)
        var advantages = [Float](repeating: 0, count: count * steps)
        for worker in workers {
            for environment in worker.range {
                var trajectory = AdvantageEstimation.Trajectory()
                for step in 0..<steps {
                    let index = step * worker.range.count + environment - worker.range.lowerBound
                    let outcome = worker.outcomes[index]
                    trajectory.rewards.append(Float(rewardScaler?.scaled(outcome.reward) ?? outcome.reward))
                    trajectory.elapsed.append(Float(outcome.elapsed))
                    trajectory.values.append(worker.values[index])
                    trajectory.nextValues.append(worker.nextValues[index])
                    trajectory.ended.append(outcome.ended)
                }
                for (step, advantage) in estimation.advantages(trajectory).enumerated() {
                    advantages[step * count + environment] = advantage
                }
            }
        }
        rollout.samples.advantages = advantages
        rollout.samples.returns = zip(advantages, rollout.samples.values).map(+)
        metrics.explainedVariance = explainedVariance(rollout.samples.returns, errors: advantages)
    }

    // MARK: 3. Updates

    private func update(_ metrics: inout PPOMetrics) throws {
        let loss = PPOLoss(
            clipRange: Float(metrics.clipRange), valueClipRange: settings.valueClipRange.map { Float($0) },
            valueCoefficient: Float(settings.valueCoefficient),
            entropyCoefficient: Float(settings.entropyCoefficient), normalizesEntropy: settings.normalizesEntropy)
        var order = Array(0..<rollout.samples.count)
        var sums = PPOLoss.Sums()
        epochs: for _ in 0..<settings.epochs {
            generator.shuffle(&order)
            for begin in stride(from: 0, to: order.count, by: settings.batchSize) {
                let batch = Array(order[begin..<min(begin + settings.batchSize, order.count)])
                let batchSums = try computeGradients(batch, loss)
                sums += batchSums
                if let targetKL = settings.targetKL, batchSums.divergence / batchSums.count > 1.5 * targetKL {
                    break epochs
                }
                let gradients = shards[0].value.gradients
                let norm = optimizer.update(
                    &parameters, gradients: gradients.span, rate: metrics.learningRate,
                    maximumNorm: settings.maximumGradientNorm)
                guard norm.isFinite else {
                    throw LearningError.diverged("the gradient is")
                }
                metrics.updates += 1
                metrics.gradientNorm += norm
            }
        }
        metrics.policyLoss = sums.policy / sums.count
        metrics.valueLoss = sums.value / sums.count
        metrics.entropy = sums.entropy / sums.count
        metrics.approximateKL = sums.divergence / sums.count
        metrics.clipFraction = sums.clipped / sums.count
        metrics.gradientNorm /= Double(max(1, metrics.updates))
    }

    /// Leaves the gradient of the loss over the samples `batch` in the first shard.
    private func computeGradients(_ batch: [Int], _ loss: PPOLoss) throws -> PPOLoss.Sums {
        let (shards, rollout, parameters, maximumRows) = (shards, rollout, parameters, settings.maximumRows)
        let all = rollout.samples.advantages
        let own = batch.map { all[$0] }
        let advantages = settings.normalizesAdvantages ? normalized(own) : own
        let parts = min(shards.count, batch.count)
        try processes.compute(shards[..<parts], pool) { part, shard in
            let range = batch.count * part / parts..<batch.count * (part + 1) / parts
            shard.run(
                Array(batch[range]), advantages: Array(advantages[range]), rollout: rollout, parameters: parameters,
                loss: loss, batchSize: batch.count, maximumRows: maximumRows)
        }
        var sums = shards[0].value.sums
        for part in 1..<max(1, parts) {
            shards[0].value.add(shards[part].value)
            sums += shards[part].value.sums
        }
        return sums
    }
}

/// Shifted and scaled to mean 0 and standard deviation 1 (of a sample, as PyTorch's `std`); fewer than two values stay.
func normalized(_ values: [Float]) -> [Float] {
    guard values.count > 1 else { return values }
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    let scale = 1 / ((squares / Double(values.count - 1)).squareRoot() + 1e-8)
    return values.map { Float((Double($0) - mean) * scale) }
}

/// 1 - Var(errors) / Var(targets); `nil` when all targets are equal.
func explainedVariance(_ targets: [Float], errors: [Float]) -> Double? {
    func variance(_ values: [Float]) -> Double {
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        return values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    }
    let total = variance(targets)
    return total > 0 ? 1 - variance(errors) / total : nil
}
