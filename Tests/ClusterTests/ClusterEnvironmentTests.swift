import Cluster
import Foundation
import Gym
import Randomness
import TestClusters
import Testing
import Windows

/// A cluster of two nodes and one service, with the least behaviour that the environment's rules can be seen on:
/// latency falls with the number of ready replicas, replicas are ready an interval after they were placed.
struct TinyCluster: ClusterBackend, Codable, Sendable {
    var snapshot = ClusterSnapshot()
    var generator = RandomGenerator(seed: 0)
    var nextID = 0
    var evictions = 0
    var changes = 0
    var refusesPlacements = false

    mutating func reset(seed: UInt64) throws {
        generator = RandomGenerator(seed: seed)
        nextID = 0
        snapshot = ClusterSnapshot(
            nodes: (0..<2).map { Node(name: "n\($0)", allocatable: Resources(cpu: 2, memory: 8e9)) },
            services: [
                Service(
                    name: "web", replicas: 1, maximumReplicas: 6, requests: Resources(cpu: 0.5, memory: 1e9),
                    cpuRequestRange: 0.4...0.7, latencyObjective: 0.1)
            ])
        create()
    }

    mutating func create() {
        let service = snapshot.services[0]
        snapshot.pods.append(
            Pod(id: nextID, name: "web-\(nextID)", service: 0, requests: service.requests, created: snapshot.time))
        nextID += 1
    }

    mutating func apply(_ action: ClusterAction) throws -> ActionObstacle? {
        switch action {
        case .advance: break
        case .place(let id, let node):
            if refusesPlacements { return .refused("refused") }
            guard let index = snapshot.podIndex(id) else { return .noSuchPod(id) }
            snapshot.pods[index].node = node
            snapshot.pods[index].phase = .starting
        case .scale(_, let change):
            changes += abs(change)
            snapshot.services[0].replicas += change
            if change > 0 { for _ in 0..<change { create() } } else { snapshot.pods.removeLast(-change) }
        case .resize(_, let factor):
            snapshot.services[0].requests.cpu *= factor
            for index in snapshot.pods.indices { snapshot.pods[index].requests.cpu *= factor }
        case .evict(let id):
            snapshot.pods.removeAll { $0.id == id }
            create()
            evictions += 1
        }
        snapshot.recountNodes()
        return nil
    }

    mutating func advance() throws -> IntervalReport {
        for index in snapshot.pods.indices where snapshot.pods[index].phase == .starting {
            snapshot.pods[index].phase = .ready
        }
        snapshot.time += snapshot.interval
        let ready = snapshot.pods.count { $0.phase == .ready }
        var interval = ServiceInterval()
        interval.arrived = 100
        interval.overObjective = min(100, (20 + generator.uniform() * 20) / Double(max(1, ready)))
        interval.completed = 100
        var report = IntervalReport(duration: 20, services: [interval])
        report.requestedCoreSeconds = snapshot.nodes.reduce(0) { $0 + $1.requested.cpu } * 20
        report.allocatableCoreSeconds = 80
        report.evictions = evictions
        report.replicaChanges = changes
        (evictions, changes) = (0, 0)
        snapshot.services[0].latencyP99 = Measured(0.2 / Double(max(1, ready)))
        snapshot.nodes[0].cpuUsage = Measured(1.5, age: 20)
        return report
    }
}

func tinyEnvironment(_ change: (inout ClusterEnvironmentSettings) -> Void = { _ in }) -> ClusterEnvironment<TinyCluster>
{
    var settings = ClusterEnvironmentSettings()
    change(&settings)
    return ClusterEnvironment(backend: TinyCluster(), settings: settings, seed: 1)
}

func index(of action: ClusterAction, in environment: ClusterEnvironment<TinyCluster>) throws -> Int {
    try #require(environment.decision?.candidates.firstIndex(of: action))
}

@Suite struct ClusterEnvironmentTests {
    @Test func checkerFindsNothing() {
        var checker = EnvironmentChecker()
        checker.rewardDependsOnAction = true
        #expect(checker.problems { tinyEnvironment() } == [])
    }

