/// What one iteration of DQN did: rounds of steps and updates.
public struct DQNMetrics: TrainingMetrics, Equatable {
    /// Iterations so far, this one included.
    public var iteration = 0
    /// Steps so far over all environments.
    public var steps = 0
    public var episodes = 0
    public var meanReturn: Double?
    /// Mean steps of those episodes; `nil` when none ended.
    public var meanLength: Double?
    /// Mean loss; `nil` before the first update.
    public var loss: Double?
    /// Mean absolute error of the action values, in units of the (scaled) return; `nil` before the first update.
    public var error: Double?
    /// Mean value of the actions taken; `nil` before the first update.
    public var actionValue: Double?
    /// Mean norm of the gradient before clipping; `nil` before the first update.
    public var gradientNorm: Double?
    /// Updates of the parameters in this iteration.
    public var updates = 0
    /// Learning rate of the last update.
    public var learningRate = 0.0
    /// Share of random actions at the end of the iteration.
    public var exploration = 0.0
    /// Transitions that are remembered.
    public var replayed = 0
    /// Steps per second of wall time in this iteration.
    public var stepsPerSecond = 0.0
    /// Wall time of stepping, in seconds, as far as the environments' share in the threads' time goes.
    public var environmentSeconds = 0.0
    /// The rest of it: in the network and in choosing actions.
    public var inferenceSeconds = 0.0
    /// Wall time of updates, in seconds.
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
            TrainingFigure("rollout", "exploration", exploration),
            TrainingFigure("rollout", "replayed", Double(replayed)),
            TrainingFigure("train", "loss", loss),
            TrainingFigure("train", "td_error", error),
            TrainingFigure("train", "action_value", actionValue),
            TrainingFigure("train", "gradient_norm", gradientNorm),
            TrainingFigure("train", "learning_rate", learningRate),
            TrainingFigure("train", "updates", Double(updates)),
            TrainingFigure("time", "steps_per_second", stepsPerSecond),
            TrainingFigure("time", "environment_seconds", environmentSeconds),
            TrainingFigure("time", "inference_seconds", inferenceSeconds),
            TrainingFigure("time", "update_seconds", updateSeconds),
        ]
    }

    public var headlines: [TrainingFigure] { [TrainingFigure("rollout", "exploration", exploration)] }
}
