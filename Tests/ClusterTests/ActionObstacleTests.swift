import Cluster
import Gym
import Randomness
import TestClusters
import Testing
import Windows

/// What is legal is said in one place, in words that name what was wrong, and the list of candidates agrees.
@Suite struct ActionObstacleTests {
    private static let obstacles: [ActionObstacle] = [
        .noSuchPod(17), .noSuchNode(18), .noSuchService(19), .notAReplica(pod: "default/job-1"),
        .notPending(pod: "web-1", .ready), .placement(pod: "web-1", node: "node-3", .memory),
        .noChange(service: "web"), .replicas(service: "web", wanted: 12, allowed: 2...9),
        .request(service: "web", wanted: 1.5, allowed: 0.25...0.75), .notRunning(pod: "web-1", .terminating),
        .disruptionBudget(service: "web"), .guarded("the guard's words"), .refused("the server's words"),
    ]

    /// What the message must name.
    private func names(_ obstacle: ActionObstacle) -> [String] {
        switch obstacle {
        case .noSuchPod(let id): ["pod", "\(id)"]
        case .noSuchNode(let index): ["node", "\(index)"]
        case .noSuchService(let index): ["service", "\(index)"]
        case .notAReplica(let pod): [pod]
        case .notPending(let pod, let phase), .notRunning(let pod, let phase): [pod, phase.rawValue]
        case .placement(let pod, let node, let obstacle): [pod, node, obstacle.rawValue]
        case .noChange(let service): [service, "0"]
        case .replicas(let service, let wanted, let allowed):
            [service, "\(wanted)", "\(allowed.lowerBound)", "\(allowed.upperBound)"]
        case .request(let service, let wanted, let allowed):
            [service, "\(wanted)", "\(allowed.lowerBound)", "\(allowed.upperBound)"]
        case .disruptionBudget(let service): [service, "budget"]
        case .guarded(let reason), .refused(let reason): [reason]
        }
    }

