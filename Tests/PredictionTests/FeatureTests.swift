import Cluster
import Prediction
import TestClusters
import Testing
import Windows

@Suite struct FeatureTests {
    private func value(_ feature: PredictionFeature, _ row: [Float]) -> Float {
        row[PredictionFeature.allCases.firstIndex(of: feature) ?? 0]
    }

    /// Two nodes, one service with two replicas on the first and one on the second, and a neighbour on the first.
    private func snapshot() -> ClusterSnapshot {
        let nodes = ["a", "b"].map { Node(name: $0, allocatable: Resources(cpu: 4, memory: 8e9)) }
        var service = Service(
            name: "web", replicas: 3, maximumReplicas: 5, requests: Resources(cpu: 0.5, memory: 1e9), cpuLimit: 2,
            latencyObjective: 0.1)
        service.arrivalRate = Measured(90, age: 1)
        service.previousArrivalRate = Measured(45, age: 21)
        var pods: [Pod] = []
        for (id, (node, owner, requests)) in [(0, 0, 0.5), (0, 0, 0.5), (1, 0, 0.5), (0, -1, 1.5)].enumerated() {
            var pod = Pod(
                id: id, name: "pod\(id)", service: owner < 0 ? nil : 0, node: node, phase: .ready,
                requests: Resources(cpu: requests, memory: 1e9), created: 0)
            pod.cpuUsage = Measured(owner < 0 ? 1.4 : 0.3, age: 2)
            pods.append(pod)
        }
        var snapshot = ClusterSnapshot(nodes: nodes, services: [service], pods: pods)
        snapshot.recountNodes()
        snapshot.nodes[0].cpuUsage = Measured(2, age: 3)
        snapshot.nodes[0].memoryUsage = Measured(2e9, age: 3)
        return snapshot
    }

    @Test func theyAreWhatTheirNamesSay() {
        var before = snapshot()
        before.nodes[0].cpuUsage = Measured(1, age: 3)
        let row = PredictionFeature.row(
            service: 0, node: 0, in: snapshot(), before: before, p99Before: 0.07, requestRate: 75, p99Elsewhere: 0.2,
            neighbourRisk: 3)
        let expected: [(PredictionFeature, Float)] = [
            (.cpuUsed, 0.5), (.memoryUsed, 0.25), (.cpuRequested, 2.5 / 4), (.memoryRequested, 3.0 / 8), (.pods, 3),
            (.replicas, 2), (.replicaRate, 30), (.replicaRequest, 0.5), (.replicaLimit, 2), (.replicaCPU, 0.3),
            // A replica's share of four cores is 0.5 of the 2.5 that are requested: 0.8.
            (.replicaUtilization, 0.3 / 0.8), (.cpuPerRequest, 0.01), (.neighbourCPU, 1.4 / 4),
            (.neighbourRequested, 1.5 / 4),
            (.cpuUsedChange, 0.25), (.rateChange, 1), (.p99Before, 0.07),
            // 60 requests per second were due to the two replicas.
            (.backlog, 0.25), (.p99Elsewhere, 0.2), (.neighbourRisk, 3),
        ]
        for (feature, wanted) in expected { #expect(abs(value(feature, row) - wanted) < 1e-6, "\(feature)") }
        var late = snapshot()
        late.services[0].arrivalRate?.time = late.time - 20
        #expect(value(.backlog, PredictionFeature.row(service: 0, node: 0, in: late, requestRate: 75)).isNaN)
    }

    @Test func whatIsNotMeasuredIsMissing() {
        var blind = snapshot()
        for index in blind.pods.indices { blind.pods[index].cpuUsage = nil }
        blind.services[0].arrivalRate = nil
        let row = PredictionFeature.row(service: 0, node: 1, in: blind)
        let missing: Set<PredictionFeature> = [
            .cpuUsed, .memoryUsed, .memoryBandwidth, .cacheMissRatio, .instructionsPerCycle, .replicaRate, .replicaCPU,
            .replicaUtilization, .cpuPerRequest, .neighbourCPU, .cpuUsedChange, .rateChange, .p99Before,
            .backlog, .p99Elsewhere, .neighbourRisk,
        ]
        for feature in PredictionFeature.allCases {
            #expect(value(feature, row).isNaN == missing.contains(feature), "\(feature)")
        }
    }

    @Test func aPlacementSpreadsTheLoadOverOneReplicaMore() {
        var snapshot = snapshot()
        snapshot.pods.append(
            Pod(id: 9, name: "new", service: 0, requests: Resources(cpu: 0.5, memory: 1e9), created: 0))
        let rows = PredictionFeature.rows(placing: 4, on: [0, 1], in: snapshot)
        let width = PredictionFeature.allCases.count
        #expect(rows.count == 2 * width)
        // Three replicas use 0.9 cores; four use 0.225 each.
        let first: [(PredictionFeature, Float)] = [
            (.cpuUsed, (2 - 0.6 + 3 * 0.225) / 4), (.memoryUsed, 0.25), (.cpuRequested, 3.0 / 4),
            (.memoryRequested, 4.0 / 8), (.pods, 4), (.replicas, 3), (.replicaRate, 22.5), (.replicaRequest, 0.5),
            (.replicaLimit, 2), (.replicaCPU, 0.225), (.replicaUtilization, 0.225 / (4 * 0.5 / 3)),
            (.cpuPerRequest, 0.01),
            (.neighbourCPU, 1.4 / 4), (.neighbourRequested, 1.5 / 4),
        ]
        for (feature, wanted) in first { #expect(abs(value(feature, rows) - wanted) < 1e-6, "\(feature)") }
        for feature in PredictionFeature.unknownBeforePlacement { #expect(value(feature, rows).isNaN) }
        let second = Array(rows[width...])
        #expect(value(.replicas, second) == 2 && abs(value(.replicaCPU, second) - 0.225) < 1e-6)
        // Nothing is measured of the second node.
        #expect(value(.cpuUsed, second).isNaN && value(.pods, second) == 2)
        // A replica that is not measured is taken to be like the others; what its node would use is not known then.
        snapshot.pods[0].cpuUsage = nil
        let blind = PredictionFeature.rows(placing: 4, on: [0], in: snapshot)
        #expect(value(.cpuUsed, blind).isNaN && abs(value(.replicaCPU, blind) - 0.225) < 1e-6)
        for index in 1...2 { snapshot.pods[index].cpuUsage = nil }
        #expect(value(.replicaCPU, PredictionFeature.rows(placing: 4, on: [0], in: snapshot)).isNaN)
    }

    @Test func ofAServiceThatDoesNotRunYetTheCPUIsNotKnown() {
        var snapshot = snapshot()
        snapshot.services.append(
            Service(
                name: "new", replicas: 1, maximumReplicas: 2, requests: Resources(cpu: 1, memory: 1e9),
                latencyObjective: 0.1))
        snapshot.pods.append(
            Pod(id: 9, name: "new", service: 1, requests: Resources(cpu: 1, memory: 1e9), created: 0))
        let row = PredictionFeature.rows(placing: 4, on: [0], in: snapshot)
        #expect(value(.replicaCPU, row).isNaN && value(.cpuUsed, row) == 0.5 && value(.replicas, row) == 1)
        #expect(value(.cpuRequested, row) == 3.5 / 4 && value(.neighbourRequested, row) == 2.5 / 4)
    }
}
