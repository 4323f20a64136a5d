import Baselines
import Settings

/// The choice of the HPA's target, as it is recorded.
struct AutoscalerTuning: Codable, Equatable {
    /// The mean reward of an interval with one target.
    struct Trial: Codable, Equatable {
        var target: Double
        var meanReward: Double
    }

    /// The configuration whose conditions were played.
    var configuration: String
    /// Every target that was tried.
    var trials: [Trial]
    /// The target with the best mean reward, the first among equals.
    var chosen: Double

    /// Whether a target beyond those that were tried may be better.
    var isAtEdge: Bool {
        let targets = trials.map(\.target)
        return chosen == targets.min() || chosen == targets.max()
    }

    /// Plays the training conditions with each target.
    /// - Returns: `nil` when no tuning is asked for.
    init?(_ settings: TuningSettings, _ baselines: BaselineSettings) throws {
        guard !settings.configuration.isEmpty else { return nil }
        let training = try TrainConfiguration.read(settings.configuration)
        guard case .cluster(let cluster) = training.environment else {
            throw CommandFailure.usage(
                "\(settings.configuration) does not train on clusters, so the HPA cannot be tuned by it",
                hint: "tuning.configuration names a configuration whose environment has kind: cluster")
        }
        let contenders = settings.targets.map { Contender.autoscaler(target: $0, baselines) }
        let episodes = try Tournament(
            contenders: contenders, conditions: [.init(name: "training", simulator: cluster.simulator)],
            episode: cluster.episode, seeds: (0..<UInt64(settings.seeds)).map { settings.firstSeed + $0 }
        ).play(showing: "tuning episodes")
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
