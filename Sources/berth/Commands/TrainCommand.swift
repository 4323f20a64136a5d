import ArgumentParser
import Foundation
import LinearAlgebra
import Live
import Prediction
import Processes
import Settings
import TrainingRuns

/// `berth train`
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains a policy, or continues a run.",
        discussion: """
            The run folder holds config.yaml with every default written out, checkpoints, metrics.csv and TensorBoard's \
            events. Ctrl-C saves a checkpoint; the run continues bit for bit with --resume.

            Several processes, on one machine or more, train together when mpirun starts them: \
            mpirun -np 4 berth train ... Any number of them gives the same weights, bit for bit on one processor \
            model; how much faster it goes depends on \
            environments, environmentsPerBlock and gradientShards, the parts that they share out.
            """)

    @Option(name: .long, help: ArgumentHelp("The configuration, a YAML file.", valueName: "file"))
    var config: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "Override one setting, as in --set ppo.totalSteps=1000. May be repeated.", valueName: "key=value"))
    var set: [String] = []

    @Option(name: .long, help: "Seed of the run, in place of the configuration's.")
    var seed: UInt64?

    @Option(
        name: .long, help: ArgumentHelp("The run folder. Without it: runs/CONFIG-SEED.", valueName: "dir"))
    var out: String?

    @Option(name: .long, help: ArgumentHelp("Continue the run in this folder.", valueName: "dir"))
    var resume: String?

    @Flag(name: .long, help: "Replace a run that is in the folder already.")
    var overwrite = false

    @Flag(name: .long, help: "On a live cluster: let the API server check each action and carry out none.")
    var dryRun = false

    mutating func run() throws {
        // From here on, so that what a run makes on a live cluster is removed when it is interrupted.
        Interruption.install()
        let processes: ProcessGroup
        do {
            processes = try ProcessGroup.join { Interruption.signalNumber != nil }
        } catch {
            throw CommandFailure(message: error.description, hint: error.hint)
        }
        do {
            let isInterrupted = try train(processes)
            processes.leave()
            if isInterrupted { throw ExitCode(Interruption.exitStatus) }
        } catch  where processes.hasJoined && !(error is ExitCode) {
            fail(error, processes)
        }
    }

    /// Ends all processes because of an error in this one.
    private func fail(_ error: any Error, _ processes: ProcessGroup) -> Never {
        // An error that all of them meet is told by the first one, which by then has ended the others.
        if processes.rank > 0 { Thread.sleep(forTimeInterval: 0.5) }
        processes.abort(status: CommandFailure.report(error))
    }

    /// Trains to the end.
    /// - Returns: whether a signal ended the run before.
    private func train(_ processes: ProcessGroup) throws -> Bool {
        var run = try resume.map { try resumed($0, processes) } ?? started(processes)
        var isClosed = false
        defer {
            if !isClosed {
                do { try run.close() } catch { CommandFailure.warn("not everything was removed: \(error)") }
            }
        }
        let clock = ContinuousClock()
        let start = clock.now
        let first = run.steps
        let end: TrainingRun.End
        var display = ProgressDisplay(unit: "steps", total: run.totalSteps, first: first)
        do {
            end = try run.run { display.show($0) }
        } catch let error as ProcessGroupError {
            throw CommandFailure(
                message: "process \(processes.rank) of \(processes.size): \(error.description)",
                hint: try hint(error, run.folder))
        }
        try run.close()
        isClosed = true
        if processes.rank == 0 {
            try report(end, run, steps: run.steps - first, seconds: (clock.now - start) / .seconds(1))
        }
        if case .interrupted = end { return true }
        return false
    }

    /// What to do after an error between processes.
    private func hint(_ error: ProcessGroupError, _ folder: RunFolder) throws -> String? {
        if !error.hint.isEmpty { return error.hint }
        guard try !folder.checkpoints().isEmpty else { return nil }
        return "the last checkpoint is kept: continue with berth train --resume \(folder.path)"
    }

    private func report(_ end: TrainingRun.End, _ run: TrainingRun, steps: Int, seconds: Double) throws {
        let folder = run.folder.path
        switch end {
        case .finished:
            print(
                "trained \(Figures.grouped(steps)) steps in \(Figures.duration(seconds)) "
                    + "(\(Figures.grouped(Int(Double(steps) / max(seconds, 1e-9)))) steps/s), run folder \(folder)")
            if let shares = run.profile.summary(of: seconds) { print(shares) }
            print("matrices: \(KernelSet.current)")
            try evaluate(run)
        case .reached(let meanReturn):
            print(
                "reached a mean return of \(Figures.short(meanReturn)) after "
                    + "\(Figures.grouped(run.steps)) steps, in \(Figures.duration(seconds)), run folder "
                    + folder)
            if let shares = run.profile.summary(of: seconds) { print(shares) }
            print("matrices: \(KernelSet.current)")
            try evaluate(run)
        case .interrupted, .paused:
            print("stopped at step \(Figures.grouped(run.steps)) and saved a checkpoint")
            print("continue with: berth train --resume \(folder)")
        }
    }

    /// Evaluates the last policy and the best one, and prints what they returned.
    private func evaluate(_ run: TrainingRun) throws {
        guard let report = try run.evaluate() else { return }
        print(report.last.summary)
        guard let best = report.best else { return }
        print(
            "the best policy, of step \(Figures.grouped(best.step)), in other episodes: " + best.returns.summary)
    }

    /// A new run.
    private func started(_ processes: ProcessGroup) throws -> TrainingRun {
        guard let config else {
            throw CommandFailure.usage("--config FILE is missing", hint: "or --resume DIR to continue a run")
        }
        var configuration = try TrainConfiguration.read(config, overrides: set)
        if let seed { configuration.seed = seed }
        if dryRun {
            let isLive = configuration.environment.change(LiveTrainSettings.self) { $0.cluster.guards.dryRun = true }
            guard isLive else { throw CommandFailure.dryRunNeedsCluster(config) }
        }
        let name = URL(filePath: config).deletingPathExtension().lastPathComponent
        // Everything that can be wrong with the configuration is found before a folder is made.
        let prepared = try TrainingRun(
            configuration, folder: RunFolder(path: out ?? "runs/\(name)-\(configuration.seed)"),
            processes: processes, control: .signals)
        if processes.rank == 0 {
            try prepared.folder.create(overwrite: overwrite, locking: true)
            try prepared.writeConfiguration()
        }
        return prepared
    }

    /// The run in a folder, where its newest checkpoint left it.
    private func resumed(_ path: String, _ processes: ProcessGroup) throws -> TrainingRun {
        for (option, isGiven) in [
            ("--config", config != nil), ("--seed", seed != nil), ("--out", out != nil), ("--overwrite", overwrite),
            ("--dry-run", dryRun),
        ] where isGiven {
            throw CommandFailure.usage(
                "\(option) cannot be given with --resume", hint: "the run's own config.yaml says how it goes on")
        }
        for key in ["environment.predictor", "environment.riskLimit"]
        where set.contains(where: { $0.hasPrefix("\(key)=") }) {
            throw CommandFailure.usage(
                "\(key) cannot be changed with --resume", hint: "the predictor is part of the run's checkpoints")
        }
        let folder = RunFolder(path: path)
        guard try RunFolder.newestCheckpoint(path) != path else {
            throw CommandFailure.usage(
                "\(path) is a file", hint: "--resume takes the run's folder, and goes on from its newest checkpoint")
        }
        if processes.rank == 0 { try folder.lock() }
        let configuration = try TrainConfiguration.read(folder.configurationFile, overrides: set)
        let checkpoint = try RunCheckpoint(newestOf: folder)
        // The predictor that it has been trained with so far, whatever has become of its file.
        let predictor = try PredictionError.naming(checkpoint.file) { try PolicyPredictor(checkpoint.values) }
        var prepared = try TrainingRun(
            configuration, folder: folder, processes: processes, predictor: predictor, control: .signals)
        try prepared.resume(from: checkpoint)
        if !set.isEmpty, processes.rank == 0 { try prepared.writeConfiguration() }
        return prepared
    }
}
