import Cluster
import Live

/// Every contender in every episode on a live cluster, one after the other: the same seeds, and so the same arrivals,
/// for all.
struct LiveTournament {
    /// Name of the condition in tables.
    static let condition = "live"

    let contenders: [Contender]
    let cluster: LiveSettings
    let episode: ClusterEnvironmentSettings
    let seeds: [UInt64]

    /// Plays all episodes. The first contender of a seed changes from seed to seed, so that none always has the machine
    /// as the others left it.
    func play() throws -> [Comparison.Episode] {
        Interruption.install()
        var episodes: [Comparison.Episode] = []
        var progress = ProgressDisplay(unit: "episodes", total: contenders.count * seeds.count)
        for (round, seed) in seeds.enumerated() {
            for turn in contenders.indices {
                let contender = contenders[(round + turn) % contenders.count]
                episodes.append(try play(contender, seed: seed))
                progress.update(episodes.count)
            }
        }
        progress.finish(episodes.count)
        return episodes
    }

    private func play(_ contender: Contender, seed: UInt64) throws -> Comparison.Episode {
        var settings = cluster
        // Against the default scheduler itself, not our account of it.
        if contender.usesDefaultScheduler { settings.placement = .defaultScheduler }
        do {
            return try LiveRuns.withCluster(settings) { backend in
                let policy = try contender.make()
                let environment = ClusterEnvironment(backend: backend, settings: episode, seed: seed)
                let figures = try EpisodeFigures(of: policy, in: environment, seed: seed)
                return Comparison.Episode(
                    policy: contender.name, pattern: Self.condition, seed: seed, figures: figures)
            }
        } catch is CancellationError {
            throw CommandFailure(
                message: "interrupted in an episode of \(contender.name); what it had made is removed",
                status: Interruption.exitStatus)
        }
    }
}
