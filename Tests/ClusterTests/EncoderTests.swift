import Cluster
import Gym
import Randomness
import TestClusters
import Testing
import Windows

@Suite struct ObservationEncoderTests {
    let schema = ObservationEncoder.schema

    private func snapshot(nodes count: Int = 3) -> ClusterSnapshot {
        var snapshot = ClusterSnapshot(
            time: 100,
            nodes: (0..<count).map {
                Node(
                    name: "n\($0)", allocatable: Resources(cpu: 4 + Double($0), memory: 8e9), peakMemoryBandwidth: 1e10)
            },
            services: [
                Service(
                    name: "web", replicas: 3, maximumReplicas: 6, requests: Resources(cpu: 1, memory: 1e9),
                    latencyObjective: 0.1)
            ])
        snapshot.pods = (0..<2).map {
            Pod(
                id: $0, name: "p\($0)", service: 0, node: 0, phase: .ready, requests: Resources(cpu: 1, memory: 1e9),
                created: 0)
        }
        snapshot.pods.append(Pod(id: 2, name: "p2", service: 0, requests: Resources(cpu: 1, memory: 1e9), created: 60))
        snapshot.recountNodes()
        return snapshot
    }

    private func encode(_ decision: Decision, _ snapshot: ClusterSnapshot) -> CandidateBatch {
        var encoder = ObservationEncoder()
        var batch = CandidateBatch(space: ObservationEncoder.space)
        encoder.encode(decision, in: snapshot, appendingTo: &batch)
        return batch
    }

