import Cluster
import Gym
import Simulator

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
            },
            Check(name: "cartpole-normalized-observations") { checker in
                checker.problems { NormalizedObservations(TimeLimit(CartPole(seed: checker.seed), limit: 500)) }
            },
            Check(name: "cartpole-normalized-rewards") { checker in
                checker.problems {
                    NormalizedRewards(TimeLimit(CartPole(seed: checker.seed), limit: 500), discount: 0.99)
                }
            },
            Check(name: "cluster") { checker in
                var checker = checker
                checker.rewardDependsOnAction = true
                return checker.problems {
                    ClusterEnvironment(
                        backend: try SimulatedCluster(settings: SimulatorSettings()),
                        settings: ClusterEnvironmentSettings(), seed: checker.seed)
                }
            },
            Check(name: "controlled-cluster") { checker in
                var checker = checker
                checker.rewardDependsOnAction = true
                return checker.problems { try ClusterTrainSettings().makeEnvironment(seed: checker.seed) }
            },
        ]
    }
}
