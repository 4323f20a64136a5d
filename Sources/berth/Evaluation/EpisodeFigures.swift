import Cluster
import Gym
import Randomness

/// What an episode was like under one policy.
struct EpisodeFigures: Codable, Equatable {
    /// Requests over the latency objective / requests that arrived; `nil` when none arrived.
    var overObjective: Double?
    /// 99th percentile of the latency in seconds: of each service and interval, weighted by the requests that arrived.
    var p99: Double?
    /// Requests answered per second.
    var throughput: Double
    /// Cores requested by the services, mean over time.
    var cores: Double
    /// Evictions, and replicas created or removed, per hour.
    var churn: Double
    /// Mean time that the policy took for a decision, in seconds; `nil` when there was none.
    var decisionSeconds: Double?
    /// Mean reward of an interval.
    var reward: Double
    /// Why the episode broke off; `nil` when it ran to its end.
    var failure: String?

    /// Plays an episode.
    /// - Parameter seed: decides the episode, and the draws among equal preferences.
    init<Backend: ClusterBackend>(
        of policy: inout any Policy, in environment: inout ClusterEnvironment<Backend>, seed: UInt64
    ) throws {
        var generator = RandomGenerator(seed: seed, stream: 7)
        var tally = Tally()
        let clock = ContinuousClock()
        policy.reset()
        try environment.begin(seed: seed)
        var isOver = false
        while !isOver, let decision = environment.decision {
            let start = clock.now
            let choice = try policy.choose(decision, in: environment.snapshot, using: &generator)
            tally.decisionTime += clock.now - start
            tally.decisions += 1
            let outcome = try environment.perform(choice)
            if let report = environment.info.report {
                tally.add(report)
                tally.reward += outcome.reward
            }
            isOver = outcome.ended
        }
        self = tally.figures
    }

    private init(_ tally: Tally) {
        overObjective = tally.arrived > 0 ? tally.over / tally.arrived : nil
        p99 = tally.latencyWeight > 0 ? tally.weightedLatency / tally.latencyWeight : nil
        throughput = tally.seconds > 0 ? tally.completed / tally.seconds : 0
        cores = tally.seconds > 0 ? tally.coreSeconds / tally.seconds : 0
        churn = tally.seconds > 0 ? 3600 * Double(tally.changes) / tally.seconds : 0
        decisionSeconds = tally.decisions > 0 ? tally.decisionTime / .seconds(1) / Double(tally.decisions) : nil
        reward = tally.intervals > 0 ? tally.reward / Double(tally.intervals) : 0
        failure = tally.failure
    }

    /// Sums over the intervals of an episode.
    private struct Tally {
        var (arrived, over, completed) = (0.0, 0.0, 0.0)
        var (weightedLatency, latencyWeight) = (0.0, 0.0)
        var (seconds, coreSeconds) = (0.0, 0.0)
        var changes = 0
        var decisions = 0
        var decisionTime = Duration.zero
        var reward = 0.0
        var intervals = 0
        var failure: String?

        mutating func add(_ report: IntervalReport) {
            for service in report.services {
                arrived += service.arrived
                over += service.overObjective
                completed += service.completed
                if let latency = service.latencyP99 {
                    weightedLatency += latency * service.arrived
                    latencyWeight += service.arrived
                }
            }
            seconds += report.duration
            coreSeconds += report.requestedCoreSeconds
            changes += report.evictions + report.replicaChanges
            intervals += 1
            failure = report.failure
        }

        var figures: EpisodeFigures { EpisodeFigures(self) }
    }
}