    @Test func placementsComeFirstAndNeverMixWithControl() throws {
        var environment = tinyEnvironment()
        try environment.begin(seed: 1)
        #expect(environment.decision?.candidates == [.place(pod: 0, node: 0), .place(pod: 0, node: 1)])
        #expect(try environment.perform(1) == Outcome(reward: 0, elapsed: 0))
        #expect(environment.decision?.kind == .control)
        #expect(environment.decision?.candidates.first == .advance)
        #expect(try environment.perform(index(of: .scale(service: 0, change: 2), in: environment)).elapsed == 0)
        for pod in 1...2 {
            #expect(environment.decision?.candidates == [.place(pod: pod, node: 0), .place(pod: pod, node: 1)])
            _ = try environment.perform(0)
        }
        // The service was scaled in this interval: only once.
        let candidates = try #require(environment.decision?.candidates)
        #expect(!candidates.contains { if case .scale = $0 { true } else { false } })
        #expect(candidates.contains(.resize(service: 0, factor: 0.8)))
    }

    @Test func chainsOfActionsEnd() throws {
        var environment = tinyEnvironment()
        try environment.begin(seed: 1)
        var generator = RandomGenerator(seed: 4)
        var longest = 0
        var chain = 0
        for _ in 0..<2000 {
            let candidates = try #require(environment.decision?.candidates)
            // Everything but advance as long as there is anything else.
            let outcome = try environment.perform(
                candidates.count > 1 ? 1 + generator.index(below: candidates.count - 1) : 0)
            chain = outcome.elapsed > 0 ? 0 : chain + 1
            longest = max(longest, chain)
            if outcome.ended { try environment.begin(seed: nil) }
        }
        #expect(longest < 16)
    }

