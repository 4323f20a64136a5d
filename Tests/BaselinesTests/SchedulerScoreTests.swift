import Baselines
import Testing

/// Values from kube-scheduler's own unit tests, named after their cases.
@Suite struct SchedulerScoreTests {
    struct AllocationCase: Sendable {
        var requested: ScheduledResources
        var allocatable: ScheduledResources
        var score: Int

        init(_ cpu: Int, _ memory: Int, of allocatableCPU: Int, _ allocatableMemory: Int, _ score: Int) {
            requested = ScheduledResources(cpu: cpu, memory: memory)
            allocatable = ScheduledResources(cpu: allocatableCPU, memory: allocatableMemory)
            self.score = score
        }
    }

    // TestLeastAllocatedScoringStrategy, noderesources/least_allocated_test.go
    @Test(arguments: [
        AllocationCase(0, 0, of: 4000, 10000, 100),  // nothing scheduled, nothing requested
        AllocationCase(3000, 5000, of: 4000, 10000, 37),  // nothing scheduled, resources requested, node 1
        AllocationCase(3000, 5000, of: 6000, 10000, 50),  // ..., node 2
        AllocationCase(6000, 0, of: 10000, 20000, 70),  // no resources requested, pods scheduled with resources
        AllocationCase(6000, 5000, of: 10000, 20000, 57),
        AllocationCase(6000, 10000, of: 10000, 20000, 45),
        AllocationCase(6000, 10000, of: 10000, 50000, 60),
        AllocationCase(6000, 0, of: 4000, 10000, 50),  // requested resources exceed node capacity
        AllocationCase(6000, 5000, of: 4000, 10000, 25),
        AllocationCase(3000, 5000, of: 0, 0, 0),  // zero node resources
    ])
    func leastAllocated(_ test: AllocationCase) {
        #expect(SchedulerScores.leastAllocated(test.requested, of: test.allocatable) == test.score)
    }

    // TestMostAllocatedScoringStrategy, noderesources/most_allocated_test.go: (75 + 50) / 2, (50 + 50) / 2,
    // (60 + 25) / 2, and shares above the capacity counted as all of it.
    @Test(arguments: [
        AllocationCase(0, 0, of: 4000, 10000, 0), AllocationCase(3000, 5000, of: 4000, 10000, 62),
        AllocationCase(3000, 5000, of: 6000, 10000, 50), AllocationCase(6000, 5000, of: 10000, 20000, 42),
        AllocationCase(6000, 5000, of: 4000, 10000, 75),
    ])
    func mostAllocated(_ test: AllocationCase) {
        #expect(SchedulerScores.mostAllocated(test.requested, of: test.allocatable) == test.score)
    }

    // TestNodeResourcesBalancedAllocation, noderesources/balanced_allocation_test.go up to Kubernetes 1.35
    @Test(arguments: [
        AllocationCase(3000, 5000, of: 4000, 10000, 87), AllocationCase(3000, 5000, of: 6000, 10000, 100),
        AllocationCase(6000, 5000, of: 10000, 20000, 82), AllocationCase(6000, 10000, of: 10000, 20000, 95),
        AllocationCase(6000, 10000, of: 10000, 50000, 80), AllocationCase(6000, 0, of: 6000, 10000, 50),
        AllocationCase(6000, 5000, of: 6000, 10000, 75), AllocationCase(3000, 5000, of: 3500, 40000, 63),
    ])
    func balancedAllocationLevel(_ test: AllocationCase) {
        let score = SchedulerScores.balancedAllocation(
            before: ScheduledResources(), after: test.requested, of: test.allocatable, rule: .level)
        #expect(score == test.score)
    }

    // The corner values that kubernetes #135573 states, and 50 + (50 + 82 - 100) / 2 and 50 + (50 + 95 - 70) / 2
    // from the shares 60 % and 25 % on an empty node, and 60 % and 50 % where 60 % and 0 % were before.
    @Test func balancedAllocationChange() {
        let node = ScheduledResources(cpu: 10000, memory: 20000)
        func score(_ before: (Int, Int), _ after: (Int, Int)) -> Int {
            SchedulerScores.balancedAllocation(
                before: ScheduledResources(cpu: before.0, memory: before.1),
                after: ScheduledResources(cpu: after.0, memory: after.1), of: node, rule: .change)
        }
        #expect(score((1000, 2000), (4000, 8000)) == 75)
        #expect(score((0, 0), (10000, 0)) == 50)
        #expect(score((10000, 0), (10000, 20000)) == 100)
        #expect(score((0, 0), (6000, 5000)) == 66)
        #expect(score((6000, 0), (6000, 10000)) == 87)
    }

    // TestPodTopologySpreadScore, podtopologyspread/scoring_test.go, cases with one constraint on the host name and a
    // skew of 1: counts · ln(nodes + 2) rounded, then (largest + smallest - count) · 100 / largest.
    @Test func topologySpread() {
        #expect(SchedulerScores.topologySpread([0], maximumSkew: 1) == [100])
        #expect(SchedulerScores.topologySpread([1, 1], maximumSkew: 1) == [100, 100])
        #expect(SchedulerScores.topologySpread([2, 1, 0, 3], maximumSkew: 1) == [20, 60, 100, 0])
        // By hand with the system's default of 3: 2, 1, 0, 3 times ln 6 = 1.79 plus 2 gives 6, 4, 2, 7.
        #expect(SchedulerScores.topologySpread([2, 1, 0, 3]) == [42, 71, 100, 28])
        #expect(SchedulerScores.topologySpread([]) == [])
    }
}
