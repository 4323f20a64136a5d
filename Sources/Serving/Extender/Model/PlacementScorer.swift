public import Cluster
public import Kubernetes
import Watching
import Randomness
import Synchronization
public import Telemetry
public import Windows

/// Scores nodes for pods: the model of the cluster, the policy and what to do when it cannot answer.
///
/// Safe to share between threads; decisions are made one at a time, as the scheduler asks.
public final class PlacementScorer: Sendable {
    /// Why the policy did not answer.
    public enum FallbackReason: String, Sendable, CaseIterable {
        /// No policy was loaded.
        case notLoaded = "not_loaded"
        /// The nodes or pods were not listed yet.
        case notSynced = "not_synced"
        /// None of the nodes that were asked about is known.
        case nodesUnknown = "nodes_unknown"
        /// The policy threw an error or gave unusable preferences.
        case failed
    }

    /// The answer to one request.
    public struct Scoring: Sendable {
        /// A score from 0 to 10 for each node, in the request's order.
        public var scores: [Int]
        /// Why the fallback answered; `nil` where the policy did.
        public var fallback: FallbackReason?
        /// How many of the nodes are not known, or have not said what pods may request.
        public var unknownNodes: Int
        /// What went wrong in the policy.
        public var failure: String?
    }

    /// How large the model is.
    public struct Size: Sendable, Equatable {
        /// Nodes known.
        public var nodes: Int
        /// Unfinished pods known.
        public var pods: Int
        /// Pods assumed on a node.
        public var assumed: Int
        /// Nodes with a fresh measurement of CPU use.
        public var measured: Int
        /// Services whose pods have been asked about.
        public var services: Int
        /// Services with a fresh request rate and p99.
        public var measuredServices: Int

        /// A size with all its parts.
        public init(nodes: Int, pods: Int, assumed: Int, measured: Int, services: Int, measuredServices: Int) {
            self.nodes = nodes
            self.pods = pods
            self.assumed = assumed
            self.measured = measured
            self.services = services
            self.measuredServices = measuredServices
        }
    }

    fileprivate struct State {
        var cluster: WatchedCluster
        var policy: (any Policy)?
        var fallback: any Policy
        var nodesListed = false
        var podsListed = false
        var generator: RandomGenerator
    }

    private let state: Mutex<State>
    private let assumeSeconds: Double
    private let inverts: Bool
    private let limits: FilterSettings
    private let riskFilter: RiskFilter?
    private let now: @Sendable () -> Double
    /// Whether a policy was loaded.
    public let hasPolicy: Bool

    /// A scorer that knows no node yet.
    /// - Parameters:
    ///   - settings: the extender's settings.
    ///   - policy: the trained policy; `nil` where none could be loaded.
    ///   - fallback: answers when the policy cannot; the strategy that the settings name where `nil`.
    ///   - riskFilter: removes nodes by what is predicted; `nil` for none.
    ///   - objective: of services whose pods' annotation names none, in seconds, for the predictions that the policy
    ///     sees; with a risk filter, that one's.
    ///   - now: the present in seconds since 1970.
    public init(
        settings: ExtenderSettings, policy: sending (any Policy)?, fallback: sending (any Policy)? = nil,
        riskFilter: RiskFilter? = nil, objective: Double? = nil,
        now: @escaping @Sendable () -> Double = { Timestamp.now.seconds }
    ) {
        hasPolicy = policy != nil
        assumeSeconds = settings.assumeSeconds
        inverts = settings.invertScores
        limits = settings.filter
        self.riskFilter = riskFilter
        self.now = now
        var policy = policy
        var fallback = fallback ?? settings.fallback.policy
        policy?.reset()
        fallback.reset()
        state = Mutex(
            State(
                cluster: WatchedCluster(
                    interval: settings.interval, usage: settings.telemetry, maximumReplicas: settings.maximumReplicas,
                    objective: riskFilter?.objective ?? objective ?? 1),
                policy: policy, fallback: fallback,
                generator: RandomGenerator(seed: UInt64(settings.seed), stream: 1)))
    }

