import Baselines
import Cluster
import Randomness
import TestClusters
import Testing
import Windows

@Suite struct PlacementTests {
    /// Four equal nodes with 4 cores and 8 GiB and one service of replicas of 0.5 core and 512 MiB, the last pod
    /// pending.
    static func cluster(replicasOn nodes: [Int], phase: Pod.Phase = .ready) -> ClusterSnapshot {
        let gibibyte = 1_073_741_824.0
        let requests = Resources(cpu: 0.5, memory: gibibyte / 2)
        var snapshot = ClusterSnapshot(
            nodes: (0..<4).map { Node(name: "n\($0)", allocatable: Resources(cpu: 4, memory: 8 * gibibyte)) },
            services: [
                Service(name: "web", replicas: 4, maximumReplicas: 10, requests: requests, latencyObjective: 0.1)
            ])
        for (id, node) in nodes.enumerated() {
            snapshot.pods.append(
                Pod(
                    id: id, name: "p\(id)", service: 0, node: node, phase: phase, requests: requests, created: 0))
        }
        snapshot.pods.append(Pod(id: nodes.count, name: "new", service: 0, requests: requests, created: 0))
        snapshot.recountNodes()
        return snapshot
    }

    static func decision(_ snapshot: ClusterSnapshot, nodes: [Int] = [0, 1, 2, 3]) -> Decision {
        let index = snapshot.pods.count - 1
        return Decision(
            kind: .placement(podIndex: index),
            candidates: nodes.map { .place(pod: snapshot.pods[index].id, node: $0) })
    }

