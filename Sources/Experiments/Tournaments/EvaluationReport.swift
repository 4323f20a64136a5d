import Baselines
import Checkpoints
public import Learning
import Settings
import Simulator
public import TrainingRuns

/// Everything that an evaluation found, as `--json` writes it.
public struct EvaluationReport: Encodable, Sendable {
    /// What `--policy` named.
    public let policy: String
    /// Version of the project.
    public let projectVersion = ProjectVersion.current
    /// The resolved configuration, YAML.
    public let configuration: String
    /// How the HPA's target was chosen; `nil` when it is the configuration's.
    public let tuning: AutoscalerTuning?
    /// The figures.
    public let comparison: Comparison
    /// What the policy read of a live cluster that its training never saw; `nil` in simulations, for baselines, and where
    /// nothing is known of that.
    public let unfamiliarInputs: [UnfamiliarInputs.Count]?

    /// Plays all episodes of the contenders.
    /// - Parameters:
    ///   - contenders: the rows of the table.
    ///   - configuration: where they play.
    ///   - tuning: how the HPA's target was chosen.
    ///   - policy: what was asked for.
    ///   - control: the hold on episodes on a live cluster.
    ///   - progress: told how many episodes of all have been played.
    /// - Throws: what the policies and the clusters throw; `ExperimentError` with the code `interrupted`.
    public init(
        _ contenders: [Contender], _ configuration: EvaluateConfiguration, _ tuning: AutoscalerTuning?, policy: String,
        control: RunControl = RunControl(), progress: EpisodeProgress? = nil
    ) throws {
        let seeds = (0..<UInt64(configuration.seeds)).map { configuration.firstSeed + $0 }
        let names = configuration.live == nil ? configuration.patternNames : [LiveTournament.condition]
        let episodes: [Comparison.Episode]
        if let live = configuration.live {
            episodes = try LiveTournament(
                contenders: contenders, cluster: live, episode: configuration.episode, seeds: seeds, control: control
            ).play(progress: progress)
        } else {
            episodes = try Self.simulated(contenders, configuration, seeds).play(progress: progress)
        }
        comparison = Comparison(
            episodes: episodes, policies: contenders.map(\.name), patterns: names,
            reference: Contender.reference.name,
            bootstrap: Bootstrap(resamples: configuration.resamples, seed: configuration.firstSeed))
        unfamiliarInputs =
            configuration.live == nil ? nil : contenders.lazy.compactMap(\.unfamiliarInputs).first?.snapshot()
        self.policy = policy
        self.tuning = tuning
        self.configuration = try configuration.yaml()
    }

    private static func simulated(
        _ contenders: [Contender], _ configuration: EvaluateConfiguration, _ seeds: [UInt64]
    ) -> Tournament {
        let conditions = zip(configuration.patternNames, configuration.patterns).map { name, pattern in
            var simulator = configuration.simulator
            simulator.services.patterns = [pattern]
            return Tournament.Condition(name: name, simulator: simulator)
        }
        return Tournament(
            contenders: contenders, conditions: conditions, episode: configuration.episode, seeds: seeds)
    }
}
