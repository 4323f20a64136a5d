/// Wall time that stepping environments took, in seconds.
struct RolloutTimes: Sendable, BitwiseCopyable {
    /// In the environments.
    var environments = 0.0
    /// In the network and in choosing actions.
    var inference = 0.0

    init() {}

    init(environments: Double, inference: Double) { (self.environments, self.inference) = (environments, inference) }

    /// The wall time of a rollout, shared out as the workers' own times are.
    init(sharing wall: Double, as workers: [RolloutTimes]) {
        let total = workers.reduce(0) { $0 + $1.environments + $1.inference }
        guard total > 0 else { return }
        environments = wall * workers.reduce(0) { $0 + $1.environments } / total
        inference = wall - environments
    }
}
