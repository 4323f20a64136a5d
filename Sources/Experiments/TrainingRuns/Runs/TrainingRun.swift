public import Checkpoints
import Cluster
import Foundation
import Learning
import Prediction
public import Processes
import Settings

/// A checkpoint that a run goes on from, and its file.
public struct RunCheckpoint: Sendable {
    /// The file.
    public let file: String
    /// What is in it.
    public let values: Checkpoint

    /// The newest one of a run.
    /// - Throws: `ExperimentError` with the code `runMissing` when there is none; `CheckpointError` for a damaged one.
    public init(newestOf folder: RunFolder) throws {
        file = try RunFolder.newestCheckpoint(folder.path)
        values = try Checkpoint.read(file)
    }
}

/// How far a run is.
public struct TrainingProgress: Sendable {
    /// Steps taken so far, over all environments.
    public let steps: Int
    /// Mean return of the episodes that ended last, and the few figures that a line has room for; `nil` for what is not
    /// known yet.
    public let headlines: [(name: String, value: Double?)]
    /// Whether the run ends here.
    public let isLast: Bool
}

/// Trains to the end or to an interruption, and keeps the run folder. Of several processes the first one keeps it.
public struct TrainingRun {
    /// How a run ended.
    public enum End: Sendable, Equatable {
        /// It has taken all its steps.
        case finished
        /// It was asked to stop.
        case interrupted
        /// It has taken the steps that were asked for, which are not all.
        case paused
        /// An evaluation reached the return that was asked for.
        case reached(Double)
    }

    /// What the run was begun with.
    public let configuration: TrainConfiguration
    /// Where its files are.
    public let folder: RunFolder
    /// The processes that train together.
    public let processes: ProcessGroup
    /// Where the time of this process's iterations went.
    public private(set) var profile = TimeProfile()
    private let control: RunControl
    private let trainer: any Trainer
    /// Features that the policy observes, where they have names.
    private let schema: FeatureSchema?
    /// The predictor that the policy decides with.
    private let predictor: PolicyPredictor?
    /// How the present policy is evaluated; `nil` where there are no episodes for it.
    let evaluation: PolicyEvaluation?
    private let closeGround: () throws -> Void
    private var evaluations = Evaluations()

    /// A run that has taken no step: its environment and its learner are made, and nothing is written yet.
    /// - Parameters:
    ///   - folder: where its files will be.
    ///   - processes: that train together.
    ///   - predictor: of the run that is resumed, in place of the configuration's.
    ///   - control: the hold on it.
    /// - Throws: `SettingsError` and `ExperimentError` for a configuration that cannot be trained with; errors of
    ///   files that it names; `LiveError` for a live cluster.
    public init(
        _ configuration: TrainConfiguration, folder: RunFolder, processes: ProcessGroup = .single,
        predictor: PolicyPredictor? = nil, control: RunControl = RunControl()
    ) throws {
        let learnerSettings = configuration.learner
        let preparation = Preparation(
            learner: learnerSettings, seed: configuration.seed, processes: processes, predictor: predictor,
            control: control)
        let ground = try configuration.environment.ground(preparation)
        do {
            let learner = try learnerSettings.prepare(preparation, in: ground)
            if configuration.evaluation.everySteps > 0, ground.seeds.isEmpty {
                throw SettingsError(
                    key: "evaluation.everySteps",
                    problem: "there are no episodes to evaluate on: set environment.evaluationEpisodes above 0; "
                        + "a live cluster has none")
            }
            trainer = learner.trainer
            evaluation =
                ground.seeds.isEmpty
                ? nil
                : PolicyEvaluation(
                    seeds: ground.seeds, evaluate: learner.evaluate, expectedReturn: learner.expectedReturn)
        } catch {
            try ground.close()
            throw error
        }
        (self.configuration, self.folder, self.processes, self.control) = (configuration, folder, processes, control)
        (schema, self.predictor, closeGround) = (ground.schema, ground.predictor, ground.close)
    }

