import Foundation
import Learning
import Randomness
import Settings

/// Settings to try, and what came of them.
public struct Trial: Codable, Equatable, Sendable {
    /// Number, from 0.
    public var number: Int
    /// What it sets, key by key, as `--set` would.
    public var settings: [String: String]
    /// The mean return of its evaluation episodes, by the step that it had reached; `nil` where it diverged.
    public var scores: [Round] = []

    /// An evaluation.
    public struct Round: Codable, Equatable, Sendable {
        /// Steps that were asked for.
        public var steps: Int
        /// Mean return; `nil` when the trial diverged.
        public var score: Double?
    }

    /// What it sets, as `--set` takes it, in order of the keys.
    public var overrides: [String] { settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }
    /// The score of the last round; `nil` when it diverged.
    public var score: Double? { scores.last?.score }
    /// Whether a round has been played, with or without a score.
    func hasPlayed(_ steps: Int) -> Bool { scores.contains { $0.steps == steps } }

    /// What it is ranked by after so many rounds: who got further is better, among equals who scored more. Who diverged
    /// comes after all others.
    fileprivate func standing(after rounds: Int) -> (rounds: Int, score: Double) {
        let played = scores.prefix(rounds)
        guard let score = played.last?.score else { return (0, -.infinity) }
        return (played.count, score)
    }
}

/// A search over the settings of a training configuration: in a folder of its own, one run folder for each trial.
public struct Sweep {
    /// What has happened in a sweep.
    public enum Event: Sendable {
        /// A trial has been played up to so many steps; the score is `nil` when it diverged.
        case played(Trial, steps: Int, score: Double?)
        /// The sweep was asked to stop, and did in this trial.
        case stopped(Trial)
    }

    /// What to vary, and how.
    public let configuration: SweepConfiguration
    /// The file that the configuration is from.
    public let file: String
    /// Where the results are.
    public let folder: String
    private let control: RunControl

    /// A sweep; nothing is read or written yet.
    /// - Parameters:
    ///   - file: that the configuration is from.
    ///   - folder: where the results are, those of a sweep that was broken off too.
    ///   - control: the hold on it.
    public init(
        configuration: SweepConfiguration, file: String, folder: String, control: RunControl = RunControl()
    ) {
        (self.configuration, self.file, self.folder, self.control) = (configuration, file, folder, control)
    }

    /// The training configuration's file.
    private var training: String { SimulatorFile.path(configuration.training, besides: file) }
    /// The file that says what has been found so far.
    private var resultsFile: String { "\(folder)/trials.json" }
    /// What the sweep was begun with: enough to begin it again.
    private var configurationFile: String { "\(folder)/sweep.yaml" }
    private var trainingFile: String { "\(folder)/\(Self.trainingName)" }
    private var trialsFolder: String { "\(folder)/trials" }
    private static let trainingName = "training.yaml"

    private func runFolder(of trial: Trial) -> RunFolder {
        RunFolder(path: String(format: "%@/%03d", trialsFolder, trial.number))
    }

    /// Plays the rounds that have not been played yet.
    /// - Parameter report: told of each.
    /// - Returns: the trials, best first.
    /// - Throws: `CancellationError` when it was asked to stop: the same sweep goes on from there. `SettingsError` and
    ///   `ExperimentError` for what cannot be tried, before a folder is made.
    public func run(report: (Event) -> Void) throws -> [Trial] {
        let base = try TrainConfiguration.read(training)
        let before = try stored(base)
        var trials = drawn()
        for trial in before ?? [] where trials.indices.contains(trial.number) {
            trials[trial.number].scores = trial.scores
        }
        // Everything that can be wrong is found before a folder is made.
        let runs = try trials.map(trainConfiguration)
        let rounds = try rounds(runs)
        if before == nil { try begin(base) }
        try JSONFile.write(trials, to: resultsFile)

        var alive = trials
        for (round, steps) in rounds.enumerated() {
            if round > 0 {
                let kept = max(1, alive.count / (configuration.halving?.factor ?? 1))
                alive = Self.ranked(alive.map { trials[$0.number] }, after: round).prefix(kept)
                    .filter { $0.standing(after: round).rounds == round }.sorted { $0.number < $1.number }
            }
            for trial in alive where !trial.hasPlayed(steps) {
                let score = try play(trial, runs[trial.number], until: steps, report: report)
                trials[trial.number].scores.append(Trial.Round(steps: steps, score: score))
                try JSONFile.write(trials, to: resultsFile)
                report(.played(trial, steps: steps, score: score))
            }
        }
        return Self.ranked(trials, after: .max)
    }

    /// Trials, best first; equals in their order.
    private static func ranked(_ trials: [Trial], after rounds: Int) -> [Trial] {
        trials.sorted { one, other in
            let (left, right) = (one.standing(after: rounds), other.standing(after: rounds))
            return left == right ? one.number < other.number : left > right
        }
    }

