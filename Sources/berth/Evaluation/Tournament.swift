import Cluster
import Dispatch
import Simulator
import Synchronization
import Workloads

/// Every contender in every episode: the same seeds and load patterns for all.
struct Tournament {
    /// One load pattern, under its name.
    struct Condition: Sendable {
        var name: String
        var simulator: SimulatorSettings
    }

    let contenders: [Contender]
    let conditions: [Condition]
    let episode: ClusterEnvironmentSettings
    let seeds: [UInt64]

    /// Plays all episodes, on all cores; the order and the figures but for the decision times do not depend on that.
    /// - Parameter title: what the progress bar counts, as in `episodes`.
    func play(showing title: String) throws -> [Comparison.Episode] {
        let count = contenders.count * conditions.count * seeds.count
        let state = Mutex(
            State(episodes: Array(repeating: nil, count: count), progress: ProgressDisplay(unit: title, total: count)))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            guard state.withLock({ $0.failure == nil }) else { return }
            do {
                let episode = try play(index)
                state.withLock {
                    $0.episodes[index] = episode
                    $0.done += 1
                    $0.progress.update($0.done)
                }
            } catch {
                state.withLock { $0.failure = error }
            }
        }
        return try state.withLock { state in
            state.progress.finish(state.done)
            if let failure = state.failure { throw failure }
            return state.episodes.compactMap(\.self)
        }
    }

    private struct State {
        var episodes: [Comparison.Episode?]
        var progress: ProgressDisplay
        var done = 0
        var failure: (any Error)?
    }

    private func play(_ index: Int) throws -> Comparison.Episode {
        // Contenders vary fastest, so that a bar which is half full has seen half of the conditions.
        let contender = contenders[index % contenders.count]
        let condition = conditions[index / contenders.count / seeds.count]
        let seed = seeds[index / contenders.count % seeds.count]
        let policy = try contender.make()
        let environment = ClusterEnvironment(
            backend: try SimulatedCluster(settings: condition.simulator), settings: episode, seed: seed)
        let figures = try EpisodeFigures(of: policy, in: environment, seed: seed)
        return Comparison.Episode(policy: contender.name, pattern: condition.name, seed: seed, figures: figures)
    }
}
