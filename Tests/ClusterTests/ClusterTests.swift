import Cluster
import Randomness
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