    /// Steps at which trials are compared: the last is the end of a run.
    private func rounds(_ runs: [TrainConfiguration]) throws -> [Int] {
        let totals = Set(runs.map { $0.learner.totalSteps })
        guard let total = totals.first, totals.count == 1 else {
            throw ExperimentError(
                .unsuitableConfiguration,
                "\(file): space: trials of different totalSteps cannot be compared",
                hint: "leave it out of the space and set it in \(training)")
        }
        guard let halving = configuration.halving else { return [total] }
        var rounds: [Int] = []
        var steps = halving.firstSteps
        while steps < total {
            rounds.append(steps)
            steps = steps > total / halving.factor ? total : steps * halving.factor
        }
        return rounds + [total]
    }

    private func drawn() -> [Trial] {
        var generator = RandomGenerator(seed: configuration.seed)
        return (0..<configuration.trials).map { number in
            // A generator of its own for each trial: more trials leave the first ones as they are.
            var own = generator.split()
            var settings: [String: String] = [:]
            for (key, space) in configuration.space.sorted(by: { $0.key < $1.key }) {
                settings[key] = space.draw(using: &own)
            }
            return Trial(number: number, settings: settings)
        }
    }

    /// A trial's training configuration, found sound.
    private func trainConfiguration(of trial: Trial) throws -> TrainConfiguration {
        let run: TrainConfiguration
        let evaluation: PolicyEvaluation?
        do {
            run = try TrainConfiguration.read(training, overrides: trial.overrides)
            guard run.environment.settings(as: LiveTrainSettings.self) == nil else {
                throw ExperimentError(
                    .unsuitableConfiguration, "\(training): a live cluster has no episodes to compare trials by")
            }
            evaluation = try TrainingRun(run, folder: runFolder(of: trial)).evaluation
        } catch let error as SettingsError {
            // The training file by itself is sound: the space is at fault.
            if let override = error.override {
                let key = error.key.isEmpty ? String(override.prefix { $0 != "=" }) : error.key
                throw SettingsError(key: "space.\(key)", problem: error.problem, hint: error.hint, file: file)
            }
            throw ExperimentError(
                .unsuitableConfiguration,
                "\(file): space: \(trial.overrides.joined(separator: " ")): \(error.key): \(error.problem)",
                hint: error.hint)
        }
        guard evaluation != nil else {
            throw ExperimentError(
                .unsuitableConfiguration, "\(training): there are no episodes to compare trials by",
                hint: "set environment.evaluationEpisodes above 0")
        }
        return run
    }

    /// Trains a trial up to `steps`, from where it stands.
    /// - Returns: the mean return of its evaluation episodes; `nil` when it diverged.
    private func play(
        _ trial: Trial, _ configuration: TrainConfiguration, until steps: Int, report: (Event) -> Void
    ) throws -> Double? {
        let runFolder = runFolder(of: trial)
        var run = try TrainingRun(configuration, folder: runFolder, control: control)
        if try runFolder.checkpoints().isEmpty {
            try runFolder.create(overwrite: true, locking: false)
            try run.writeConfiguration()
        } else {
            try run.resume(from: RunCheckpoint(newestOf: runFolder))
        }
        do {
            if try run.run(until: steps) == .interrupted {
                report(.stopped(trial))
                throw CancellationError()
            }
            return try run.evaluation?.play().mean
        } catch let error as LearningError where error.code == .diverged {
            return nil
        }
    }

    /// The trials of a sweep that was begun before.
    private func stored(_ training: TrainConfiguration) throws -> [Trial]? {
        let files = FileManager.default
        let isBegun = files.fileExists(atPath: resultsFile)
        guard isBegun || files.fileExists(atPath: trialsFolder) else { return nil }
        // Compared as values: the order of a dictionary's keys in a file says nothing.
        guard isBegun, (try? SweepConfiguration.load(from: configurationFile)) == storedConfiguration,
            (try? TrainConfiguration.read(trainingFile)) == training
        else {
            throw ExperimentError(
                .otherSweep, "\(folder) holds another sweep", hint: "name another --out, or remove the folder")
        }
        do {
            return try JSONDecoder().decode([Trial].self, from: Data(contentsOf: URL(filePath: resultsFile)))
        } catch {
            throw ExperimentError(.unreadable, "\(resultsFile) cannot be read: \(error)")
        }
    }

    /// Makes the folder of a new sweep.
    private func begin(_ training: TrainConfiguration) throws {
        let texts = [(configurationFile, try storedConfiguration.yaml()), (trainingFile, try training.yaml())]
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (path, text) in texts { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) }
        } catch {
            throw ExperimentError(.unwritable, "cannot write to \(folder): \(error.localizedDescription)")
        }
    }

    /// The configuration as the folder keeps it, beside a training configuration of its own.
    private var storedConfiguration: SweepConfiguration {
        var stored = configuration
        stored.training = Self.trainingName
        return stored
    }
}
