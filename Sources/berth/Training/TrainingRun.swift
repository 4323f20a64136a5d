import Checkpoints
import Cluster
import Learning
import Settings

/// Something that learns in iterations and can be stored between two of them.
protocol Trainer: AnyObject {
    /// Steps taken so far, over all environments.
    var steps: Int { get }
    /// Episodes that have ended so far.
    var episodes: Int { get }
    /// Whether the run has taken all its steps.
    var isFinished: Bool { get }

    /// One iteration.
    func runIteration() throws -> PPOMetrics
    /// Everything that is needed to go on as if there had been no break.
    func checkpoint() throws -> Checkpoint
    /// Goes on from a checkpoint.
    func restore(from checkpoint: Checkpoint) throws
}

extension PPO: Trainer {}

/// Trains to the end or to an interruption, and keeps the run folder.
struct TrainingRun {
    /// How a run ended.
    enum End {
        case finished
        case interrupted
    }

    let configuration: TrainConfiguration
    let folder: RunFolder
    let trainer: any Trainer
    /// Features that the policy observes, where they have names.
    let schema: FeatureSchema?

    /// Goes on from the newest checkpoint of the folder.
    func resume() throws {
        let file = try RunFolder.newestCheckpoint(folder.path)
        do {
            let checkpoint = try Checkpoint.read(file)
            if let schema { try checkpoint.requireSchema(schema) }
            try trainer.restore(from: checkpoint)
        } catch let error as CheckpointError {
            throw error
        } catch {
            throw CommandFailure(message: "cannot continue from \(file): \(error)")
        }
    }

    /// Runs iterations until the run is finished or a signal asks to stop; both end with a checkpoint.
    func run() throws -> End {
        Interruption.install()
        let first = trainer.steps
        let metricsTable = try MetricsTable(
            path: folder.metricsFile, columns: MetricsColumns.names, resumingAt: first)
        let events = try EventFile(folder: folder.path, resumingAt: first)
        var progress = ProgressDisplay(unit: "steps", total: configuration.ppo.totalSteps, first: first)
        var saved = first
        var headlines = Headlines()
        while !trainer.isFinished, Interruption.signalNumber == nil {
            let metrics: PPOMetrics
            do {
                metrics = try trainer.runIteration()
            } catch is CancellationError where Interruption.signalNumber != nil {
                // A live cluster breaks an interval off; what was learned before it is kept.
                break
            }
            try metricsTable.append(step: trainer.steps, values: MetricsColumns.values(metrics))
            try events.append(step: trainer.steps, scalars: MetricsColumns.scalars(metrics))
            headlines.update(metrics)
            progress.update(trainer.steps, details: headlines.figures)
            if trainer.steps - saved >= configuration.checkpoints.everySteps, !trainer.isFinished {
                try save()
                saved = trainer.steps
            }
        }
        progress.finish(trainer.steps, details: headlines.figures)
        if trainer.steps > saved || first == 0 { try save() }
        return trainer.isFinished ? .finished : .interrupted
    }

    /// Writes a checkpoint of the present state.
    private func save() throws {
        var checkpoint = try trainer.checkpoint()
        checkpoint["configuration"] = .text(try configuration.yaml())
        if let schema { try checkpoint.setSchema(schema) }
        try checkpoint.write(to: folder.checkpointFile(step: trainer.steps))
        try folder.prune(keeping: configuration.checkpoints.keep)
    }
}

/// The figures of an iteration, under the names that tables and TensorBoard show.
enum MetricsColumns {
    private static let figures: [(name: String, tag: String, value: @Sendable (PPOMetrics) -> Double?)] = [
        ("mean_return", "rollout/mean_return", { $0.meanReturn }),
        ("mean_length", "rollout/mean_length", { $0.meanLength }),
        ("episodes", "rollout/episodes", { Double($0.episodes) }),
        ("policy_loss", "train/policy_loss", { $0.policyLoss }),
        ("value_loss", "train/value_loss", { $0.valueLoss }),
        ("entropy", "train/entropy", { $0.entropy }),
        ("approximate_kl", "train/approximate_kl", { $0.approximateKL }),
        ("clip_fraction", "train/clip_fraction", { $0.clipFraction }),
        ("explained_variance", "train/explained_variance", { $0.explainedVariance }),
        ("gradient_norm", "train/gradient_norm", { $0.gradientNorm }),
        ("learning_rate", "train/learning_rate", { $0.learningRate }),
        ("clip_range", "train/clip_range", { $0.clipRange }),
        ("steps_per_second", "time/steps_per_second", { $0.stepsPerSecond }),
        ("environment_seconds", "time/environment_seconds", { $0.environmentSeconds }),
        ("inference_seconds", "time/inference_seconds", { $0.inferenceSeconds }),
        ("update_seconds", "time/update_seconds", { $0.updateSeconds }),
    ]

    /// Columns of `metrics.csv` after `step`.
    static var names: [String] { figures.map(\.name) }

    /// A row of `metrics.csv`; `nil` for what was not measured.
    static func values(_ metrics: PPOMetrics) -> [Double?] { figures.map { $0.value(metrics) } }

    /// TensorBoard's scalars.
    static func scalars(_ metrics: PPOMetrics) -> [(tag: String, value: Double?)] {
        figures.map { ($0.tag, $0.value(metrics)) }
    }
}

/// The figures that the progress bar shows: the last known ones.
private struct Headlines {
    private var meanReturn: Double?
    private var entropy: Double?

    mutating func update(_ metrics: PPOMetrics) {
        meanReturn = metrics.meanReturn ?? meanReturn
        entropy = metrics.entropy
    }

    var figures: [(name: String, value: Double?)] { [("return", meanReturn), ("entropy", entropy)] }
}
