/// What one iteration of tabular learning did.
public struct TabularMetrics: TrainingMetrics, Equatable {
    /// Iterations so far, this one included.
    public var iteration = 0
    /// Steps so far.
    public var steps = 0
    /// Episodes that ended in this iteration.
    public var episodes = 0
    /// Mean sum of rewards of those episodes; `nil` when none ended.
    public var meanReturn: Double?
    /// Mean steps of those episodes; `nil` when none ended.
    public var meanLength: Double?
    /// Mean absolute difference between a target and the value it moved, before the move.
    public var temporalDifference = 0.0
    /// Learning rate of the last step.
    public var learningRate = 0.0
    /// Probability of a random action in the last step.
    public var exploration = 0.0
    /// Steps per second of wall time in this iteration.
    public var stepsPerSecond = 0.0
    /// Wall time of the whole iteration, in seconds.
    public var seconds = 0.0

    /// Of nothing.
    public init() {}

    /// Everything above but the counters and the wall time, in a fixed order.
    public var figures: [TrainingFigure] {
        [
            TrainingFigure("rollout", "mean_return", meanReturn),
            TrainingFigure("rollout", "mean_length", meanLength),
            TrainingFigure("rollout", "episodes", Double(episodes)),
            TrainingFigure("train", "td_error", temporalDifference),
            TrainingFigure("train", "learning_rate", learningRate),
            TrainingFigure("train", "exploration", exploration),
            TrainingFigure("time", "steps_per_second", stepsPerSecond),
        ]
    }

    /// How far values still move, and how often the action is a random one.
    public var headlines: [TrainingFigure] {
        [TrainingFigure("train", "td_error", temporalDifference), TrainingFigure("train", "exploration", exploration)]
    }
}