    @Test func everyMessageNamesWhatWasWrong() {
        for obstacle in Self.obstacles {
            for name in names(obstacle) { #expect("\(obstacle)".contains(name), "\(obstacle) lacks \(name)") }
        }
        #expect(Set(Self.obstacles.map { "\($0)" }).count == Self.obstacles.count)
    }

    /// A cluster that stands still.
    private struct Still: ClusterBackend {
        var snapshot: ClusterSnapshot
        mutating func reset(seed: UInt64) {}
        mutating func apply(_ action: ClusterAction) -> ActionObstacle? { .refused("it stands still") }
        mutating func advance() -> IntervalReport { IntervalReport(duration: 20) }
    }

    private func randomSnapshot(_ generator: inout RandomGenerator) -> ClusterSnapshot {
        var snapshot = ClusterSnapshot(time: 100)
        for index in 0..<(1 + generator.index(below: 4)) {
            snapshot.nodes.append(
                Node(
                    name: "n\(index)", allocatable: Resources(cpu: generator.uniform(in: 1...4), memory: 4e9),
                    maximumPods: 2 + generator.index(below: 5), isSchedulable: generator.chance(0.8)))
        }
        for index in 0..<(1 + generator.index(below: 3)) {
            let cpu = generator.uniform(in: 0.2...1)
            let least = generator.uniform(in: 0.6...1) * cpu
            let fewest = generator.index(below: 4)
            snapshot.services.append(
                Service(
                    name: "s\(index)", replicas: fewest + generator.index(below: 5), minimumReplicas: fewest,
                    maximumReplicas: fewest + generator.index(below: 6), requests: Resources(cpu: cpu, memory: 1e9),
                    cpuRequestRange: least...2 * least, latencyObjective: 0.1,
                    disruptionsAllowed: generator.index(below: 3)))
        }
        // Half of the snapshots have nothing to place, so that control is decided.
        let phases: [Pod.Phase] =
            generator.chance(0.5) ? [.starting, .ready, .terminating] : [.pending, .starting, .ready, .terminating]
        for id in 0..<generator.index(below: 12) {
            let phase = phases[generator.index(below: phases.count)]
            let service = generator.chance(0.8) ? generator.index(below: snapshot.services.count) : nil
            let memory = generator.uniform(in: 0...2e9)
            snapshot.pods.append(
                Pod(
                    id: 100 - id, name: "p\(id)", service: service,
                    node: phase == .pending ? nil : generator.index(below: snapshot.nodes.count), phase: phase,
                    requests: Resources(cpu: generator.uniform(in: 0.1...1.5), memory: memory),
                    created: Double(generator.index(below: 3))))
        }
        snapshot.recountNodes()
        return snapshot
    }

    /// Every action of a kind, legal or not, that the rules know.
    private func placements(of pod: Pod, _ snapshot: ClusterSnapshot) -> [ClusterAction] {
        snapshot.nodes.indices.map { .place(pod: pod.id, node: $0) }
    }

    private func controls(_ snapshot: ClusterSnapshot, _ rules: ActionRules) -> [ClusterAction] {
        var actions: [ClusterAction] = [.advance]
        for service in snapshot.services.indices {
            for change in -rules.largestReplicaChange...rules.largestReplicaChange {
                actions.append(.scale(service: service, change: change))
            }
            for factor in rules.resizeFactors { actions.append(.resize(service: service, factor: factor)) }
        }
        for pod in snapshot.pods { actions.append(.evict(pod: pod.id)) }
        return actions
    }

    /// Beside what is legal, an eviction is listed only of a replica that is ready and fits elsewhere.
    private func isListed(_ action: ClusterAction, _ snapshot: ClusterSnapshot) -> Bool {
        guard snapshot.obstacle(to: action) == nil else { return false }
        guard case .evict(let id) = action, let pod = snapshot.pods.first(where: { $0.id == id }) else { return true }
        return pod.phase == .ready
            && snapshot.nodes.indices.contains { $0 != pod.node && snapshot.obstacle(for: pod, on: $0) == nil }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func theListHoldsWhatHasNoObstacle(_ seed: UInt64) throws {
        var generator = RandomGenerator(seed: seed)
        var (placements, controls, evictions) = (0, 0, 0)
        var reasons: Set<String> = []
        let settings = ClusterEnvironmentSettings()
        for _ in 0..<2000 {
            let snapshot = randomSnapshot(&generator)
            var environment = ClusterEnvironment(backend: Still(snapshot: snapshot), settings: settings, seed: 1)
            try environment.begin(seed: 1)
            let decision = try #require(environment.decision)
            for action in decision.candidates { #expect(snapshot.obstacle(to: action) == nil, "\(action)") }
            #expect(Set(decision.candidates).count == decision.candidates.count)
            let queue = snapshot.pods.filter { $0.phase == .pending && $0.service != nil }
                .sorted { ($0.created, $0.id) < ($1.created, $1.id) }
            let first = queue.first { pod in
                self.placements(of: pod, snapshot).contains { snapshot.obstacle(to: $0) == nil }
            }
            let all: [ClusterAction]
            switch decision.kind {
            case .placement(let index):
                placements += 1
                let pod = snapshot.pods[index]
                #expect(pod.id == first?.id)
                all = self.placements(of: pod, snapshot)
            case .control:
                controls += 1
                #expect(first == nil)
                all = self.controls(snapshot, settings.actions)
                evictions += decision.candidates.count { if case .evict = $0 { true } else { false } }
            }
            #expect(Set(decision.candidates) == Set(all.filter { isListed($0, snapshot) }))
            for action in all + self.controls(snapshot, settings.actions) {
                guard let obstacle = snapshot.obstacle(to: action) else { continue }
                reasons.insert(Mirror(reflecting: obstacle).children.first?.label ?? "")
            }
        }
        #expect(placements > 200 && controls > 200 && evictions > 200)
        #expect(
            reasons == [
                "placement", "noChange", "replicas", "request", "notAReplica", "notRunning", "disruptionBudget",
            ])
    }

    @Test func whatIsNotThereIsNamed() {
        var generator = RandomGenerator(seed: 3)
        for _ in 0..<200 {
            let snapshot = randomSnapshot(&generator)
            let (nodes, services) = (snapshot.nodes.count, snapshot.services.count)
            for id in [-1, 1000] {
                #expect(snapshot.obstacle(to: .evict(pod: id)) == .noSuchPod(id))
                #expect(snapshot.obstacle(to: .place(pod: id, node: 0)) == .noSuchPod(id))
            }
            for pod in snapshot.pods {
                for node in [-1, nodes] {
                    #expect(snapshot.obstacle(to: .place(pod: pod.id, node: node)) == .noSuchNode(node))
                }
                if pod.service == nil {
                    #expect(snapshot.obstacle(to: .evict(pod: pod.id)) == .notAReplica(pod: pod.name))
                }
            }
            for service in [-1, services] {
                #expect(snapshot.obstacle(to: .scale(service: service, change: 1)) == .noSuchService(service))
                #expect(snapshot.obstacle(to: .resize(service: service, factor: 1.25)) == .noSuchService(service))
            }
            // Changes beyond all bounds are refused like any other.
            for change in [Int.max, .min] {
                guard case .replicas = snapshot.obstacle(to: .scale(service: 0, change: change)) else {
                    Issue.record("\(change)")
                    return
                }
            }
            for factor in [Double.nan, .infinity, -1, 0] {
                guard case .request = snapshot.obstacle(to: .resize(service: 0, factor: factor)) else {
                    Issue.record("\(factor)")
                    return
                }
            }
        }
    }
}
