/// What one iteration of a learner did, as figures with names.
public protocol TrainingMetrics: Sendable {
    /// Of nothing: has the same names as every other value of the type.
    init()

    /// Episodes that ended in this iteration.
    var episodes: Int { get }
    /// Mean sum of rewards of those episodes, unscaled; `nil` when none ended.
    var meanReturn: Double? { get }
    /// Everything that is reported of an iteration, always in the same order.
    var figures: [TrainingFigure] { get }
    /// The few that a progress line has room for, beside the mean return.
    var headlines: [TrainingFigure] { get }
}

/// A named figure of an iteration.
public struct TrainingFigure: Sendable, Equatable {
    /// What it is about: the part of a TensorBoard tag before the slash, such as `train`.
    public var group: String
    /// Its name, which is also its column in `metrics.csv`.
    public var name: String
    /// Its value; `nil` when it was not measured.
    public var value: Double?

    /// A figure and its value.
    public init(_ group: String, _ name: String, _ value: Double?) {
        (self.group, self.name, self.value) = (group, name, value)
    }

    /// TensorBoard's tag: group/name.
    public var tag: String { "\(group)/\(name)" }
}
