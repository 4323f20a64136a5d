import Cluster
import Randomness
import TestClusters
import Testing

@Suite struct SnapshotTests {
    @Test func obstaclesAreNamed() {
        var snapshot = ClusterSnapshot(nodes: [
            Node(name: "a", allocatable: Resources(cpu: 2, memory: 4e9), maximumPods: 2),
            Node(name: "b", allocatable: Resources(cpu: 2, memory: 4e9), isSchedulable: false),
        ])
        let small = Pod(id: 1, name: "p", node: 0, requests: Resources(cpu: 1.5, memory: 1e9), created: 0)
        snapshot.pods = [small]
        snapshot.recountNodes()
        #expect(snapshot.nodes[0].requested == small.requests && snapshot.nodes[0].podCount == 1)
        let fits = Pod(id: 2, name: "q", requests: Resources(cpu: 0.5, memory: 3e9), created: 0)
        #expect(snapshot.obstacle(for: fits, on: 0) == nil)
        #expect(snapshot.obstacle(for: fits, on: 1) == .unschedulable)
        var large = fits
        large.requests.cpu = 0.6
        #expect(snapshot.obstacle(for: large, on: 0) == .cpu)
        large.requests = Resources(cpu: 0.5, memory: 3.1e9)
        #expect(snapshot.obstacle(for: large, on: 0) == .memory)
        snapshot.nodes[0].podCount = 2
        #expect(snapshot.obstacle(for: fits, on: 0) == .podLimit)
    }
}

struct Fixed: Policy {
    var values: [Double]
    mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] { values }
}

@Suite struct PolicyTests {
    let decision = Decision(kind: .control, candidates: [.advance, .evict(pod: 1), .evict(pod: 2)])

    @Test func equalsAreDrawnUniformly() throws {
        var generator = RandomGenerator(seed: 1)
        var policy = Fixed(values: [1, 0.5, 1])
        var counts = [0, 0, 0]
        for _ in 0..<10_000 { counts[try policy.choose(decision, in: ClusterSnapshot(), using: &generator)] += 1 }
        #expect(counts[1] == 0 && abs(counts[0] - 5000) < 250)
    }

    @Test(arguments: [[Double](), [1, 2], [.nan, 1, 2], [1, .infinity, 0]])
    func unusablePreferencesAreErrors(values: [Double]) {
        var generator = RandomGenerator(seed: 1)
        var policy = Fixed(values: values)
        #expect(throws: PolicyError.self) {
            try policy.choose(decision, in: ClusterSnapshot(), using: &generator)
        }
    }
}

@Suite struct ServedPlacementTests {
    @Test func onlyTheBestScoresTen() {
        #expect(ExtenderScore.scores([0.5, 0.499, 0.25, 0]) == [10, 9, 5, 0])
        #expect(ExtenderScore.scores([0.2, 0.2]) == [10, 10])
        #expect(ExtenderScore.scores([0, 0]) == [10, 10])
        #expect(ExtenderScore.scores([.nan, 1, -1]) == [0, 10, 0])
        #expect(ExtenderScore.scores([]) == [])
    }

    @Test func sampleSizesAreKubeSchedulers() {
        // Values of kube-scheduler's own TestNumFeasibleNodesToFind.
        #expect(ServedPlacement.sampleSize(of: 10) == 10)
        #expect(ServedPlacement.sampleSize(of: 1000) == 420)
        #expect(ServedPlacement.sampleSize(of: 6000) == 300)
    }

    private func placement(of count: Int) -> (Decision, ClusterSnapshot) {
        let pod = Pod(id: 1, name: "p", service: nil, requests: Resources(cpu: 0.1), created: 0)
        let nodes = (0..<count).map { Node(name: "n\($0)", allocatable: Resources(cpu: 4, memory: 8e9)) }
        let decision = Decision(
            kind: .placement(podIndex: 0), candidates: (0..<count).map { .place(pod: 1, node: $0) })
        return (decision, ClusterSnapshot(nodes: nodes, pods: [pod]))
    }

    @Test func pluginsDecideWhenTheWeightIsSmall() throws {
        let (decision, snapshot) = placement(of: 2)
        let policy = Fixed(values: [1, 0.8])
        let plugins = Fixed(values: [600, 700])
        var light = ServedPlacement(policy, plugins: plugins, weight: 1)
        #expect(try light.preferences(for: decision, in: snapshot) == [700, 780])
        var heavy = ServedPlacement(policy, plugins: plugins, weight: 121)
        #expect(try heavy.preferences(for: decision, in: snapshot) == [12_700, 10_380])
    }

    private struct Even: Policy {
        mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
            decision.candidates.map { _ in 1 }
        }
    }

    @Test func theSampleGrowsWithAllNodesNotOnlyTheFeasible() throws {
        // kube-scheduler looks for 420 feasible nodes among 1000, from where it stopped the last time.
        var (decision, snapshot) = placement(of: 1000)
        decision.candidates = (0..<1000).filter { $0 % 2 == 1 }.map { .place(pod: 1, node: $0) }
        var served = ServedPlacement(Even())
        func sampled() throws -> [Int] {
            let preferences = try served.preferences(for: decision, in: snapshot)
            return preferences.indices.filter { preferences[$0] > 0 }.map { 2 * $0 + 1 }
        }
        #expect(try sampled() == Array(stride(from: 1, through: 839, by: 2)))
        // From node 840 on: 80 feasible ones to the end, then 340 from the start.
        let second = try sampled()
        #expect(second == Array(stride(from: 1, through: 679, by: 2)) + Array(stride(from: 841, through: 999, by: 2)))
        // No more than 420 feasible: all are scored, and the search ends where it began.
        let all = decision
        decision.candidates = Array(decision.candidates.prefix(420))
        #expect(try sampled().count == 420)
        decision = all
        // From node 680 on: 160 to the end, then 260 from the start.
        let last = try sampled()
        #expect(last == Array(stride(from: 1, through: 519, by: 2)) + Array(stride(from: 681, through: 999, by: 2)))
    }

    @Test func everyNodeIsSampledInTurn() throws {
        let (decision, snapshot) = placement(of: 1000)
        var served = ServedPlacement(Even())
        var seen = Set<Int>()
        for _ in 0..<3 {
            let preferences = try served.preferences(for: decision, in: snapshot)
            let sample = preferences.indices.filter { preferences[$0] > 0 }
            #expect(sample.count == 420)
            seen.formUnion(sample)
        }
        #expect(seen.count == 1000)
    }
}
