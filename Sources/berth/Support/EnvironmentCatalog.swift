import Gym

/// The environments that the command line knows by name.
enum EnvironmentCatalog {
    /// One environment and how it is checked.
    struct Check {
        var name: String
        var problems: (EnvironmentChecker) throws -> [String]
    }

    /// Every environment.
    static var checks: [Check] {
        [
            Check(name: "cartpole") { checker in
                checker.problems { TimeLimit(CartPole(seed: checker.seed), limit: 500) }
            }
        ]
    }
}