    // MARK: What happens in the cluster

    /// Takes in a change of a node.
    public func apply(_ change: ObjectChange<Kubernetes.Node>) {
        state.withLock { $0.cluster.apply(change) }
    }

    /// Takes in a change of a pod.
    public func apply(_ change: ObjectChange<Kubernetes.Pod>) {
        let now = now()
        state.withLock { $0.cluster.apply(change, now: now) }
    }

    /// Takes in a change of a disruption budget.
    public func apply(_ change: ObjectChange<PodDisruptionBudget>) {
        state.withLock { $0.cluster.apply(change) }
    }

    /// Takes in what a source said of a node, and what cadvisor read of its pods.
    public func add(
        _ reading: NodeReading, ofNode node: String, pods: [CadvisorScrape.PodName: UsageReading] = [:]
    ) {
        state.withLock { state in
            state.cluster.add(reading, ofNode: node)
            state.cluster.add(pods)
        }
    }

    /// The services under control.
    public var services: [ServiceName] { state.withLock { $0.cluster.serviceNames } }

    /// Takes in what was seen of the requests of a service; nothing for one that is not under control any more.
    public func add(_ sample: RequestSample, of service: ServiceName) {
        state.withLock { $0.cluster.add(sample, of: service) }
    }

    /// All nodes there are have been taken in.
    public func markNodesListed() {
        state.withLock { $0.nodesListed = true }
    }

    /// All pods there are have been taken in.
    public func markPodsListed() {
        state.withLock { $0.podsListed = true }
    }

    /// Whether nodes and pods have been listed.
    public var hasSynced: Bool { state.withLock { $0.nodesListed && $0.podsListed } }

    /// How large the model is now.
    public var size: Size {
        let now = now()
        return state.withLock { state in
            state.cluster.prepare(now: now)
            return Size(
                nodes: state.cluster.nodeCount, pods: state.cluster.podCount, assumed: state.cluster.assumedCount,
                measured: state.cluster.measuredNodeCount, services: state.cluster.snapshot.services.count,
                measuredServices: state.cluster.measuredServiceCount)
        }
    }

    // MARK: Requests

    /// Scores `nodes` for `pod` and takes the pod to be on the best of them for a while.
    ///
    /// Nodes that are not known get the median of the known ones' scores, but never the best score.
    public func score(_ pod: Kubernetes.Pod, on nodes: [String]) -> Scoring {
        let now = now()
        return state.withLock { state in
            let podIndex = state.cluster.prepare(pod, now: now)
            var known: [Int] = []
            var candidates: [ClusterAction] = []
            known.reserveCapacity(nodes.count)
            candidates.reserveCapacity(nodes.count)
            let id = state.cluster.snapshot.pods[podIndex].id
            for (position, name) in nodes.enumerated() {
                guard let node = state.cluster.nodeIndex[name] else { continue }
                known.append(position)
                candidates.append(.place(pod: id, node: node))
            }
            var scoring = Scoring(scores: [], unknownNodes: nodes.count - known.count)
            let decision = Decision(kind: .placement(podIndex: podIndex), candidates: candidates)
            let scores = state.scores(for: decision, &scoring)
            scoring.scores = Self.spread(scores, at: known, count: nodes.count)
            if inverts { scoring.scores = scoring.scores.map { ExtenderScore.greatest - $0 } }
            if let best = Self.best(of: scoring.scores, &state.generator) {
                state.cluster.assume(podAt: podIndex, on: nodes[best], until: now + assumeSeconds)
            }
            return scoring
        }
    }

