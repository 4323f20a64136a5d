import Baselines
import Cluster
import Randomness
import Testing

@Suite struct BaselineTests {
    @Test func everyNameMakesAPolicyThatDecidesBothKinds() throws {
        let snapshot = PlacementTests.cluster(replicasOn: [0, 1])
        let control = Decision(kind: .control, candidates: [.advance, .scale(service: 0, change: 1)])
        var generator = RandomGenerator(seed: 3)
        #expect(Baseline.names.contains("default+hpa"))
        for name in Baseline.names {
            var policy = try Baseline(named: name).policy()
            policy.reset()
            let placed = try policy.choose(PlacementTests.decision(snapshot), in: snapshot, using: &generator)
            #expect((0..<4).contains(placed), "\(name)")
            let chosen = try policy.choose(control, in: snapshot, using: &generator)
            #expect((0..<2).contains(chosen), "\(name)")
        }
    }

    @Test(arguments: ["defualt+hpa", "default", "default+", "default+hpa+hpa", ""])
    func unknownNamesListTheValidOnes(_ name: String) {
        let error = #expect(throws: UnknownBaseline.self) { try Baseline(named: name) }
        for valid in Baseline.names { #expect(error?.description.contains(valid) == true) }
    }

    @Test func settingsReachThePolicies() {
        var settings = BaselineSettings()
        settings.autoscaler.targetUtilization = 0.7
        let policy = Baseline.Control.hpa.policy(settings)
        #expect((policy as? HorizontalPodAutoscaler)?.settings.targetUtilization == 0.7)
    }

    @Test func randomIsUniformAndRepeatable() throws {
        let control = Decision(kind: .control, candidates: [.advance, .scale(service: 0, change: 1), .evict(pod: 1)])
        func draw(_ seed: UInt64) throws -> [Int] {
            var policy = RandomPolicy()
            var generator = RandomGenerator(seed: seed)
            return try (0..<3000).map { _ in
                try policy.choose(control, in: ClusterSnapshot(), using: &generator)
            }
        }
        let draws = try draw(5)
        #expect(try draw(5) == draws)
        #expect(try draw(6) != draws)
        // Binomial(3000, 1/3) has a standard deviation of 25.8.
        for value in 0..<3 { #expect(abs(draws.count { $0 == value } - 1000) < 110) }
    }
}
