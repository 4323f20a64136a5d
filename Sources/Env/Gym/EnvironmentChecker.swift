import Randomness

/// Runs an environment and reports how it breaks the contract of `Environment`.
///
/// It fails on an observation of a wrong shape or out of its space, a reward or time that is not finite, on two runs
/// with one seed and the same actions that differ, and on an environment in which actions change nothing: when
/// different sequences of actions from one seed all give identical observations, or identical rewards where
/// `rewardDependsOnAction` asks for that.
public struct EnvironmentChecker {
    /// Seed of the environments and of the actions.
    public var seed: UInt64 = 0
    /// Steps of each run.
    public var steps = 500
    /// Different sequences of actions that are compared.
    public var sequences = 8
    /// Also fail when different sequences of actions give identical rewards: for cluster environments.
    public var rewardDependsOnAction = false

    /// A checker with its defaults.
    public init() {}

    private struct Trace<Observation: Equatable>: Equatable {
        var observations: [Observation] = []
        var outcomes: [Outcome] = []
    }

    /// Checks environments that `make` returns.
    /// - Parameter make: gives a new environment that has not been reset; called several times.
    /// - Returns: what is wrong, one sentence each; empty when the environment keeps the contract.
    public func problems<E: Environment>(of make: () throws -> E) -> [String] {
        var problems: [String] = []
        func report(_ problem: String) {
            if !problems.contains(problem) { problems.append(problem) }
        }
        func run(environmentSeed: UInt64, actionSeed: UInt64) -> Trace<E.Observation>? {
            var trace = Trace<E.Observation>()
            var actions = RandomGenerator(seed: actionSeed, stream: 1)
            do {
                var environment = try make()
                func look(_ observation: E.Observation, after what: String) {
                    if let problem = environment.observationSpace.problem(with: observation) {
                        report("observation after \(what) \(problem)")
                    }
                    trace.observations.append(observation)
                }
                look(try environment.reset(seed: environmentSeed), after: "reset")
                for _ in 0..<steps {
                    let action = environment.actionSpace.sample(using: &actions)
                    let (observation, outcome) = try environment.step(action)
                    look(observation, after: "step")
                    trace.outcomes.append(outcome)
                    if !outcome.reward.isFinite { report("reward is \(outcome.reward), expected a finite number") }
                    if !(outcome.elapsed >= 0 && outcome.elapsed.isFinite) {
                        report("elapsed time is \(outcome.elapsed), expected a finite number of 0 or more")
                    }
                    if outcome.ended { look(try environment.reset(seed: nil), after: "reset") }
                }
                return trace
            } catch {
                report("it threw: \(error)")
                return nil
            }
        }

        guard let first = run(environmentSeed: seed, actionSeed: seed),
            let again = run(environmentSeed: seed, actionSeed: seed)
        else { return problems }
        if first.observations != again.observations {
            report("two runs with seed \(seed) and the same actions gave different observations")
        }
        if first.outcomes != again.outcomes {
            report("two runs with seed \(seed) and the same actions gave different rewards, times or endings")
        }
        var observationsDiffer = false
        var rewardsDiffer = false
        for sequence in 1..<UInt64(max(2, sequences)) {
            guard let other = run(environmentSeed: seed, actionSeed: seed &+ sequence) else { return problems }
            observationsDiffer = observationsDiffer || other.observations != first.observations
            rewardsDiffer = rewardsDiffer || other.outcomes.map(\.reward) != first.outcomes.map(\.reward)
        }
        if !observationsDiffer {
            report("\(sequences) different sequences of actions from seed \(seed) gave identical observations")
        }
        if rewardDependsOnAction, !rewardsDiffer {
            report("\(sequences) different sequences of actions from seed \(seed) gave identical rewards")
        }
        return problems
    }
}
