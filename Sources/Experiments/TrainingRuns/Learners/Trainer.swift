public import Checkpoints
public import Learning

/// Something that learns in iterations and can be stored between two of them.
public protocol Trainer: AnyObject {
    /// What an iteration reports.
    associatedtype Metrics: TrainingMetrics

    /// Steps of the whole run.
    var totalSteps: Int { get }
    /// Steps taken so far, over all environments.
    var steps: Int { get }
    /// Episodes that have ended so far.
    var episodes: Int { get }
    /// Whether the run has taken all its steps.
    var isFinished: Bool { get }

    /// One iteration.
    func runIteration() throws -> Metrics
    /// Tells the first of several processes where the others stand; all have to call it before a checkpoint.
    func gatherStates() throws
    /// Everything that is needed to go on as if there had been no break.
    func checkpoint() throws -> Checkpoint
    /// Goes on from a checkpoint.
    func restore(from checkpoint: Checkpoint) throws
}

extension Trainer {
    /// Names of the figures that an iteration reports.
    var figureNames: [String] { Metrics().figures.map(\.name) }
}

extension PPO: Trainer {
    /// Steps of the whole run.
    public var totalSteps: Int { settings.totalSteps }
}

extension DQN: Trainer {
    /// Steps of the whole run.
    public var totalSteps: Int { settings.totalSteps }
}

extension TabularLearner: Trainer {
    /// There is one process.
    public func gatherStates() {}

    /// Steps of the whole run.
    public var totalSteps: Int { settings.totalSteps }
}