    /// Steps taken so far, over all environments.
    public var steps: Int { trainer.steps }
    /// Steps of the whole run.
    public var totalSteps: Int { trainer.totalSteps }

    /// Removes what the run made outside its folder.
    public func close() throws { try closeGround() }

    /// Writes the resolved configuration into the run folder.
    public func writeConfiguration() throws {
        let text = try configuration.yaml()
        try Data(text.utf8).write(to: URL(filePath: folder.configurationFile), options: .atomic)
    }

    /// Plays the evaluation episodes with the last policy and others with the best one, where it was kept, and writes
    /// `evaluation.json`. The trainer then has the best policy.
    /// - Returns: what is in that file; `nil` where there are no episodes to evaluate on.
    public func evaluate() throws -> EvaluationFile? {
        guard let evaluation else { return nil }
        var report = EvaluationFile(last: try evaluation.play())
        if FileManager.default.fileExists(atPath: folder.bestFile) {
            try trainer.restore(from: Checkpoint.read(folder.bestFile))
            report.best = EvaluationFile.Best(step: trainer.steps, returns: try evaluation.playOthers())
        }
        try JSONFile.write(report, to: folder.evaluationFile)
        return report
    }

    /// Goes on from a checkpoint of the folder.
    /// - Throws: `ExperimentError` with the code `cannotResume`; `CheckpointError` for a checkpoint of another kind.
    public mutating func resume(from checkpoint: RunCheckpoint) throws {
        do {
            if let schema { try checkpoint.values.requireSchema(schema) }
            let evaluations = try Evaluations(checkpoint.values)
            try trainer.restore(from: checkpoint.values)
            self.evaluations = evaluations
        } catch let error as CheckpointError {
            throw error
        } catch {
            throw ExperimentError(.cannotResume, "cannot continue from \(checkpoint.file): \(error)")
        }
    }

    /// Runs iterations until the run is finished or is asked to stop; both end with a checkpoint.
    /// - Parameters:
    ///   - limit: steps after which it pauses.
    ///   - progress: told after each iteration, in the first process, how far the run is.
    public mutating func run(
        until limit: Int = .max, progress: ((TrainingProgress) -> Void)? = nil
    ) throws -> End {
        let first = trainer.steps
        var records = try processes.rank == 0 ? Records(self, resumingAt: first, progress: progress) : nil
        var saved = first
        var end: End?
        try processes.requireSame(
            "\(ProjectVersion.current), step \(first), \(predictor?.predictor.version ?? "")\n"
                + configuration.yaml(),
            "configuration, version, predictor or checkpoint",
            hint: "all processes must run the same berth with the same files")
        // The wish to stop reaches the processes at different times, and all have to stop after the same iteration.
        var isInterrupted = try processes.any(control.isCancelled())
        while end == nil, !trainer.isFinished, trainer.steps < limit, !isInterrupted {
            let metrics: any TrainingMetrics
            do {
                metrics = try trainer.runIteration()
            } catch is CancellationError where control.isCancelled() {
                // A live cluster breaks an interval off; what was learned before it is kept.
                isInterrupted = true
                break
            }
            profile.add(metrics.figures)
            try records?.append(metrics, step: trainer.steps)
            // The last policy is a candidate too.
            if let evaluation,
                evaluations.isDue(
                    at: trainer.steps, every: configuration.evaluation.everySteps, isLast: trainer.isFinished)
            {
                let returns = try evaluation.play(processes)
                try records?.append(returns, step: trainer.steps)
                let isBest = evaluations.record(returns.expected ?? returns.mean, at: trainer.steps)
                if isBest { try write(to: folder.bestFile) }
                if let goal = configuration.evaluation.stopAtReturn, returns.mean >= goal {
                    end = .reached(returns.mean)
                }
            }
            if trainer.steps - saved >= configuration.checkpoints.everySteps, !trainer.isFinished {
                try save()
                saved = trainer.steps
            }
            isInterrupted = try processes.any(control.isCancelled())
        }
        records?.finish(step: trainer.steps)
        if trainer.steps > saved || first == 0 { try save() }
        if let end { return end }
        if trainer.isFinished { return .finished }
        return isInterrupted ? .interrupted : .paused
    }

