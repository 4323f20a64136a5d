import Baselines
import Cluster
import Foundation
import Gym
import Randomness
import TestClusters
import Testing
import Windows

/// A service whose load in cores is shared evenly by its ready replicas, which are ready an interval after placement.
struct SharedLoad: ClusterBackend, Codable, Sendable {
    var snapshot = ClusterSnapshot()
    var load = 0.0
    var nextID = 0

    mutating func reset(seed: UInt64) throws {
        var generator = RandomGenerator(seed: seed)
        load = generator.uniform(in: 2...6)
        nextID = 0
        snapshot = ClusterSnapshot(
            nodes: (0..<3).map { Node(name: "n\($0)", allocatable: Resources(cpu: 8, memory: 64e9)) },
            services: [
                Service(
                    name: "web", replicas: 2, maximumReplicas: 20, requests: Resources(cpu: 1, memory: 1e9),
                    latencyObjective: 0.1)
            ])
        create(2)
    }

    mutating func create(_ count: Int) {
        for _ in 0..<count {
            snapshot.pods.append(
                Pod(
                    id: nextID, name: "web-\(nextID)", service: 0, requests: snapshot.services[0].requests,
                    created: snapshot.time))
            nextID += 1
        }
    }

    mutating func apply(_ action: ClusterAction) throws -> ActionObstacle? {
        switch action {
        case .place(let id, let node):
            guard let index = snapshot.podIndex(id) else { return .noSuchPod(id) }
            snapshot.pods[index].node = node
            snapshot.pods[index].phase = .starting
        case .scale(_, let change):
            snapshot.services[0].replicas += change
            if change > 0 { create(change) } else { snapshot.pods.removeLast(-change) }
        default: return .refused("not offered here")
        }
        snapshot.recountNodes()
        return nil
    }

    mutating func advance() throws -> IntervalReport {
        snapshot.time += snapshot.interval
        let ready = snapshot.pods.count { $0.phase == .ready }
        for index in snapshot.pods.indices {
            snapshot.pods[index].cpuUsage =
                snapshot.pods[index].phase == .ready ? Measured(load / Double(ready), now: snapshot.time) : nil
            if snapshot.pods[index].phase == .starting { snapshot.pods[index].phase = .ready }
        }
        var report = IntervalReport(duration: 20, services: [ServiceInterval()])
        report.requestedCoreSeconds = Double(snapshot.pods.count) * 20
        report.allocatableCoreSeconds = 24 * 20
        return report
    }
}

@Suite struct ControlledEnvironmentTests {
    typealias Controlled = ControlledEnvironment<SharedLoad, HorizontalPodAutoscaler>

    static func cluster(intervals: Int = 60) -> ClusterEnvironment<SharedLoad> {
        var settings = ClusterEnvironmentSettings()
        settings.intervals = intervals
        settings.actions.resizeFactors = []
        settings.actions.evictionsPerInterval = 0
        return ClusterEnvironment(backend: SharedLoad(), settings: settings, seed: 1)
    }

    static func environment(share: Double) -> Controlled {
        Controlled(cluster(intervals: 10), controller: HorizontalPodAutoscaler(), share: share, seed: 5)
    }

    /// The default scheduler with the HPA settles where the load per replica is within a tenth of the target, for any
    /// load, by actions of at most four replicas.
    @Test(arguments: 0..<8)
    func autoscalerReachesItsTarget(_ seed: UInt64) throws {
        var environment = Self.cluster()
        var policy = try Baseline(named: "default+hpa").policy()
        var generator = RandomGenerator(seed: seed)
        try environment.begin(seed: seed)
        var ended = false
        while !ended {
            let decision = try #require(environment.decision)
            let choice = try policy.choose(decision, in: environment.snapshot, using: &generator)
            ended = try environment.perform(choice).ended
        }
        let service = environment.snapshot.services[0]
        let utilization = environment.backend.load / Double(service.replicas)
        // Whole percents are cut off, so up to a percent above the tolerance of 10 % may stay.
        #expect(utilization < 0.5 * 1.1 + 0.01)
        #expect(service.replicas > 2)
        // One replica fewer would be above the target, or the excess is within the tolerance.
        #expect(environment.backend.load / Double(service.replicas - 1) > 0.5 * 0.9)
        // kube-scheduler's spreading leaves no node two replicas behind another.
        let onNode = (0..<3).map { node in environment.snapshot.pods.count { $0.node == node } }
        #expect((onNode.max() ?? 0) - (onNode.min() ?? 0) <= 1)
    }

    @Test func controllerDecidesAllControlOrNone() throws {
        for (share, controlled) in [(1.0, true), (0.0, false)] {
            var environment = Self.environment(share: share)
            var actions = RandomGenerator(seed: 2)
            var batch = CandidateBatch(space: environment.observationSpace)
            for episode in 0..<3 {
                try environment.reset(seed: UInt64(episode), appendingTo: &batch)
                #expect(environment.isControlled == controlled)
                var ended = false
                var most = 0
                while !ended {
                    let decision = try #require(environment.base.decision)
                    if decision.kind == .control { most = max(most, decision.candidates.count) }
                    let choice = actions.index(below: environment.actionSpace.count)
                    ended = try environment.step(choice, appendingTo: &batch).ended
                }
                #expect((most == 1) == controlled)
            }
        }
    }

    @Test func shareIsThatOfTheEpisodes() throws {
        var environment = Self.environment(share: 0.3)
        var batch = CandidateBatch(space: environment.observationSpace)
        var count = 0
        for seed in 0..<1000 {
            batch.removeAll()
            try environment.reset(seed: UInt64(seed), appendingTo: &batch)
            if environment.isControlled { count += 1 }
        }
        // Binomial(1000, 0.3) has a standard deviation of 14.5.
        #expect(abs(count - 300) < 60)
    }

    @Test(arguments: [0.0, 0.5])
    func keepsTheContract(_ share: Double) {
        let checker = EnvironmentChecker()
        #expect(checker.problems(of: { Self.environment(share: share) }) == [])
    }

    @Test func storedCopyGoesOnAsTheOriginal() throws {
        var original = Self.environment(share: 1)
        var actions = RandomGenerator(seed: 9)
        var batch = CandidateBatch(space: original.observationSpace)
        try original.reset(seed: 4, appendingTo: &batch)
        for _ in 0..<12 {
            _ = try original.step(actions.index(below: original.actionSpace.count), appendingTo: &batch)
        }
        var copy = try JSONDecoder().decode(Controlled.self, from: JSONEncoder().encode(original))
        for _ in 0..<60 {
            var ours = CandidateBatch(space: original.observationSpace)
            var theirs = ours
            let choice = actions.index(below: original.actionSpace.count)
            let outcome = try original.step(choice, appendingTo: &ours)
            #expect(try copy.step(choice, appendingTo: &theirs) == outcome)
            #expect(ours == theirs)
            if outcome.ended {
                try original.reset(seed: nil, appendingTo: &ours)
                try copy.reset(seed: nil, appendingTo: &theirs)
                #expect(ours == theirs)
            }
        }
    }
}
