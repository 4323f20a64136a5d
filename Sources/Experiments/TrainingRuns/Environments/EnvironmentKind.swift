import Gym
import Settings

/// A kind of environment to train in: its name, its settings, and how the learners are made in it.
///
/// `all` is the one list of them: what a configuration may name, what is trained in and what `berth check` checks.
public struct EnvironmentKind: Sendable {
    /// A way to check an environment of this kind.
    public struct Check: Sendable {
        /// The name that it is asked for by.
        public let name: String
        /// What is wrong, one sentence each; empty when the environment keeps its contract.
        public let problems: @Sendable (EnvironmentChecker) throws -> [String]
    }

    /// What a configuration writes under `kind`.
    public let name: String
    /// How environments of this kind are checked, with wrappers that they are trained in.
    public let checks: [Check]
    /// Decodes the settings and gives the default ones.
    let choice: Choice<TrainEnvironment>
    let standard: any Configurable & Equatable
    let reading: @Sendable (any Configurable & Equatable, String) throws(SettingsError) -> any Configurable & Equatable
    let ground: @Sendable (any Configurable & Equatable, Preparation) throws -> TrainingGround

    /// - Parameters:
    ///   - name: what a configuration writes under `kind`.
    ///   - settings: the type of its settings.
    ///   - checks: how it is checked.
    ///   - readingFiles: puts in what the settings name as files; paths start from the folder of the configuration.
    ///   - ground: how learners are made in it.
    init<Settings: Configurable & Equatable>(
        _ name: String, _ settings: Settings.Type, checks: [Check] = [],
        readingFiles: @escaping @Sendable (inout Settings, String) throws(SettingsError) -> Void = { _, _ in },
        ground: @escaping @Sendable (Settings, Preparation) throws -> TrainingGround
    ) {
        // Settings and kind are only ever put together by `choice` and `standard`.
        @Sendable func own(_ settings: any Configurable & Equatable) -> Settings {
            guard let own = settings as? Settings else { preconditionFailure("settings of another kind than \(name)") }
            return own
        }
        (self.name, self.checks) = (name, checks)
        standard = Settings()
        choice = Choice(name, settings) { TrainEnvironment(kind: name, settings: $0) }
        reading = { settings, file throws(SettingsError) in
            var settings = own(settings)
            try readingFiles(&settings, file)
            return settings
        }
        self.ground = { try ground(own($0), $1) }
    }
}

extension EnvironmentKind {
    /// Every kind. The first is the one that is trained in where a configuration names none.
    public static let all: [EnvironmentKind] = [
        .flat(
            "cartpole", limit: CartPole.timeLimit, makeEnvironment: { CartPole(seed: $0) },
            moreChecks: [
                Check(name: "cartpole-normalized-observations") { checker in
                    checker.problems {
                        NormalizedObservations(TimeLimit(CartPole(seed: checker.seed), limit: CartPole.timeLimit))
                    }
                },
                Check(name: "cartpole-normalized-rewards") { checker in
                    checker.problems {
                        NormalizedRewards(
                            TimeLimit(CartPole(seed: checker.seed), limit: CartPole.timeLimit), discount: 0.99)
                    }
                },
            ]),
        .flat("acrobot", limit: Acrobot.timeLimit) { Acrobot(seed: $0) },
        .flat("mountain-car", limit: MountainCar.timeLimit) { MountainCar(seed: $0) },
        .frozenLake,
        .states("taxi", limit: Taxi.timeLimit) { Taxi(seed: $0) },
        // Gymnasium has no limit here; a policy that walks in circles needs one.
        .states("cliff-walking", limit: 200) { CliffWalking(seed: $0) },
        .cluster,
        .flatCluster,
        .live,
    ]

    /// The kind of a name; `nil` where there is none.
    static func named(_ name: String) -> EnvironmentKind? { all.first { $0.name == name } }
}