    /// Says which of `nodes` are over a limit of measured use or of predicted risk for `pod`, by position, and why. Never
    /// all of them.
    public func unfit(_ nodes: [String], for pod: Kubernetes.Pod) -> [Int: String] {
        guard limits.cpuShare != nil || limits.memoryShare != nil || riskFilter != nil else { return [:] }
        let now = now()
        return state.withLock { state in
            var podIndex: Int?
            if riskFilter != nil {
                podIndex = state.cluster.prepare(pod, now: now)
            } else {
                state.cluster.prepare(now: now)
            }
            let snapshot = state.cluster.snapshot
            var failed: [Int: String] = [:]
            var left: [(position: Int, node: Int)] = []
            for (position, name) in nodes.enumerated() {
                guard let index = state.cluster.nodeIndex[name] else { continue }
                let node = snapshot.nodes[index]
                if let reason = Self.excess("cpu", node.cpuUsage, of: node.allocatable.cpu, limits.cpuShare)
                    ?? Self.excess("memory", node.memoryUsage, of: node.allocatable.memory, limits.memoryShare)
                {
                    failed[position] = reason
                } else {
                    left.append((position, index))
                }
            }
            if let riskFilter, let podIndex {
                let reasons = riskFilter.reasons(placing: podIndex, on: left.map(\.node), in: snapshot)
                for (entry, reason) in zip(left, reasons) { failed[entry.position] = reason }
            }
            return failed.count < nodes.count ? failed : [:]
        }
    }

    private static func excess(
        _ resource: String, _ used: Measured?, of allocatable: Double, _ limit: Double?
    ) -> String? {
        guard let used, let limit, used.value > limit * allocatable else { return nil }
        let percent = { (share: Double) in Int((share * 100).rounded()) }
        return "measured \(resource) use is \(percent(used.value / allocatable)) % of what pods may request, "
            + "more than \(percent(limit)) %"
    }

    /// Position of the greatest score, drawn among equals: the scheduler's own plugins choose one of them, which is
    /// not known here, and a wrong guess for the moment until the watch knows still keeps a burst from herding.
    private static func best(of scores: [Int], _ generator: inout RandomGenerator) -> Int? {
        guard let best = scores.max() else { return nil }
        let equals = scores.indices.filter { scores[$0] == best }
        return equals.count == 1 ? equals[0] : equals[generator.index(below: equals.count)]
    }

    /// Puts the known nodes' scores in their places, and the median in the others.
    private static func spread(_ scores: [Int], at positions: [Int], count: Int) -> [Int] {
        guard scores.count < count else { return scores }
        let median = scores.isEmpty ? ExtenderScore.greatest / 2 : scores.sorted()[scores.count / 2]
        var all = [Int](repeating: min(median, ExtenderScore.greatest - 1), count: count)
        for (position, score) in zip(positions, scores) { all[position] = score }
        return all
    }
}

extension PlacementScorer.State {
    /// Scores of the candidates, which may be none, by the policy, or by the fallback where it cannot answer.
    fileprivate mutating func scores(for decision: Decision, _ scoring: inout PlacementScorer.Scoring) -> [Int] {
        let snapshot = cluster.snapshot
        if policy == nil {
            scoring.fallback = .notLoaded
        } else if !nodesListed || !podsListed {
            scoring.fallback = .notSynced
        } else if decision.candidates.isEmpty {
            scoring.fallback = .nodesUnknown
        } else {
            do {
                if let preferences = try policy?.preferences(for: decision, in: snapshot) {
                    try Self.check(preferences, for: decision)
                    return ExtenderScore.scores(preferences)
                }
            } catch {
                scoring.fallback = .failed
                scoring.failure = "\(error)"
            }
        }
        guard !decision.candidates.isEmpty else { return [] }
        do {
            let preferences = try fallback.preferences(for: decision, in: snapshot)
            try Self.check(preferences, for: decision)
            return ExtenderScore.scores(preferences)
        } catch {
            // Equal scores leave the choice to the scheduler's own plugins.
            scoring.failure = [scoring.failure, "fallback: \(error)"].compactMap { $0 }.joined(separator: "; ")
            return decision.candidates.map { _ in ExtenderScore.greatest / 2 }
        }
    }

    private static func check(_ preferences: [Double], for decision: Decision) throws {
        guard preferences.count == decision.candidates.count else {
            throw PolicyError("\(preferences.count) preferences for \(decision.candidates.count) nodes")
        }
        guard preferences.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw PolicyError("a preference is negative or not finite")
        }
    }
}
