import ArgumentParser
import Foundation
import Learning
import Randomness
import Settings

/// Settings to try, and what came of them.
struct Trial: Codable, Equatable {
    /// Number, from 0.
    var number: Int
    /// What it sets, key by key, as `--set` would.
    var settings: [String: String]
    /// The mean return of its evaluation episodes, by the step that it had reached; `nil` where it diverged.
    var scores: [Round] = []

    /// An evaluation.
    struct Round: Codable, Equatable {
        /// Steps that were asked for.
        var steps: Int
        /// Mean return; `nil` when the trial diverged.
        var score: Double?
    }

    /// What it sets, as `--set` takes it, in order of the keys.
    var overrides: [String] { settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }
    /// The score of a round.
    func score(at steps: Int) -> Double? { scores.first { $0.steps == steps }?.score }
    /// Whether a round has been played, with or without a score.
    func hasPlayed(_ steps: Int) -> Bool { scores.contains { $0.steps == steps } }
}

/// A search over the settings of a training configuration: in a folder of its own, one run folder for each trial.
struct Sweep {
    let configuration: SweepConfiguration
    /// The training configuration's file.
    let training: String
    let folder: String

    /// The file that says what has been found so far.
    private var resultsFile: String { "\(folder)/trials.json" }
    private var configurationFile: String { "\(folder)/sweep.yaml" }

    /// Plays the rounds that have not been played yet.
    /// - Parameter report: called with a line after each.
    /// - Returns: the trials, best first.
    func run(report: (String) -> Void) throws -> [Trial] {
        var trials = try stored() ?? drawn()
        for trial in trials { _ = try trainConfiguration(of: trial) }
        try store(trials)
        var alive = Array(trials.indices)
        let rounds = try rounds()
        for (round, steps) in rounds.enumerated() {
            if round > 0 {
                let kept = max(1, alive.count / (configuration.halving?.factor ?? 1))
                alive = Array(Self.ranked(alive, by: { trials[$0].score(at: rounds[round - 1]) }).prefix(kept)).sorted()
            }
            for index in alive where !trials[index].hasPlayed(steps) {
                let score = try play(trials[index], until: steps)
                trials[index].scores.append(Trial.Round(steps: steps, score: score))
                try store(trials)
                report(
                    "trial \(index)  \(Figures.grouped(steps)) steps  "
                        + (score.map { "return \(Figures.short($0))" } ?? "diverged") + "  "
                        + trials[index].overrides.joined(separator: " "))
            }
        }
        let order = Self.ranked(Array(trials.indices)) { index in
            // Whoever got further is better; among equals the score decides.
            trials[index].scores.last?.score
        }.sorted { trials[$0].scores.count > trials[$1].scores.count }
        return order.map { trials[$0] }
    }

    /// Indices, best score first; those without a score at the end, equals in their order.
    private static func ranked(_ indices: [Int], by score: (Int) -> Double?) -> [Int] {
        indices.enumerated().sorted { one, other in
            let (left, right) = (score(one.element) ?? -.infinity, score(other.element) ?? -.infinity)
            return left == right ? one.offset < other.offset : left > right
        }.map(\.element)
    }

    /// Steps at which trials are compared: the last is the end of a run.
    private func rounds() throws -> [Int] {
        let total = try TrainConfiguration.read(training).algorithm.totalSteps
        guard let halving = configuration.halving else { return [total] }
        var rounds: [Int] = []
        var steps = halving.firstSteps
        while steps < total {
            rounds.append(steps)
            steps *= halving.factor
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

    private func trainConfiguration(of trial: Trial) throws -> TrainConfiguration {
        try TrainConfiguration.read(training, overrides: trial.overrides)
    }

    /// Trains a trial up to `steps`, from where it stands.
    /// - Returns: the mean return of its evaluation episodes; `nil` when it diverged.
    private func play(_ trial: Trial, until steps: Int) throws -> Double? {
        let runFolder = RunFolder(path: String(format: "%@/trials/%03d", folder, trial.number))
        var run = try PreparedRun(try trainConfiguration(of: trial), folder: runFolder)
        defer {
            do { try run.close() } catch { CommandFailure.warn("not everything was removed: \(error)") }
        }
        guard let evaluation = run.training.evaluation else {
            throw CommandFailure.usage(
                "\(training): there are no episodes to compare trials by",
                hint: "set environment.evaluationEpisodes above 0")
        }
        if try runFolder.checkpoints().isEmpty {
            try runFolder.create(overwrite: true)
            try run.writeConfiguration()
        } else {
            try run.training.resume()
        }
        do {
            if case .interrupted = try run.training.run(until: steps, isQuiet: true) {
                throw ExitCode(Interruption.exitStatus)
            }
            return try evaluation.play().mean
        } catch is LearningError {
            return nil
        }
    }

    /// The trials of a sweep that was begun before.
    private func stored() throws -> [Trial]? {
        guard FileManager.default.fileExists(atPath: resultsFile) else { return nil }
        let before = try? String(contentsOfFile: configurationFile, encoding: .utf8)
        guard before == (try description()) else {
            throw CommandFailure.usage(
                "\(folder) holds another sweep", hint: "name another --out, or remove the folder")
        }
        do {
            return try JSONDecoder().decode([Trial].self, from: Data(contentsOf: URL(filePath: resultsFile)))
        } catch {
            throw CommandFailure(message: "\(resultsFile) cannot be read: \(error)")
        }
    }

    private func store(_ trials: [Trial]) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(try description().utf8).write(to: URL(filePath: configurationFile), options: .atomic)
        } catch let error as SettingsError {
            throw error
        } catch {
            throw CommandFailure(message: "cannot write to \(folder): \(error.localizedDescription)")
        }
        try JSONFile.write(trials, to: resultsFile)
    }

    /// Everything that decides the sweep.
    private func description() throws -> String {
        try configuration.yaml() + "---\n" + TrainConfiguration.read(training).yaml()
    }

    /// A table of trials, best first.
    static func table(_ trials: [Trial]) -> String {
        let keys = trials.first.map { $0.settings.keys.sorted() } ?? []
        let rows = trials.map { trial in
            let last = trial.scores.last
            return [
                String(trial.number), last.map { Figures.grouped($0.steps) } ?? "0",
                last.map { $0.score.map { Figures.short($0) } ?? "diverged" } ?? "",
            ] + keys.map { trial.settings[$0] ?? "" }
        }
        return ComparisonTable.align([["trial", "steps", "return"] + keys] + rows)
    }
}