    private func candidate(_ name: String, _ index: Int, _ batch: CandidateBatch) throws -> Float {
        batch.candidateRows[index * batch.candidateWidth + (try #require(schema.candidate.firstIndex(of: name)))]
    }

    private func context(_ name: String, _ batch: CandidateBatch) throws -> Float {
        batch.contexts[try #require(schema.context.firstIndex(of: name))]
    }

    private var placement: Decision {
        Decision(kind: .placement(podIndex: 2), candidates: (0..<3).map { .place(pod: 2, node: $0) })
    }

    @Test func featureNamesAreUnique() {
        #expect(Set(schema.context).count == schema.context.count)
        #expect(Set(schema.node).count == schema.node.count)
        #expect(Set(schema.candidate).count == schema.candidate.count)
    }

    @Test func placementFeatures() throws {
        var snapshot = snapshot()
        snapshot.nodes[1].cpuUsage = Measured(4, age: 40, now: 100)
        snapshot.nodes[2].cpuUsage = Measured(3, now: 100)
        let batch = encode(placement, snapshot)
        #expect(ObservationEncoder.space.problem(with: batch) == nil)
        #expect(try context("is placement", batch) == 1 && context("is control", batch) == 0)
        #expect(try context("pending pod: cpu request / mean allocatable", batch) == 0.2)
        #expect(try context("pending pod: log2(1 + age / interval)", batch) == Float(1.5849625))
        #expect(try candidate("cpu requested after / allocatable", 0, batch) == 0.75)
        #expect(try candidate("cpu requested after / allocatable", 1, batch) == 0.2)
        #expect(try candidate("cpu used and requested by the pod / allocatable", 1, batch) == 1)
        #expect(try candidate("node: age of cpu used / interval", 1, batch) == 2)
        #expect(try candidate("replicas of the service on the node / desired replicas", 0, batch) == Float(2.0 / 3))
        #expect(try (0..<3).map { try candidate("rank of the node by cpu requested", $0, batch) } == [1, 0, 0])
        #expect(try (1..<3).map { try candidate("rank of the node by cpu used", $0, batch) } == [1, 0])
    }

    @Test func predictionsAreFeaturesOfPlacements() throws {
        let schema = ObservationEncoder.schemaWithPredictions
        #expect(Set(schema.candidate).count == schema.candidate.count)
        var encoder = ObservationEncoder(
            predictor: PlacementPredictor { pod, nodes, snapshot in
                #expect(pod == 2 && nodes == [0, 1, 2] && snapshot.nodes.count == 3)
                return [0.5, nil, 4]
            })
        #expect(encoder.schema == schema)
        var batch = CandidateBatch(space: encoder.space)
        encoder.encode(placement, in: snapshot(), appendingTo: &batch)
        #expect(encoder.space.problem(with: batch) == nil)
        encoder.encode(
            Decision(kind: .control, candidates: [.advance, .evict(pod: 1)]), in: snapshot(), appendingTo: &batch)
        let width = schema.candidate.count
        func row(_ index: Int) -> [Float] { Array(batch.candidateRows[index * width..<(index + 1) * width]) }
        #expect(
            (0..<5).map { Array(row($0).suffix(3)) } == [[-1, 1, 0], [0, 0, 0], [2, 1, 1], [0, 0, 0], [0, 0, 0]])
        // All else is as without.
        let without = encode(placement, snapshot())
        for index in 0..<3 {
            let plain = without.candidateRows[index * (width - 3)..<(index + 1) * (width - 3)]
            #expect(Array(row(index).dropLast(3)) == Array(plain))
        }
    }

    @Test func missingIsNotZero() throws {
        var measured = snapshot()
        measured.nodes[0].cpuUsage = Measured(0)
        let zero = encode(placement, measured)
        let missing = encode(placement, snapshot())
        #expect(try candidate("node: cpu used / allocatable", 0, zero) == 0)
        #expect(try candidate("node: cpu used is measured", 0, zero) == 1)
        #expect(try candidate("node: cpu used is measured", 0, missing) == 0)
        #expect(try candidate("rank by cpu used is measured", 0, zero) == 1)
        #expect(try candidate("rank by cpu used is measured", 0, missing) == 0)
        #expect(zero != missing)
    }

    @Test func controlFeatures() throws {
        var snapshot = snapshot()
        snapshot.services[0].latencyP99 = Measured(0.4)
        snapshot.services[0].arrivalRate = Measured(20)
        snapshot.services[0].previousArrivalRate = Measured(10)
        snapshot.services[0].cpuUsage = Measured(1)
        let batch = encode(
            Decision(
                kind: .control,
                candidates: [.advance, .scale(service: 0, change: -2), .resize(service: 0, factor: 2), .evict(pod: 1)]),
            snapshot)
        #expect(ObservationEncoder.space.problem(with: batch) == nil)
        #expect(try candidate("is advance", 0, batch) == 1)
        #expect(try candidate("service: p99 is measured", 0, batch) == 0)
        #expect(try candidate("service: log2(p99 / objective)", 1, batch) == 2)
        #expect(try abs(candidate("service: log2(rate / rate before)", 1, batch) - 1) < 1e-3)
        #expect(try candidate("service: cpu used / requested by ready replicas", 1, batch) == 0.5)
        #expect(try candidate("replica change / 4", 1, batch) == -0.5)
        #expect(try candidate("desired replicas after / most replicas", 1, batch) == Float(1.0 / 6))
        #expect(try candidate("log2(resize factor)", 2, batch) == 1)
        #expect(try candidate("cpu requested after / allocatable", 3, batch) == 0.25)
        #expect(try context("max over services: log2(p99 / objective)", batch) == 2)
    }

    @Test func sizeDoesNotShiftFeatures() {
        // Twice as large nodes with twice as large pods look the same.
        var larger = snapshot()
        for index in larger.nodes.indices {
            larger.nodes[index].allocatable = larger.nodes[index].allocatable + larger.nodes[index].allocatable
        }
        for index in larger.pods.indices {
            larger.pods[index].requests = larger.pods[index].requests + larger.pods[index].requests
        }
        larger.services[0].requests = Resources(cpu: 2, memory: 2e9)
        larger.recountNodes()
        #expect(encode(placement, larger) == encode(placement, snapshot()))
    }

    @Test func orderOfNodesDoesNotMatter() {
        let batch = encode(placement, snapshot())
        var reversed = snapshot()
        reversed.nodes.reverse()
        for index in 0..<2 { reversed.pods[index].node = 2 }
        let other = encode(placement, reversed)
        let width = batch.candidateWidth
        for index in 0..<3 {
            let row = batch.candidateRows[index * width..<(index + 1) * width]
            let mirrored = other.candidateRows[(2 - index) * width..<(3 - index) * width]
            #expect(Array(row) == Array(mirrored))
        }
        #expect(batch.contexts == other.contexts)
    }

    @Test func differencesOfSchemasAreNamed() {
        var other = schema
        #expect(schema.difference(from: other) == nil)
        other.node[3] = "something else"
        #expect(schema.difference(from: other) == "node feature 3 is 'something else', expected 'is schedulable'")
        other = schema
        other.context.removeLast()
        #expect(
            schema.difference(from: other)?.hasSuffix("is nothing, expected '\(schema.context.last ?? "")'") == true)
    }

    @Test func valuesOutOfReachAreClipped() {
        var snapshot = snapshot()
        snapshot.nodes[0].cpuUsage = Measured(1e9)
        snapshot.nodes[1].cacheMissRatio = Measured(.nan)
        snapshot.services[0].latencyP99 = Measured(1e9)
        #expect(ObservationEncoder.space.problem(with: encode(placement, snapshot)) == nil)
    }
}