    @Test func evictionsAndBoundsAreKept() throws {
        var environment = tinyEnvironment { $0.actions.evictionsPerInterval = 1 }
        try environment.begin(seed: 1)
        _ = try environment.perform(0)
        _ = try environment.perform(index(of: .scale(service: 0, change: 3), in: environment))
        while environment.decision?.kind != .control { _ = try environment.perform(0) }
        _ = try environment.perform(0)
        let evictions = try #require(
            environment.decision?.candidates.filter { if case .evict = $0 { true } else { false } })
        #expect(evictions.count == 4)
        let scalings = try #require(
            environment.decision?.candidates.filter { if case .scale = $0 { true } else { false } })
        #expect(scalings == [-3, -2, -1, 1, 2].map { .scale(service: 0, change: $0) })
        _ = try environment.perform(index(of: evictions[0], in: environment))
        _ = try environment.perform(0)
        let after = try #require(environment.decision?.candidates)
        #expect(!after.contains { if case .evict = $0 { true } else { false } })
        let outcome = try environment.perform(0)
        #expect(environment.info.report?.evictions == 1)
        #expect(environment.info.terms?.churn == 0.25)
        #expect(outcome.reward == environment.info.terms?.reward(environment.settings.reward))
    }

    @Test func refusedPlacementsAreNotAskedForAgainInTheInterval() throws {
        var cluster = TinyCluster()
        cluster.refusesPlacements = true
        var environment = ClusterEnvironment(backend: cluster, settings: ClusterEnvironmentSettings(), seed: 1)
        try environment.begin(seed: 1)
        _ = try environment.perform(0)
        #expect(environment.info.refusal == .refused("refused"))
        #expect(environment.decision?.kind == .control)
        _ = try environment.perform(0)
        #expect(environment.decision?.kind == .placement(podIndex: 0))
    }

    @Test func timeLimitCountsIntervalsAndTruncates() throws {
        var environment = tinyEnvironment { $0.intervals = 3 }
        try environment.begin(seed: 1)
        _ = try environment.perform(0)
        let outcomes = try (0..<3).map { _ in try environment.perform(0) }
        #expect(outcomes.map(\.truncated) == [false, false, true])
        #expect(outcomes.allSatisfy { !$0.terminated && $0.elapsed == 1 })
        #expect(throws: EnvironmentError.needsReset) { try environment.perform(0) }
        #expect(throws: EnvironmentError.self) {
            try environment.begin(seed: 1)
            _ = try environment.perform(2)
        }
    }

    @Test func aStoredCopyGoesOnAsTheOriginal() throws {
        var environment = tinyEnvironment()
        _ = try environment.reset(seed: 5)
        var actions = RandomGenerator(seed: 6)
        for _ in 0..<37 { _ = try environment.step(environment.actionSpace.sample(using: &actions)) }
        var copy = try JSONDecoder().decode(
            ClusterEnvironment<TinyCluster>.self, from: JSONEncoder().encode(environment))
        for _ in 0..<300 {
            let action = environment.actionSpace.sample(using: &actions)
            let (observation, outcome) = try environment.step(action)
            let (other, otherOutcome) = try copy.step(action)
            #expect(observation == other && outcome == otherOutcome)
            if outcome.ended { #expect(try environment.reset(seed: nil) == copy.reset(seed: nil)) }
        }
    }

    /// The second node is risky for every pod but the first.
    private let risky = PlacementPredictor(riskLimit: 1) { pod, nodes, _ in
        nodes.map { $0 == 0 ? nil : pod == 0 ? 0.9 : 1.1 }
    }

    @Test func riskyNodesAreNoCandidates() throws {
        var environment = ClusterEnvironment(
            backend: TinyCluster(), settings: ClusterEnvironmentSettings(), seed: 1, predictor: risky)
        #expect(environment.observationSpace == ObservationEncoder(predictor: risky).space)
        try environment.begin(seed: 1)
        #expect(environment.decision?.candidates == [.place(pod: 0, node: 0), .place(pod: 0, node: 1)])
        _ = try environment.perform(1)
        _ = try environment.perform(index(of: .scale(service: 0, change: 4), in: environment))
        for pod in 1...3 {
            #expect(environment.decision?.candidates == [.place(pod: pod, node: 0)])
            _ = try environment.perform(0)
        }
        // A copy takes the predictor from an environment of its run.
        var copy = try JSONDecoder().decode(
            ClusterEnvironment<TinyCluster>.self, from: JSONEncoder().encode(environment))
        #expect(copy.observationSpace == ObservationEncoder.space)
        copy.takeUnstored(from: environment)
        #expect(copy.observationSpace == environment.observationSpace)
        // Where the risky one is all that is left, it is taken.
        for var each in [environment, copy] {
            #expect(each.decision?.candidates == [.place(pod: 4, node: 0)])
            _ = try each.perform(0)
            _ = try each.perform(index(of: .advance, in: each))
            _ = try each.perform(index(of: .scale(service: 0, change: 1), in: each))
            #expect(each.decision?.candidates == [.place(pod: 5, node: 1)])
        }
    }

    @Test func aPolicyKeepsToTheLimit() throws {
        struct Second: Policy {
            mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) -> [Double] {
                decision.candidates.indices.map { Double($0 + 1) }
            }
        }
        var policy: any Policy = RiskLimitedPolicy(Second(), predictor: risky)
        var snapshot = ClusterSnapshot()
        snapshot.pods = (0..<2).map { Pod(id: $0, name: "p\($0)", requests: Resources(), created: 0) }
        func placement(_ pod: Int, _ nodes: [Int]) -> Decision {
            Decision(kind: .placement(podIndex: pod), candidates: nodes.map { .place(pod: pod, node: $0) })
        }
        #expect(try policy.preferences(for: placement(0, [0, 1, 2]), in: snapshot) == [1, 2, 3])
        #expect(try policy.preferences(for: placement(1, [1, 0, 2]), in: snapshot) == [0, 1, 0])
        #expect(try policy.preferences(for: placement(1, [1, 2]), in: snapshot) == [1, 2])
        let control = Decision(kind: .control, candidates: [.advance, .evict(pod: 0)])
        #expect(try policy.preferences(for: control, in: snapshot) == [1, 2])
        struct Indifferent: Policy {
            mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) -> [Double] {
                decision.candidates.map { _ in 0 }
            }
        }
        policy = RiskLimitedPolicy(Indifferent(), predictor: risky)
        #expect(try policy.preferences(for: placement(1, [1, 0, 2]), in: snapshot) == [0, 1, 0])
    }
}

@Suite struct RewardTests {
    @Test func termsAreSharesOfTheInterval() {
        var first = ServiceInterval()
        first.arrived = 300
        first.overObjective = 30
        var second = ServiceInterval()
        second.arrived = 100
        second.overObjective = 50
        var report = IntervalReport(duration: 20, services: [first, second])
        report.requestedCoreSeconds = 60
        report.allocatableCoreSeconds = 240
        report.evictions = 1
        report.replicaChanges = 2
        let terms = RewardTerms(report, desiredReplicas: 6)
        #expect(terms.overObjective == 0.2 && terms.cost == 0.25 && terms.churn == 0.5)
        var weights = RewardSettings()
        (weights.overObjective, weights.cost, weights.churn) = (2, 1, 0.1)
        #expect(abs(terms.reward(weights) + 0.7) < 1e-12)
    }

    @Test func requestsLeftOverFromBeforeCountAtMostOnce() {
        var service = ServiceInterval()
        service.arrived = 10
        service.overObjective = 25
        #expect(RewardTerms(IntervalReport(duration: 20, services: [service]), desiredReplicas: 1).overObjective == 1)
        #expect(RewardTerms(IntervalReport(duration: 20), desiredReplicas: 0).overObjective == 0)
    }
}
