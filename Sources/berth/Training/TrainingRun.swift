import Checkpoints
import Cluster
import Foundation
import Learning
import Prediction
import Processes
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
    var totalSteps: Int { settings.totalSteps }
}

extension DQN: Trainer {
    var totalSteps: Int { settings.totalSteps }
}

extension TabularLearner: Trainer {
    func gatherStates() {}

    var totalSteps: Int { settings.totalSteps }
}

/// A checkpoint that a run goes on from, and its file.
struct RunCheckpoint {
    let file: String
    let values: Checkpoint

    /// The newest one of a run.
    init(newestOf folder: RunFolder) throws {
        file = try RunFolder.newestCheckpoint(folder.path)
        values = try Checkpoint.read(file)
    }
}

/// Trains to the end or to an interruption, and keeps the run folder. Of several processes the first one keeps it.
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
    /// The processes that train together.
    let processes: ProcessGroup
    let trainer: any Trainer
    /// Features that the policy observes, where they have names.
    let schema: FeatureSchema?
    /// The predictor that the policy decides with.
    let predictor: PolicyPredictor?
    /// How the present policy is evaluated; `nil` where there are no episodes for it.
    let evaluation: PolicyEvaluation?
    private var evaluations = Evaluations()
    /// Where the time of this process's iterations went.
    private(set) var profile = TimeProfile()

    init(
        configuration: TrainConfiguration, folder: RunFolder, processes: ProcessGroup, trainer: any Trainer,
        schema: FeatureSchema?, predictor: PolicyPredictor?, evaluation: PolicyEvaluation?
    ) throws {
        if configuration.evaluation.everySteps > 0, evaluation == nil {
            throw SettingsError(
                key: "evaluation.everySteps",
                problem: "there are no episodes to evaluate on: set environment.evaluationEpisodes above 0; "
                    + "a live cluster has none")
        }
        (self.configuration, self.folder, self.processes, self.trainer) = (configuration, folder, processes, trainer)
        (self.schema, self.predictor, self.evaluation) = (schema, predictor, evaluation)
    }

    /// Goes on from a checkpoint of the folder.
    mutating func resume(from checkpoint: RunCheckpoint) throws {
        do {
            if let schema { try checkpoint.values.requireSchema(schema) }
            let evaluations = try Evaluations(checkpoint.values)
            try trainer.restore(from: checkpoint.values)
            self.evaluations = evaluations
        } catch let error as CheckpointError {
            throw error
        } catch {
            throw CommandFailure(message: "cannot continue from \(checkpoint.file): \(error)")
        }
    }

    /// Runs iterations until the run is finished or a signal asks to stop; both end with a checkpoint.
    /// - Parameters:
    ///   - limit: steps after which it is to pause.
    ///   - isQuiet: shows no progress.
    mutating func run(until limit: Int = .max, isQuiet: Bool = false) throws -> End {
        Interruption.install()
        let first = trainer.steps
        var records = try processes.rank == 0 ? Records(self, resumingAt: first, isQuiet: isQuiet) : nil
        var saved = first
        var end: End?
        try processes.requireSame(
            "\(ProjectVersion.current), step \(first), \(predictor?.predictor.version ?? "")\n"
                + configuration.yaml(),
            "configuration, version, predictor or checkpoint",
            hint: "all processes must run the same berth with the same files")
        // A signal reaches the processes at different times, and all have to stop after the same iteration.
        var isInterrupted = try processes.any(Interruption.signalNumber != nil)
        while end == nil, !trainer.isFinished, trainer.steps < limit, !isInterrupted {
            let metrics: any TrainingMetrics
            do {
                metrics = try trainer.runIteration()
            } catch is CancellationError where Interruption.signalNumber != nil {
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
            isInterrupted = try processes.any(Interruption.signalNumber != nil)
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
    /// The files and the line on the screen that say how a run goes.
    private struct Records {
        private let metrics: MetricsTable
        private let evaluations: MetricsTable?
        private let events: EventFile
        private var progress: ProgressDisplay?
        private var meanReturn: Double?
        private var headlines: [(name: String, value: Double?)] = []

        init(_ run: TrainingRun, resumingAt first: Int, isQuiet: Bool) throws {
            metrics = try MetricsTable(
                path: run.folder.metricsFile, columns: run.trainer.figureNames, resumingAt: first)
            evaluations =
                try run.configuration.evaluation.everySteps == 0
                ? nil : MetricsTable(path: run.folder.evaluationsFile, columns: Evaluations.columns, resumingAt: first)
            events = try EventFile(folder: run.folder.path, resumingAt: first)
            progress = isQuiet ? nil : ProgressDisplay(unit: "steps", total: run.trainer.totalSteps, first: first)
        }

        mutating func append(_ iteration: any TrainingMetrics, step: Int) throws {
            try metrics.append(step: step, values: iteration.figures.map(\.value))
            try events.append(step: step, scalars: iteration.figures.map { ($0.tag, $0.value) })
            // The last known mean: in most iterations of long episodes none ends.
            meanReturn = iteration.meanReturn ?? meanReturn
            headlines = [("return", meanReturn)] + iteration.headlines.map { ($0.name, $0.value) }
            progress?.update(step, details: headlines)
        }

        func append(_ returns: EpisodeReturns, step: Int) throws {
            try evaluations?.append(step: step, values: returns.figures.map(\.value))
            try events.append(step: step, scalars: returns.figures.map { ($0.tag, $0.value) })
        }

        mutating func finish(step: Int) { progress?.finish(step, details: headlines) }
    }
}

/// Where the time of iterations went.
struct TimeProfile {
    private var parts: [(name: String, seconds: Double)] = []

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

    /// One line: the share of each part in `total` seconds, and of what lies between them; `nil` where none is known.
    func summary(of total: Double) -> String? {
        guard !parts.isEmpty, total > 0 else { return nil }
        let rest = max(0, total - parts.reduce(0) { $0 + $1.seconds })
        let shares = (parts + [("rest", rest)]).map { "\($0.0) \(Int((100 * $0.1 / total).rounded())) %" }
        return "time: " + shares.joined(separator: ", ")
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
