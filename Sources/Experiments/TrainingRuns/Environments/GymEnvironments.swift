import Gym
public import Settings

/// One of Gymnasium's environments to train in.
public struct GymSettings: Configurable, Equatable {
    /// Steps after which an episode is truncated. Absent: Gymnasium's own limit; 200 for CliffWalking, which has none
    /// there.
    public var timeLimit: Int?
    /// Episodes that the trained policy plays at the end, always taking its best action; 0 for none.
    public var evaluationEpisodes = 100
    /// Seed of the first of those episodes; the others count up from it.
    public var evaluationSeed: UInt64 = 1_000_000

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        if let timeLimit { try require("timeLimit", timeLimit, in: 1...) }
        try require("evaluationEpisodes", evaluationEpisodes, in: 0...1_000_000)
        try require("evaluationSeed", evaluationSeed, in: 0...UInt64(Int64.max))
    }
}

/// FrozenLake as an environment to train in.
public struct FrozenLakeSettings: Configurable, Equatable {
    /// Size of the lake.
    public enum Map: String, Codable, Sendable, CaseIterable {
        /// Of 16 squares.
        case small = "4x4"
        /// Of 64 squares.
        case large = "8x8"
    }

    /// Which of Gymnasium's two lakes.
    public var map = Map.small
    /// Whether two of three steps slip to the side.
    public var slippery = true
    /// Steps after which an episode is truncated. Absent: Gymnasium's own limit, 100 and 200 for the two lakes.
    public var timeLimit: Int?
    /// Episodes that the trained policy plays at the end, always taking its best action; 0 for none.
    public var evaluationEpisodes = 100
    /// Seed of the first of those episodes; the others count up from it.
    public var evaluationSeed: UInt64 = 1_000_000

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) { try gym.validate() }

    /// The settings that it has in common with the others.
    var gym: GymSettings {
        var settings = GymSettings()
        settings.timeLimit = timeLimit
        (settings.evaluationEpisodes, settings.evaluationSeed) = (evaluationEpisodes, evaluationSeed)
        return settings
    }
}

extension EnvironmentKind {
    /// An environment with vectors as observations.
    /// - Parameters:
    ///   - name: the kind, and its check.
    ///   - limit: steps of an episode in Gymnasium.
    ///   - makeEnvironment: makes one from a seed.
    ///   - moreChecks: of wrappers around it.
    static func flat<Base: FlatEnvironment & Sendable>(
        _ name: String, limit: Double, makeEnvironment: @escaping @Sendable (UInt64) -> Base, moreChecks: [Check] = []
    ) -> EnvironmentKind where Base.ActionSpace == Discrete, Base.Observation: Equatable {
        let check = Check(name: name) { checker in
            checker.problems { TimeLimit(makeEnvironment(checker.seed), limit: limit) }
        }
        return EnvironmentKind(name, GymSettings.self, checks: [check] + moreChecks) { settings, _ in
            let limit = settings.limit(limit)
            return .flat(seeds: settings.seeds) { TimeLimit(makeEnvironment($0), limit: limit) }
        }
    }

    /// An environment with numbered states.
    /// - Parameters:
    ///   - name: the kind, and its check.
    ///   - limit: steps of an episode.
    ///   - makeEnvironment: makes one from a seed.
    static func states<Base: TabularEnvironment>(
        _ name: String, limit: Double, makeEnvironment: @escaping @Sendable (UInt64) -> Base
    ) -> EnvironmentKind {
        let check = Check(name: name) { checker in
            checker.problems { TimeLimit(makeEnvironment(checker.seed), limit: limit) }
        }
        return EnvironmentKind(name, GymSettings.self, checks: [check]) { settings, _ in
            .states(makeEnvironment(0), limit: settings.limit(limit), seeds: settings.seeds)
        }
    }

    /// Crossing a frozen lake.
    static let frozenLake = EnvironmentKind(
        "frozen-lake", FrozenLakeSettings.self,
        checks: [
            Check(name: "frozen-lake") { checker in
                checker.problems { TimeLimit(FrozenLake(seed: checker.seed), limit: FrozenLake.timeLimit4x4) }
            },
            Check(name: "frozen-lake-8x8") { checker in
                checker.problems {
                    TimeLimit(FrozenLake(seed: checker.seed, map: FrozenLake.map8x8), limit: FrozenLake.timeLimit8x8)
                }
            },
        ]
    ) { settings, _ in
        let isLarge = settings.map == .large
        return .states(
            FrozenLake(
                seed: 0, map: isLarge ? FrozenLake.map8x8 : FrozenLake.map4x4, isSlippery: settings.slippery),
            limit: settings.gym.limit(isLarge ? FrozenLake.timeLimit8x8 : FrozenLake.timeLimit4x4),
            seeds: settings.gym.seeds)
    }
}

extension GymSettings {
    /// Steps of an episode, given the limit that holds where none is set.
    fileprivate func limit(_ standard: Double) -> Double { timeLimit.map { Double($0) } ?? standard }

    /// Seeds of the evaluation episodes.
    fileprivate var seeds: [UInt64] { (0..<UInt64(evaluationEpisodes)).map { evaluationSeed + $0 } }
}
