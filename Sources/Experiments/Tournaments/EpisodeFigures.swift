public import Cluster
import Gym
import Randomness

/// What an episode was like under one policy.
public struct EpisodeFigures: Codable, Equatable, Sendable {
    /// Requests over the latency objective / requests that arrived; `nil` when none arrived.
    public var overObjective: Double?
    /// 99th percentile of the latency in seconds: of each service and interval, weighted by the requests that arrived.
    public var p99: Double?
    /// Requests answered per second.
    public var throughput: Double
    /// Cores requested by the services, mean over time.
    public var cores: Double
    /// Cores requested by the services / cores allocatable, over the whole episode.
    public var costShare: Double
    /// Evictions, and replicas created or removed, per hour.
    public var churn: Double
    /// Median time that the policy took for a decision, in seconds; `nil` when there was none.
    public var decisionSeconds: Double?
    /// Mean reward of an interval.
    public var reward: Double
    /// Means of the reward's terms over the intervals, before their weights.
    public var terms: RewardTerms
    /// Why the episode broke off; `nil` when it ran to its end.
    public var failure: String?

    /// Plays an episode.
    /// - Parameters:
    ///   - policy: decides everything.
    ///   - environment: what it decides in.
    ///   - seed: decides the episode, and the draws among equal preferences.
    /// - Throws: what the policy and the environment throw.
    public init<Backend: ClusterBackend>(
        of policy: any Policy, in environment: ClusterEnvironment<Backend>, seed: UInt64
    ) throws {
        var tally = Tally()
        var episode = PolicyEpisode(of: policy, in: environment)
        try episode.play(
            seed: seed,
            stepped: { episode, outcome in
                tally.decisionSeconds.append(episode.decisionTime / .seconds(1))
                guard let report = episode.environment.info.report else { return }
                tally.add(report)
                tally.reward += outcome.reward
                if let terms = episode.environment.info.terms { tally.add(terms) }
            })
        self = tally.figures
    }

    private init(_ tally: Tally) {
        overObjective = tally.arrived > 0 ? tally.over / tally.arrived : nil
        p99 = tally.latencyWeight > 0 ? tally.weightedLatency / tally.latencyWeight : nil
        throughput = tally.seconds > 0 ? tally.completed / tally.seconds : 0
        cores = tally.seconds > 0 ? tally.coreSeconds / tally.seconds : 0
        costShare = tally.allocatable > 0 ? tally.coreSeconds / tally.allocatable : 0
        churn = tally.seconds > 0 ? 3600 * Double(tally.changes) / tally.seconds : 0
        // A mean would mostly tell how often the thread was interrupted.
        let sorted = tally.decisionSeconds.sorted()
        decisionSeconds = sorted.isEmpty ? nil : Statistics.quantile(0.5, of: sorted)
        reward = tally.intervals > 0 ? tally.reward / Double(tally.intervals) : 0
        terms = RewardTerms()
        let intervals = Double(max(1, tally.intervals))
        terms.overObjective = tally.terms.overObjective / intervals
        terms.cost = tally.terms.cost / intervals
        terms.churn = tally.terms.churn / intervals
        failure = tally.failure
    }

    /// Sums over the intervals of an episode.
    private struct Tally {
        var (arrived, over, completed) = (0.0, 0.0, 0.0)
        var (weightedLatency, latencyWeight) = (0.0, 0.0)
        var (seconds, coreSeconds, allocatable) = (0.0, 0.0, 0.0)
        var changes = 0
        var decisionSeconds: [Double] = []
        var reward = 0.0
        var terms = RewardTerms()
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
            allocatable += report.allocatableCoreSeconds
            changes += report.evictions + report.replicaChanges
            intervals += 1
            failure = report.failure
        }

        mutating func add(_ added: RewardTerms) {
            terms.overObjective += added.overObjective
            terms.cost += added.cost
            terms.churn += added.churn
        }

        var figures: EpisodeFigures { EpisodeFigures(self) }
    }
}