    /// Writes a checkpoint of the present state, and removes old ones.
    private func save() throws {
        try write(to: folder.checkpointFile(step: trainer.steps))
        if processes.rank == 0 { try folder.prune(keeping: configuration.checkpoints.keep) }
    }

    private func write(to file: String) throws {
        try trainer.gatherStates()
        guard processes.rank == 0 else { return }
        var checkpoint = try trainer.checkpoint()
        checkpoint["configuration"] = .text(try configuration.yaml())
        if let schema { try checkpoint.setSchema(schema) }
        try predictor?.store(in: &checkpoint)
        evaluations.store(in: &checkpoint)
        try checkpoint.write(to: file)
    }
}

extension TrainingRun {
    /// The files that say how a run goes, and whoever is told.
    private struct Records {
        private let metrics: MetricsTable
        private let evaluations: MetricsTable?
        private let events: EventFile
        private let progress: ((TrainingProgress) -> Void)?
        private var meanReturn: Double?
        private var headlines: [(name: String, value: Double?)] = []

        init(
            _ run: TrainingRun, resumingAt first: Int, progress: ((TrainingProgress) -> Void)?
        ) throws {
            metrics = try MetricsTable(
                path: run.folder.metricsFile, columns: run.trainer.figureNames, resumingAt: first)
            evaluations =
                try run.configuration.evaluation.everySteps == 0
                ? nil : MetricsTable(path: run.folder.evaluationsFile, columns: Evaluations.columns, resumingAt: first)
            events = try EventFile(folder: run.folder.path, resumingAt: first)
            self.progress = progress
        }

        mutating func append(_ iteration: any TrainingMetrics, step: Int) throws {
            try metrics.append(step: step, values: iteration.figures.map(\.value))
            try events.append(step: step, scalars: iteration.figures.map { ($0.tag, $0.value) })
            // The last known mean: in most iterations of long episodes none ends.
            meanReturn = iteration.meanReturn ?? meanReturn
            headlines = [("return", meanReturn)] + iteration.headlines.map { ($0.name, $0.value) }
            progress?(TrainingProgress(steps: step, headlines: headlines, isLast: false))
        }

        func append(_ returns: EpisodeReturns, step: Int) throws {
            try evaluations?.append(step: step, values: returns.figures.map(\.value))
            try events.append(step: step, scalars: returns.figures.map { ($0.tag, $0.value) })
        }

        func finish(step: Int) {
            progress?(TrainingProgress(steps: step, headlines: headlines, isLast: true))
        }
    }
}

/// Where the time of iterations went.
public struct TimeProfile: Sendable {
    /// Seconds of each part of an iteration, summed up.
    public private(set) var parts: [(name: String, seconds: Double)] = []

    /// Takes the figures of an iteration in that tell the seconds of a part of it.
    fileprivate mutating func add(_ figures: [TrainingFigure]) {
        for figure in figures where figure.group == "time" && figure.name.hasSuffix("_seconds") {
            let name = String(figure.name.dropLast("_seconds".count))
            if let index = parts.firstIndex(where: { $0.name == name }) {
                parts[index].seconds += figure.value ?? 0
            } else {
                parts.append((name, figure.value ?? 0))
            }
        }
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

    func isDue(at now: Int, every period: Int, isLast: Bool) -> Bool {
        period > 0 && (now / period > steps / period || isLast && now > steps)
    }

    /// Takes a mean return in.
    /// - Returns: whether it is better than all before.
    mutating func record(_ mean: Double, at now: Int) -> Bool {
        steps = now
        guard best.map({ mean > $0 }) ?? true else { return false }
        best = mean
        return true
    }
}
