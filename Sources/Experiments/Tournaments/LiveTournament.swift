import Cluster
import Live
import TrainingRuns

/// Every contender in every episode on a live cluster, one after the other: the same seeds, and so the same arrivals,
/// for all.
struct LiveTournament {
    /// Name of the condition in tables.
    static let condition = "live"

    let contenders: [Contender]
    let cluster: LiveSettings
    let episode: ClusterEnvironmentSettings
    let seeds: [UInt64]
    let control: RunControl

    /// Plays all episodes. The first contender of a seed changes from seed to seed, so that none always has the machine
    /// as the others left it.
    /// - Parameter progress: told how many episodes of all have been played.
    func play(progress: EpisodeProgress?) throws -> [Comparison.Episode] {
        var episodes: [Comparison.Episode] = []
        for (round, seed) in seeds.enumerated() {
            for turn in contenders.indices {
                let contender = contenders[(round + turn) % contenders.count]
                episodes.append(try play(contender, seed: seed))
                progress?(episodes.count, contenders.count * seeds.count)
            }
        }
        return episodes
    }

    private func play(_ contender: Contender, seed: UInt64) throws -> Comparison.Episode {
        var settings = cluster
        if contender.placement == .defaultScheduler { settings.placement = .defaultScheduler }
        do {
            return try LiveRuns.withCluster(settings, control) { backend in
                let policy = try contender.make()
                let environment = ClusterEnvironment(backend: backend, settings: episode, seed: seed)
                let figures = try EpisodeFigures(of: policy, in: environment, seed: seed)
                return Comparison.Episode(
                    policy: contender.name, pattern: Self.condition, seed: seed, figures: figures)
            }
        } catch is CancellationError {
            throw ExperimentError(
                .interrupted, "interrupted in an episode of \(contender.name); what it had made is removed")
        }
    }
}
