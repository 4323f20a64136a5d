public import Cluster
import Dispatch
public import Simulator
import Synchronization

/// Told how many episodes of all have been played. It is called by one thread at a time.
public typealias EpisodeProgress = @Sendable (_ done: Int, _ total: Int) -> Void

/// Every contender in every episode: the same seeds and load patterns for all.
public struct Tournament: Sendable {
    /// One load pattern, under its name.
    public struct Condition: Sendable {
        /// Its name.
        public var name: String
        /// The clusters that are played under it.
        public var simulator: SimulatorSettings

        /// A condition.
        public init(name: String, simulator: SimulatorSettings) { (self.name, self.simulator) = (name, simulator) }
    }

    private let contenders: [Contender]
    private let conditions: [Condition]
    private let episode: ClusterEnvironmentSettings
    private let seeds: [UInt64]

    /// - Parameters:
    ///   - contenders: who plays.
    ///   - conditions: what is played under.
    ///   - episode: length of an episode, legal actions and reward.
    ///   - seeds: one for each episode of a contender under a condition.
    public init(
        contenders: [Contender], conditions: [Condition], episode: ClusterEnvironmentSettings, seeds: [UInt64]
    ) {
        (self.contenders, self.conditions, self.episode, self.seeds) = (contenders, conditions, episode, seeds)
    }

    /// Plays all episodes, on all cores; the order and the figures but for the decision times do not depend on that.
    /// - Parameter progress: told how many have been played.
    /// - Throws: what a policy or a cluster throws.
    public func play(progress: EpisodeProgress? = nil) throws -> [Comparison.Episode] {
        let count = contenders.count * conditions.count * seeds.count
        let state = Mutex(State(episodes: Array(repeating: nil, count: count)))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            guard state.withLock({ $0.failure == nil }) else { return }
            do {
                let episode = try play(index)
                state.withLock {
                    $0.episodes[index] = episode
                    $0.done += 1
                    progress?($0.done, count)
                }
            } catch {
                state.withLock { $0.failure = error }
            }
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.episodes.compactMap(\.self)
        }
    }

    private struct State {
        var episodes: [Comparison.Episode?]
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
