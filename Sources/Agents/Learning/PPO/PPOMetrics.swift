/// What one iteration of PPO did: a rollout and the updates from it.
public struct PPOMetrics: TrainingMetrics, Equatable {
    /// Iterations so far, this one included.
    public var iteration = 0
    /// Steps so far over all environments.
    public var steps = 0
    /// Episodes that ended in this iteration.
    public var episodes = 0
    /// Mean sum of rewards of those episodes, unscaled; `nil` when none ended.
    public var meanReturn: Double?
    /// Mean steps of those episodes; `nil` when none ended.
    public var meanLength: Double?
    /// Mean clipped surrogate over all minibatches.
    public var policyLoss = 0.0
    /// Mean half squared error of the value, before its weight.
    public var valueLoss = 0.0
    /// Mean entropy, normalised where that is asked for.
    public var entropy = 0.0
    /// Mean approximate KL divergence of the new policy from the old, in nats.
    public var approximateKL = 0.0
    /// Share of samples whose ratio was out of the clip range.
    public var clipFraction = 0.0
    /// 1 - Var(returns - values) / Var(returns): 1 for a perfect critic, 0 for a constant one; `nil` when all returns
    /// are equal.
    public var explainedVariance: Double?
    /// Mean norm of the gradient before clipping.
    public var gradientNorm = 0.0
    /// Updates of the parameters in this iteration.
    public var updates = 0
    /// Learning rate of this iteration.
    public var learningRate = 0.0
    /// Clip range of this iteration.
    public var clipRange = 0.0
    /// Steps per second of wall time in this iteration.
    public var stepsPerSecond = 0.0
    /// Wall time of stepping, in seconds, as far as the environments' share in the threads' time goes.
    public var environmentSeconds = 0.0
    /// The rest of it: in the network and in drawing actions.
    public var inferenceSeconds = 0.0
    /// Wall time of advantages and updates, in seconds.
    public var updateSeconds = 0.0
    /// Wall time of the whole iteration, in seconds.
    public var seconds = 0.0

    /// Of nothing.
    public init() {}

    public var figures: [TrainingFigure] {
        [
            TrainingFigure("rollout", "mean_return", meanReturn),
            TrainingFigure("rollout", "mean_length", meanLength),
            TrainingFigure("rollout", "episodes", Double(episodes)),
            TrainingFigure("train", "policy_loss", policyLoss),
            TrainingFigure("train", "value_loss", valueLoss),
            TrainingFigure("train", "entropy", entropy),
            TrainingFigure("train", "approximate_kl", approximateKL),
            TrainingFigure("train", "clip_fraction", clipFraction),
            TrainingFigure("train", "explained_variance", explainedVariance),
            TrainingFigure("train", "gradient_norm", gradientNorm),
            TrainingFigure("train", "learning_rate", learningRate),
            TrainingFigure("train", "clip_range", clipRange),
            TrainingFigure("time", "steps_per_second", stepsPerSecond),
            TrainingFigure("time", "environment_seconds", environmentSeconds),
            TrainingFigure("time", "inference_seconds", inferenceSeconds),
            TrainingFigure("time", "update_seconds", updateSeconds),
        ]
    }

    public var headlines: [TrainingFigure] { [TrainingFigure("train", "entropy", entropy)] }
}