    @Test func defaultSchedulerAddsItsPlugins() throws {
        // Replicas 2, 1, 0, 3. With the new pod, node 0 has requests of 1.5 of 4 cores and 1.5 of 8 GiB:
        // LeastAllocated (62 + 81) / 2 = 71; the others 1.0: (75 + 87) / 2 = 81, 0.5: (87 + 93) / 2 = 90,
        // 2.0: (50 + 75) / 2 = 62. Balance on a scale of 100 before and after each of 0 to 4 replicas (a replica
        // parts the shares by 6.25 points, half of which is the deviation): 100, 96, 93, 90, 87.
        // Change: 50 + (50 + after - before) / 2. Spread with a skew of 3: 42, 71, 100, 28, weight 2.
        // 71 + 73 + 2 · 42, 81 + 73 + 2 · 71, ...; by level 71 + 90 + 2 · 42, 81 + 93 + 2 · 71, ...
        let snapshot = Self.cluster(replicasOn: [0, 0, 1, 3, 3, 3])
        let decision = Self.decision(snapshot)
        var scheduler = DefaultScheduler()
        #expect(
            try scheduler.preferences(for: decision, in: snapshot)
                == [228, 296, 363, 191])
        var older = DefaultScheduler(balancedAllocation: .level)
        #expect(
            try older.preferences(for: decision, in: snapshot)
                == [245, 316, 386, 205])
    }

    @Test func podsWithoutRequestsCountWithAssumedOnes() throws {
        // 40 pods that request nothing count as 4 cores for LeastAllocated: 0 points for CPU, and 8000 of 8192 MiB
        // with the pending one's 200 MiB more than fits: 0 points for memory. Balance is skipped for best effort.
        var snapshot = Self.cluster(replicasOn: [])
        snapshot.pods[0].service = nil
        snapshot.pods[0].requests = Resources()
        for id in 1...40 {
            snapshot.pods.insert(
                Pod(id: id, name: "b\(id)", node: 0, phase: .ready, requests: Resources(), created: 0), at: 0)
        }
        snapshot.recountNodes()
        var scheduler = DefaultScheduler()
        // The other nodes: (97 + 97) / 2 with the pending pod's own 0.1 of 4 cores and 200 of 8192 MiB.
        #expect(
            try scheduler.preferences(for: Self.decision(snapshot), in: snapshot) == [0, 97, 97, 97])
    }

    @Test func terminatingReplicasDoNotSpread() throws {
        let staying = Self.cluster(replicasOn: [0])
        let leaving = Self.cluster(replicasOn: [0], phase: .terminating)
        var scheduler = DefaultScheduler()
        let stay = try scheduler.preferences(for: Self.decision(staying), in: staying)
        let leave = try scheduler.preferences(for: Self.decision(leaving), in: leaving)
        // One replica parts the raw spread scores 4 and 2: 50 points of 100, weight 2.
        #expect(leave[0] - stay[0] == 100)
        #expect(leave[1] == stay[1])
    }

    @Test func defaultSchedulerDrawsEqualsAtRandom() throws {
        let snapshot = Self.cluster(replicasOn: [0])
        var scheduler = DefaultScheduler()
        var generator = RandomGenerator(seed: 1)
        var counts = [0, 0, 0, 0]
        for _ in 0..<3000 {
            counts[try scheduler.choose(Self.decision(snapshot), in: snapshot, using: &generator)] += 1
        }
        #expect(counts[0] == 0)
        // Binomial(3000, 1/3) has a standard deviation of 25.8.
        for count in counts.dropFirst() { #expect(abs(count - 1000) < 110) }
    }

    @Test func spreadCountsReplicasFirst() throws {
        var snapshot = Self.cluster(replicasOn: [0, 1, 1, 2])
        // Pods of nobody's: 5 on node 3, which has no replica, and 1 on node 2.
        for id in 10..<16 {
            let node = id < 15 ? 3 : 2
            snapshot.pods.insert(
                Pod(id: id, name: "x\(id)", node: node, phase: .ready, requests: Resources(), created: 0), at: 0)
        }
        snapshot.recountNodes()
        var spread = Spread()
        let preferences = try spread.preferences(for: Self.decision(snapshot), in: snapshot)
        let order = preferences.indices.sorted { preferences[$0] > preferences[$1] }
        #expect(order == [3, 0, 2, 1])
    }

    @Test func packPrefersTheFullestThatFits() throws {
        let snapshot = Self.cluster(replicasOn: [0, 0, 1, 3, 3, 3])
        var pack = Pack()
        // 1.5 of 4 cores and of 8 GiB: (37 + 18) / 2; 1.0: (25 + 12) / 2; 0.5: (12 + 6) / 2; 2.0: (50 + 25) / 2.
        #expect(try pack.preferences(for: Self.decision(snapshot), in: snapshot) == [27, 18, 9, 37])
    }

    @Test func balancedSeesUsageThatNobodyRequested() throws {
        var snapshot = Self.cluster(replicasOn: [0, 1, 2])
        snapshot.nodes[3].cpuUsage = Measured(3.5)
        for node in 0..<3 { snapshot.nodes[node].cpuUsage = Measured(0.2) }
        var balanced = Balanced()
        let seen = try balanced.preferences(for: Self.decision(snapshot), in: snapshot)
        #expect(seen[3] < seen[0])
        #expect(seen[0] == seen[1])
        // With nothing measured, requests alone decide and node 3 is the emptiest.
        for node in 0..<4 { snapshot.nodes[node].cpuUsage = nil }
        let unseen = try balanced.preferences(for: Self.decision(snapshot), in: snapshot)
        #expect(unseen[3] > unseen[0])
        // 0.5 of 4 cores and of 8 GiB: √(0.125² + 0.0625²).
        #expect(abs(unseen[3] - 1 / (1 + 0.139_754_248_593_737)) < 1e-12)
    }

    @Test func balancedCountsStartingPodsWhichUsageDoesNotShow() throws {
        var snapshot = Self.cluster(replicasOn: [0, 0, 0, 0], phase: .starting)
        for node in 0..<4 { snapshot.nodes[node].cpuUsage = Measured(1) }
        var balanced = Balanced()
        let preferences = try balanced.preferences(for: Self.decision(snapshot), in: snapshot)
        #expect(preferences[0] < preferences[1])
        #expect(preferences[1] == preferences[2])
    }

    @Test func targetLoadPackingFollowsItsFormula() throws {
        // KEP-61: with a target of 40, U = 10 gives 60·10/40 + 40 = 55, U = 40 gives 100, U = 70 gives
        // 40·(100 - 70)/(100 - 40) = 20, U > 100 gives 0. The pending pod adds 1.5 · 0.5 cores = 18.75 %.
        var snapshot = Self.cluster(replicasOn: [])
        for (node, utilization) in [0.2125, 0.5125, 0.0, 0.9].enumerated() {
            snapshot.nodes[node].cpuUsage = Measured(4 * utilization)
        }
        var policy = TargetLoadPacking()
        #expect(try policy.preferences(for: Self.decision(snapshot), in: snapshot) == [100, 20, 68, 0])
    }

    @Test func placementPoliciesRefuseControl() throws {
        let snapshot = Self.cluster(replicasOn: [])
        let control = Decision(kind: .control, candidates: [.advance])
        for placement in Baseline.Placement.allCases where placement != .random {
            var policy = placement.policy()
            #expect(throws: PolicyError.self, "\(placement)") { try policy.preferences(for: control, in: snapshot) }
        }
    }

    @Test func onlyCandidatesAreScored() throws {
        let snapshot = Self.cluster(replicasOn: [0, 0, 1])
        for placement in Baseline.Placement.allCases {
            var policy = placement.policy()
            let preferences = try policy.preferences(for: Self.decision(snapshot, nodes: [3, 1]), in: snapshot)
            #expect(preferences.count == 2, "\(placement)")
            #expect(preferences.allSatisfy { $0.isFinite && $0 >= 0 }, "\(placement)")
        }
    }
}
