public import Checkpoints
import Foundation
import Gym
import Randomness

extension TabularLearner {
    /// Everything that the run needs to go on: the table, the generator, counters, and the environment where it can be
    /// stored.
    /// - Throws: `CheckpointingError` when the environment's state has no form.
    public func checkpoint() throws -> Checkpoint {
        var checkpoint = Checkpoint()
        checkpoint["policy/algorithm"] = .text(settings.algorithm.rawValue)
        try checkpoint.setBins(discretizer.bins)
        checkpoint["policy/q"] = .float64(values, shape: [values.count])
        checkpoint.setGenerators([generator], at: "generators/actions")
        checkpoint.setProgress(steps: steps, iterations: iterations, episodes: episodes)
        guard canBeStored else { return checkpoint }
        checkpoint["environments/observations"] = .text(
            String(decoding: try EnvironmentState.encoder().encode([observation]), as: UTF8.self))
        checkpoint["environments/next_actions"] = .int64([Int64(pendingAction ?? -1)], shape: [1])
        checkpoint["environments/returns"] = .float64([currentReturn], shape: [1])
        checkpoint["environments/lengths"] = .int64([Int64(currentLength)], shape: [1])
        for (index, state) in try EnvironmentState.encode([environment]).enumerated() {
            checkpoint["environments/states/\(index)"] = .text(String(decoding: state, as: UTF8.self))
        }
        return checkpoint
    }

    /// Puts back what `checkpoint` gave, so that the run goes on bit for bit as it would have. Nothing changes when it
    /// throws. Settings may not differ from those of the run that wrote it. An environment that cannot be stored begins
    /// a new episode instead: such a run does not go on bit for bit.
    /// - Throws: `CheckpointError` or `CheckpointingError` naming what is missing or does not fit.
    public func restore(from checkpoint: Checkpoint) throws {
        let algorithm = try checkpoint.text("policy/algorithm")
        guard algorithm == settings.algorithm.rawValue else {
            throw CheckpointError(
                .mismatch, path: "policy/algorithm",
                problem: "is \(algorithm), but this run's is \(settings.algorithm.rawValue): resume with the "
                    + "configuration of the run")
        }
        guard try checkpoint.bins() == discretizer.bins else {
            throw CheckpointError(
                .mismatch, path: "policy/bins",
                problem: "are not those of this run: resume with the configuration of the run")
        }
        let values = try checkpoint.actionValues(discretizer.count)
        let generator = try checkpoint.generators(1, at: "generators/actions")[0]
        let progress = try checkpoint.progress()
        if canBeStored { try restoreEpisode(from: checkpoint) }
        (steps, iterations, episodes) = (progress.steps, progress.iterations, progress.episodes)
        (self.values, self.generator) = (values, generator)
    }

    private var canBeStored: Bool { E.self is any Codable.Type }

    /// Puts back the environment and where its episode stands. Nothing changes when it throws.
    private func restoreEpisode(from checkpoint: Checkpoint) throws {
        let state = Data(try checkpoint.text("environments/states/0").utf8)
        let environment = try EnvironmentState.decode([state], like: [environment])[0]
        let observation = try storedObservation(checkpoint)
        var entries: [Int] = []
        discretizer.entries(of: observation, actions: environment.actionSpace.count, into: &entries)
        guard !entries.isEmpty else {
            throw CheckpointError(
                .mismatch, path: "environments/observations", problem: "does not fit this environment")
        }
        let nextAction = Int(try checkpoint.integers("environments/next_actions", shape: [1])[0])
        guard nextAction >= -1, nextAction < entries.count else {
            throw CheckpointError(
                .unsound, path: "environments/next_actions",
                problem: "is \(nextAction), expected -1 or 0..<\(entries.count)")
        }
        let currentReturn = try checkpoint.doubles("environments/returns", shape: [1])[0]
        let currentLength = Int(try checkpoint.integers("environments/lengths", shape: [1])[0])

        (self.environment, self.observation, self.entries) = (environment, observation, entries)
        pendingAction = nextAction < 0 ? nil : nextAction
        (self.currentReturn, self.currentLength) = (currentReturn, currentLength)
    }

    private func storedObservation(_ checkpoint: Checkpoint) throws -> D.Observation {
        let path = "environments/observations"
        let observations: [D.Observation]
        do {
            observations = try EnvironmentState.decoder().decode(
                [D.Observation].self, from: Data(try checkpoint.text(path).utf8))
        } catch let error as DecodingError {
            throw CheckpointError(.unsound, path: path, problem: "cannot be read: \(error)")
        }
        guard observations.count == 1 else {
            throw CheckpointError(.unsound, path: path, problem: "holds \(observations.count) observations, expected 1")
        }
        return observations[0]
    }
}

extension Checkpoint {
    /// Stores the bins that a table was learned over.
    mutating func setBins(_ bins: [BinSettings]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self["policy/bins"] = .text(String(decoding: try encoder.encode(bins), as: UTF8.self))
    }

    /// The bins that a table was learned over.
    func bins() throws -> [BinSettings] {
        let text = try text("policy/bins")
        do {
            return try JSONDecoder().decode([BinSettings].self, from: Data(text.utf8))
        } catch {
            throw CheckpointError(.unsound, path: "policy/bins", problem: "is not a list of bins in JSON")
        }
    }

    /// The `count` values of a table.
    func actionValues(_ count: Int) throws -> [Double] {
        let values = try doubles("policy/q", shape: [count])
        guard values.allSatisfy(\.isFinite) else {
            throw CheckpointError(.unsound, path: "policy/q", problem: "holds values that are not finite")
        }
        return values
    }
}
