import Checkpoints
import Foundation
import Learning
import Settings
import Simulator

/// Everything that an evaluation found, as `--json` writes it.
struct EvaluationReport: Encodable {
    /// What `--policy` named.
    var policy: String
    /// Version of the project.
    var projectVersion = ProjectVersion.current
    /// The resolved configuration, YAML.
    var configuration: String
    /// How the HPA's target was chosen; `nil` when it is the configuration's.
    var tuning: AutoscalerTuning?
    /// The figures.
    var comparison: Comparison
    /// What the policy read of a live cluster that its training never saw; `nil` in simulations, for baselines, and where
    /// nothing is known of that.
    var unfamiliarInputs: [UnfamiliarInputs.Count]?

    /// Plays all episodes of the contenders.
    init(
        _ contenders: [Contender], _ configuration: EvaluateConfiguration, _ tuning: AutoscalerTuning?, policy: String
    ) throws {
        let seeds = (0..<UInt64(configuration.seeds)).map { configuration.firstSeed + $0 }
        let names = configuration.live == nil ? configuration.patternNames : [LiveTournament.condition]
        let episodes: [Comparison.Episode]
        if let live = configuration.live {
            episodes = try LiveTournament(
                contenders: contenders, cluster: live, episode: configuration.episode, seeds: seeds
            ).play()
        } else {
            episodes = try Self.simulated(contenders, configuration, seeds)
        }
        comparison = Comparison(
            episodes: episodes, policies: contenders.map(\.name), patterns: names,
            reference: EvaluateCommand.reference,
            bootstrap: Bootstrap(resamples: configuration.resamples, seed: configuration.firstSeed))
        if configuration.live != nil {
            unfamiliarInputs = contenders.lazy.compactMap(\.unfamiliarInputs).first?.snapshot()
        }
        self.policy = policy
        self.tuning = tuning
        self.configuration = try configuration.yaml()
    }

    private static func simulated(
        _ contenders: [Contender], _ configuration: EvaluateConfiguration, _ seeds: [UInt64]
    ) throws -> [Comparison.Episode] {
        let conditions = zip(configuration.patternNames, configuration.patterns).map { name, pattern in
            var simulator = configuration.simulator
            simulator.services.patterns = [pattern]
            return Tournament.Condition(name: name, simulator: simulator)
        }
        return try Tournament(
            contenders: contenders, conditions: conditions, episode: configuration.episode, seeds: seeds
        ).play(showing: "episodes")
    }

    /// The table, how the HPA was tuned, and what the policy's training never saw.
    var text: String {
        var text = ComparisonTable(comparison: comparison).text
        if let tuning {
            let trials = tuning.trials.map { String(format: "%g: %.4f", $0.target, $0.meanReward) }
            text += "\nHPA target \(Figures.short(tuning.chosen)), by mean reward under \(tuning.configuration) "
            text += "(\(trials.joined(separator: ", ")))\n"
            if tuning.isAtEdge { text += "It is the end of what was tried: a target beyond it may be better still.\n" }
        }
        if let unfamiliarInputs { text += "\n" + UnfamiliarInputsTable(counts: unfamiliarInputs).text }
        return text
    }
}
