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
                checker.problems { TimeLimit(CartPole(seed: checker.seed), limit: CartPole.timeLimit) }
            },
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
            Check(name: "acrobot") { checker in
                checker.problems { TimeLimit(Acrobot(seed: checker.seed), limit: Acrobot.timeLimit) }
            },
            Check(name: "mountain-car") { checker in
                checker.problems { TimeLimit(MountainCar(seed: checker.seed), limit: MountainCar.timeLimit) }
            },
            Check(name: "frozen-lake") { checker in
                checker.problems { TimeLimit(FrozenLake(seed: checker.seed), limit: FrozenLake.timeLimit4x4) }
            },
            Check(name: "frozen-lake-8x8") { checker in
                checker.problems {
                    TimeLimit(
                        FrozenLake(seed: checker.seed, map: FrozenLake.map8x8), limit: FrozenLake.timeLimit8x8)
                }
            },
            Check(name: "taxi") { checker in
                checker.problems { TimeLimit(Taxi(seed: checker.seed), limit: Taxi.timeLimit) }
            },
            Check(name: "cliff-walking") { checker in checker.problems { CliffWalking(seed: checker.seed) } },
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
