import Baselines
import Testing

/// Cases of kube-controller-manager's replica_calculator_test.go by their names, and of Kubernetes' documentation.
@Suite struct ReplicaCalculationTests {
    static func calculation(
        _ current: Int, _ usages: [Int], missing: Int = 0, unready: Int = 0, target: Int
    ) -> ReplicaCalculation {
        ReplicaCalculation(
            current: current, measured: usages.map { .init(usage: $0, request: 1000) },
            missing: Array(repeating: 1000, count: missing), unready: Array(repeating: 1000, count: unready),
            targetPercent: target)
    }

    @Test func unitTestsOfKubernetes() {
        // TestReplicaCalcScaleUp, ...UpUnreadyLessScale, ...UpUnreadyNoScale
        #expect(Self.calculation(3, [300, 500, 700], target: 30).desired == 5)
        #expect(Self.calculation(3, [500, 700], unready: 1, target: 30).desired == 4)
        #expect(Self.calculation(3, [400], unready: 2, target: 30).desired == 3)
        // TestReplicaCalcScaleUpIgnoresDeletionPods
        #expect(Self.calculation(2, [500, 700], target: 30).desired == 4)
        // TestReplicaCalcScaleDown, ...DownIncludeUnreadyPods, ...DownExcludeUnscheduledPods
        #expect(Self.calculation(5, [100, 300, 500, 250, 250], target: 50).desired == 3)
        #expect(Self.calculation(5, [100, 300, 500], unready: 2, target: 50).desired == 2)
        #expect(Self.calculation(5, [100], unready: 4, target: 50).desired == 1)
    }

    @Test(arguments: [
        // TestReplicaCalcTolerance: 101 % in use with a target of 100
        (3, [1010, 1010, 1030], 100, 3),
        // The documentation's example: "if the current metric value is 200m, and the desired value is 100m, the
        // number of replicas will be doubled, since 200.0 / 100.0 == 2.0. If the current value is instead 50m, you
        // will halve the number of replicas, since 50.0 / 100.0 == 0.5."
        (4, [200, 200, 200, 200], 10, 8), (4, [50, 50, 50, 50], 10, 2),
        // Ratios of 1.1 and 0.9 are within the tolerance, one percent further out is not.
        (2, [550, 550], 50, 2), (2, [450, 450], 50, 2), (2, [560, 560], 50, 3),
        (10, Array(repeating: 440, count: 10), 50, 9),
        // Utilisation is cut to whole percents: 55.9 % is 55 %.
        (2, [559, 559], 50, 2),
    ])
    func formula(_ current: Int, _ usages: [Int], _ target: Int, _ desired: Int) {
        #expect(Self.calculation(current, usages, target: target).desired == desired)
    }

    @Test func missingMetricsDampenBothDirections() {
        // Down: 40 % of 50 % with the missing one at 100 % is (120 + 100) / 400 = 55 %, 1.1: within the tolerance.
        #expect(Self.calculation(4, [400, 400, 400], missing: 1, target: 50).desired == 4)
        // 10 % with it is (30 + 100) / 400 = 32 %, 0.64 · 4 = 2.56.
        #expect(Self.calculation(4, [100, 100, 100], missing: 1, target: 50).desired == 3)
        // Up: 100 % with the missing one at 0 is 75 %, 1.5 · 4 = 6.
        #expect(Self.calculation(4, [1000, 1000, 1000], missing: 1, target: 50).desired == 6)
        // 60 % with two at 0 is 30 %, which would turn the direction.
        #expect(Self.calculation(4, [600, 600], missing: 2, target: 50).desired == 4)
        // A target above 100 %: missing ones at the target, (100 + 150) / 2 = 125 %, 0.83 · 2.
        #expect(Self.calculation(2, [1000], missing: 1, target: 150).desired == 2)
        #expect(Self.calculation(4, [], missing: 4, target: 50).desired == nil)
        #expect(Self.calculation(4, [], unready: 4, target: 50).desired == nil)
    }
}
