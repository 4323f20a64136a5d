import Checkpoints
import Cluster
import Foundation
import Learning
import Settings

/// Something that learns in iterations and can be stored between two of them.
protocol Trainer: AnyObject {
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
    var totalSteps: Int { settings.totalSteps }
}

extension DQN: Trainer {
    var totalSteps: Int { settings.totalSteps }
}

extension TabularLearner: Trainer {
    var totalSteps: Int { settings.totalSteps }
}

/// Trains to the end or to an interruption, and keeps the run folder.
struct TrainingRun {
    /// How a run ended.
    enum End {
        case finished
        case interrupted
        /// It has taken the steps that were asked for, which are not all.
        case paused
        /// An evaluation reached the return that was asked for.
        case reached(Double)
    }

    let configuration: TrainConfiguration
    let folder: RunFolder
    let trainer: any Trainer
    /// Features that the policy observes, where they have names.
    let schema: FeatureSchema?
    /// How the present policy is evaluated; `nil` where there are no episodes for it.
    let evaluation: PolicyEvaluation?
    private var evaluations = Evaluations()

    init(
        configuration: TrainConfiguration, folder: RunFolder, trainer: any Trainer, schema: FeatureSchema?,
        evaluation: PolicyEvaluation?
    ) throws {
        if configuration.evaluation.everySteps > 0, evaluation == nil {
            throw SettingsError(
                key: "evaluation.everySteps",
                problem: "there are no episodes to evaluate on: set environment.evaluationEpisodes above 0; "
                    + "a live cluster has none")
        }
        (self.configuration, self.folder, self.trainer) = (configuration, folder, trainer)
        (self.schema, self.evaluation) = (schema, evaluation)
    }

    /// Goes on from the newest checkpoint of the folder.
    mutating func resume() throws {
        let file = try RunFolder.newestCheckpoint(folder.path)
        do {
            let checkpoint = try Checkpoint.read(file)
            if let schema { try checkpoint.requireSchema(schema) }
            let evaluations = try Evaluations(checkpoint)
            try trainer.restore(from: checkpoint)
            self.evaluations = evaluations
        } catch let error as CheckpointError {
            throw error
        } catch {
            throw CommandFailure(message: "cannot continue from \(file): \(error)")
        }
    }

    /// Runs iterations until the run is finished or a signal asks to stop; both end with a checkpoint.
    /// - Parameters:
    ///   - limit: steps after which it is to pause.
    ///   - isQuiet: shows no progress.
    mutating func run(until limit: Int = .max, isQuiet: Bool = false) throws -> End {
        Interruption.install()
        let first = trainer.steps
        let metricsTable = try MetricsTable(
            path: folder.metricsFile, columns: trainer.figureNames, resumingAt: first)
        let evaluationTable =
            try configuration.evaluation.everySteps == 0
            ? nil : MetricsTable(path: folder.evaluationsFile, columns: Evaluations.columns, resumingAt: first)
        let events = try EventFile(folder: folder.path, resumingAt: first)
        var progress = ProgressDisplay(unit: "steps", total: trainer.totalSteps, first: first)
        var saved = first
        var meanReturn: Double?
        var headlines: [(name: String, value: Double?)] = []
        var end: End?
        while end == nil, !trainer.isFinished, trainer.steps < limit, Interruption.signalNumber == nil {
            let metrics: any TrainingMetrics
            do {
                metrics = try trainer.runIteration()
            } catch is CancellationError where Interruption.signalNumber != nil {
                // A live cluster breaks an interval off; what was learned before it is kept.
                break
            }
            try metricsTable.append(step: trainer.steps, values: metrics.figures.map(\.value))
            try events.append(step: trainer.steps, scalars: metrics.figures.map { ($0.tag, $0.value) })
            // The last known mean: in most iterations of long episodes none ends.
            meanReturn = metrics.meanReturn ?? meanReturn
            headlines = [("return", meanReturn)] + metrics.headlines.map { ($0.name, $0.value) }
            if !isQuiet { progress.update(trainer.steps, details: headlines) }
            if let evaluationTable, let evaluation,
                evaluations.isDue(at: trainer.steps, every: configuration.evaluation.everySteps)
            {
                let returns = try evaluation.play()
                try evaluationTable.append(step: trainer.steps, values: returns.figures.map(\.value))
                try events.append(step: trainer.steps, scalars: returns.figures.map { ($0.tag, $0.value) })
                let isBest = evaluations.record(returns.mean, at: trainer.steps)
                if isBest { try write(to: folder.bestFile) }
                if let goal = configuration.evaluation.stopAtReturn, returns.mean >= goal {
                    end = .reached(returns.mean)
                }
            }
            if trainer.steps - saved >= configuration.checkpoints.everySteps, !trainer.isFinished {
                try save()
                saved = trainer.steps
            }
        }
        if !isQuiet { progress.finish(trainer.steps, details: headlines) }
        if trainer.steps > saved || first == 0 { try save() }
        if let end { return end }
        if trainer.isFinished { return .finished }
        return Interruption.signalNumber == nil ? .paused : .interrupted
    }

    /// Writes a checkpoint of the present state, and removes old ones.
    private func save() throws {
        try write(to: folder.checkpointFile(step: trainer.steps))
        try folder.prune(keeping: configuration.checkpoints.keep)
    }

    private func write(to file: String) throws {
        var checkpoint = try trainer.checkpoint()
        checkpoint["configuration"] = .text(try configuration.yaml())
        if let schema { try checkpoint.setSchema(schema) }
        evaluations.store(in: &checkpoint)
        try checkpoint.write(to: file)
    }
}

/// What the evaluations of a run have shown so far.
private struct Evaluations {
    /// Columns of `evaluations.csv` after `step`.
    static let columns = ["mean_return", "deviation", "mean_length"]

    /// Steps at the last evaluation.
    private var steps = 0
    /// The best mean return.
    private var best: Double?

    init() {}

    /// Those of a stored run.
    init(_ checkpoint: Checkpoint) throws(CheckpointError) {
        guard checkpoint["evaluation/steps"] != nil else { return }
        steps = Int(try checkpoint.integer("evaluation/steps"))
        best = try checkpoint.double("evaluation/best_return")
    }

    func store(in checkpoint: inout Checkpoint) {
        guard let best else { return }
        checkpoint["evaluation/steps"] = .int64([Int64(steps)], shape: [])
        checkpoint["evaluation/best_return"] = .float64([best], shape: [])
    }

    func isDue(at now: Int, every period: Int) -> Bool { period > 0 && now / period > steps / period }

    /// Takes a mean return in.
    /// - Returns: whether it is better than all before.
    mutating func record(_ mean: Double, at now: Int) -> Bool {
        steps = now
        guard best.map({ mean > $0 }) ?? true else { return false }
        best = mean
        return true
    }
}
