public import Baselines
import TrainingRuns

/// The choice of the HPA's target, as it is recorded.
public struct AutoscalerTuning: Codable, Equatable, Sendable {
    /// The mean reward of an interval with one target.
    public struct Trial: Codable, Equatable, Sendable {
        /// The HPA's target utilisation.
        public var target: Double
        /// Mean reward of an interval.
        public var meanReward: Double
    }

    /// The configuration whose conditions were played.
    public var configuration: String
    /// Every target that was tried.
    public var trials: [Trial]
    /// The target with the best mean reward, the first among equals.
    public var chosen: Double

    /// Whether a target beyond those that were tried may be better.
    public var isAtEdge: Bool {
        let targets = trials.map(\.target)
        return chosen == targets.min() || chosen == targets.max()
    }

    /// Plays the training conditions with each target.
    /// - Parameters:
    ///   - settings: what to try, and under which conditions.
    ///   - baselines: settings of the HPA but its target.
    ///   - progress: told how many episodes of all have been played.
    /// - Returns: `nil` when no tuning is asked for.
    /// - Throws: `ExperimentError` with the code `unsuitableConfiguration` for conditions that are no clusters.
    public init?(_ settings: TuningSettings, _ baselines: BaselineSettings, progress: EpisodeProgress? = nil) throws {
        guard !settings.configuration.isEmpty else { return nil }
        let training = try TrainConfiguration.read(settings.configuration)
        guard let cluster = training.environment.settings(as: ClusterTrainSettings.self) else {
            throw ExperimentError(
                .unsuitableConfiguration,
                "\(settings.configuration) does not train on clusters, so the HPA cannot be tuned by it",
                hint: "tuning.configuration names a configuration whose environment has kind: cluster")
        }
        let contenders = settings.targets.map { Contender.autoscaler(target: $0, baselines) }
        let episodes = try Tournament(
            contenders: contenders, conditions: [.init(name: "training", simulator: cluster.simulator)],
            episode: cluster.episode, seeds: (0..<UInt64(settings.seeds)).map { settings.firstSeed + $0 }
        ).play(progress: progress)
        trials = zip(settings.targets, contenders).map { target, contender in
            let rewards = episodes.filter { $0.policy == contender.name }.map(\.figures.reward)
            return Trial(target: target, meanReward: rewards.reduce(0, +) / Double(rewards.count))
        }
        configuration = settings.configuration
        // `max` would take the last among equals.
        chosen = trials[0].target
        var best = trials[0].meanReward
        for trial in trials where trial.meanReward > best { (best, chosen) = (trial.meanReward, trial.target) }
    }
}
