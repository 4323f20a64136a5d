import Cluster
import Foundation
import Gym
import Randomness
import Simulator
import Testing
import Workloads

/// A flat environment in which an illegal action is replaced by the first legal one, for what draws any action.
private struct Lenient<Backend: ClusterBackend>: FlatEnvironment {
    var base: FlatClusterEnvironment<Backend>

    var observationSpace: Box { base.observationSpace }
    var actionSpace: Discrete { base.actionSpace }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        try base.reset(seed: seed, into: &observation)
    }

    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        guard let legal = base.legalAction(for: action) else { throw EnvironmentError.needsReset }
        return try base.step(legal, into: &observation)
    }
}

@Suite struct FlatViewTests {
    private func cluster(nodes: Double = 4, services: Double = 3) throws -> SimulatedCluster {
        var settings = SimulatorSettings()
        settings.nodes.count = ValueRange(nodes)
        settings.nodes.lossesPerHour = ValueRange(2)
        settings.services.count = ValueRange(1, services)
        settings.telemetry.node.dropout = 0.3
        return try SimulatedCluster(settings: settings)
    }

    private func environment(
        _ cluster: SimulatedCluster, view: FlatView? = nil, intervals: Int = 10
    ) -> FlatClusterEnvironment<SimulatedCluster> {
        var settings = ClusterEnvironmentSettings()
        settings.intervals = intervals
        return FlatClusterEnvironment(
            ClusterEnvironment(backend: cluster, settings: settings, seed: 3), view: view ?? FlatView())
    }

    private func mask(_ environment: FlatClusterEnvironment<SimulatedCluster>) -> [UInt8] {
        var values = [UInt8](repeating: 9, count: environment.view.actions.count)
        var span = values.mutableSpan
        environment.writeActionMask(into: &span)
        return values
    }

    private func legalActions(_ environment: FlatClusterEnvironment<SimulatedCluster>) -> [Int] {
        mask(environment).indices.filter { environment.isLegal($0) }
    }

    @Test func actionsAreListedOnceAndFoundAgain() {
        var rules = ActionRules()
        rules.resizeFactors = [0.5, 1, 2, 0.5]
        let view = FlatView(nodes: 3, services: 2, rules: rules)
        #expect(view.actions.count == 1 + 3 + 2 * (8 + 2) + 2 * 3)
        #expect(Set(view.actions).count == view.actions.count)
        #expect(view.actions[0] == .advance && view.actions[3] == .place(node: 2))
        var snapshot = ClusterSnapshot()
        for service in 0..<2 {
            for node in 0..<3 {
                snapshot.pods.append(
                    Pod(
                        id: service * 3 + node, name: "p", service: service, node: node, phase: .ready,
                        requests: Resources(), created: 0))
            }
        }
        for (index, action) in view.actions.enumerated() {
            let candidate: ClusterAction =
                switch action {
                case .advance: .advance
                case .place(let node): .place(pod: 1, node: node)
                case .scale(let service, let change): .scale(service: service, change: change)
                case .resize(let service, let factor): .resize(service: service, factor: factor)
                case .evict(let service, let node): .evict(pod: service * 3 + node)
                }
            #expect(view.index(of: candidate, in: snapshot) == index, "\(action)")
        }
        for candidate: ClusterAction in [
            .place(pod: 1, node: 3), .scale(service: 2, change: 1), .scale(service: 0, change: 5),
            .resize(service: 0, factor: 3), .resize(service: 2, factor: 2), .evict(pod: 99),
        ] {
            #expect(view.index(of: candidate, in: snapshot) == nil, "\(candidate)")
        }
    }

    @Test func actionsThatTheRulesForbidAreNotListed() {
        var rules = ActionRules()
        (rules.largestReplicaChange, rules.evictionsPerInterval, rules.resizeFactors) = (0, 0, [])
        #expect(FlatView(nodes: 2, services: 1, rules: rules).actions == [.advance, .place(node: 0), .place(node: 1)])
    }

    @Test func everyFeatureHasANameAndBounds() {
        let view = FlatView(nodes: 3, services: 2)
        #expect(view.featureNames.count == view.observationSpace.width)
        #expect(Set(view.featureNames).count == view.featureNames.count)
        for (index, name) in view.featureNames.enumerated() where name.hasSuffix("is present") {
            #expect(view.observationSpace.low[index] == 0 && view.observationSpace.high[index] == 1)
        }
    }

    /// At every step of random episodes: an action is legal exactly when it stands for a candidate, every candidate but
    /// further evictions from the same node has one, and taking it does what taking the candidate does.
    @Test func legalActionsAreTheCandidates() throws {
        var flat = environment(try cluster())
        var generator = RandomGenerator(seed: 8)
        _ = try flat.reset(seed: 21)
        var kinds: Set<String> = []
        for _ in 0..<1500 {
            let decision = try #require(flat.base.decision)
            let legal = legalActions(flat)
            let mask = mask(flat)
            #expect(!legal.isEmpty && legal == mask.indices.filter { mask[$0] == 1 })
            #expect(mask.allSatisfy { $0 <= 1 })
            let stoodFor = try legal.map { try #require(flat.candidate(of: $0)) }
            #expect(Set(stoodFor).count == legal.count)
            for (index, candidate) in decision.candidates.enumerated() where !stoodFor.contains(index) {
                guard case .evict(let id) = candidate else {
                    Issue.record("no action stands for \(candidate)")
                    continue
                }
                let action = try #require(flat.view.index(of: candidate, in: flat.base.snapshot))
                let other = decision.candidates[try #require(flat.candidate(of: action))]
                guard case .evict(let first) = other else {
                    Issue.record("\(flat.view.actions[action]) stands for \(other)")
                    continue
                }
                #expect(first < id, "the oldest goes first")
            }
            let action = legal[generator.index(below: legal.count)]
            var base = flat.base
            let expected = try base.perform(try #require(flat.candidate(of: action)))
            let (observation, outcome) = try flat.step(action)
            #expect(outcome == expected && flat.base.snapshot == base.snapshot && flat.base.decision == base.decision)
            #expect(flat.observationSpace.problem(with: observation) == nil)
            kinds.insert(String(flat.view.actions[action].description.prefix(5)))
            if outcome.ended {
                #expect(!flat.isRunning)
                _ = try flat.reset(seed: nil)
            }
        }
        #expect(kinds == ["advan", "place", "scale", "resiz", "evict"])
    }

    /// The flat observation has the rows of the candidate observation at their places.
    @Test func blocksAreTheEncodersRows() throws {
        var flat = environment(try cluster(), view: FlatView(nodes: 6, services: 4))
        let names = flat.view.featureNames
        let schema = ObservationEncoder.schema
        var generator = RandomGenerator(seed: 5)
        var observation: [Float] = try flat.reset(seed: 2)
        var placements = 0
        for _ in 0..<300 {
            let decision = try #require(flat.base.decision)
            let snapshot = flat.base.snapshot
            var values: [String: Float] = [:]
            for (name, value) in zip(names, observation) { values[name] = value }
            var encoder = ObservationEncoder()
            var batch = CandidateBatch(space: ObservationEncoder.space)
            encoder.encode(decision, in: snapshot, appendingTo: &batch)
            #expect(Array(observation.prefix(batch.contextWidth)) == batch.contexts)
            for node in 0..<6 {
                let isPresent = node < snapshot.nodes.count
                #expect(values["node \(node): is present"] == (isPresent ? 1 : 0))
                let row = schema.node.compactMap { values["node \(node): \($0)"] }
                let start = node * batch.nodeWidth
                let expected =
                    isPresent
                    ? Array(batch.nodeRows[start..<start + batch.nodeWidth])
                    : [Float](repeating: 0, count: batch.nodeWidth)
                #expect(row == expected)
            }
            for (index, action) in decision.candidates.enumerated() {
                let start = index * batch.candidateWidth
                var candidate: [String: Float] = [:]
                for (offset, name) in schema.candidate.enumerated() {
                    candidate[name] = batch.candidateRows[start + offset]
                }
                if case .scale(let service, _) = action {
                    #expect(values["service \(service): is present"] == 1)
                    for name in ["log2(p99 / objective)", "ready / desired replicas", "error share is measured"] {
                        let expected = try #require(candidate["service: \(name)"])
                        #expect(values["service \(service): \(name)"] == expected)
                    }
                }
                guard case .place(let pod, let node) = action else { continue }
                placements += 1
                #expect(values["placement on node \(node): is legal"] == 1)
                for name in [
                    "cpu requested after / allocatable", "memory requested after / allocatable",
                    "cpu used and requested by the pod / allocatable", "cpu used is measured",
                ] {
                    let expected = try #require(candidate[name])
                    #expect(values["placement on node \(node): \(name)"] == expected)
                }
                let service = try #require(snapshot.podIndex(pod).flatMap { snapshot.pods[$0].service })
                #expect(values["service \(service): has the pod to place"] == 1)
                let beside = try #require(candidate["replicas of the service on the node / desired replicas"])
                #expect(values["service \(service) on node \(node): replicas / desired replicas"] == beside)
            }
            let legal = legalActions(flat)
            let (next, outcome) = try flat.step(legal[generator.index(below: legal.count)])
            observation = next
            if outcome.ended { observation = try flat.reset(seed: nil) }
        }
        #expect(placements > 50)
    }

    @Test func whatDoesNotFitIsAnErrorThatSaysSo() throws {
        var flat = environment(try cluster(nodes: 5), view: FlatView(nodes: 4, services: 3))
        #expect(
            throws: EnvironmentError("the cluster has 5 nodes and the flat view holds 4: make it larger")
        ) { try flat.reset(seed: 1) }
        #expect(throws: EnvironmentError.needsReset) { try flat.step(0) }
        flat = environment(try cluster(services: 1), view: FlatView(nodes: 4, services: 1))
        _ = try flat.reset(seed: 1)
        #expect(flat.isRunning)
    }

    @Test func illegalActionsAreErrorsAndMoveNothing() throws {
        var flat = environment(try cluster())
        #expect(throws: EnvironmentError.needsReset) { try flat.step(0) }
        #expect(flat.legalAction(for: 0) == nil && !flat.isLegal(0))
        _ = try flat.reset(seed: 1)
        let before = flat.base.snapshot
        let illegal = try #require(mask(flat).firstIndex(of: 0))
        let error = try #require(throws: EnvironmentError.self) { try flat.step(illegal) }
        #expect(error.description.hasPrefix("action \(illegal) (\(flat.view.actions[illegal])) is not legal now"))
        for action in [-1, flat.view.actions.count, Int.max] {
            #expect(throws: EnvironmentError.self) { try flat.step(action) }
        }
        #expect(flat.base.snapshot == before)
        #expect(flat.legalAction(for: illegal) == mask(flat).firstIndex(of: 1))
        #expect(flat.candidate(of: illegal) == nil)
    }

    @Test func checkerFindsNothing() throws {
        let cluster = try cluster()
        var checker = EnvironmentChecker()
        checker.rewardDependsOnAction = true
        #expect(checker.problems { Lenient(base: environment(cluster)) } == [])
    }

    @Test func aStoredCopyGoesOnAsTheOriginal() throws {
        var flat = environment(try cluster(), view: FlatView(nodes: 5, services: 3))
        _ = try flat.reset(seed: 5)
        var generator = RandomGenerator(seed: 6)
        func draw() -> Int {
            let legal = legalActions(flat)
            return legal[generator.index(below: legal.count)]
        }
        for _ in 0..<37 { _ = try flat.step(draw()) }
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        var copy = try decoder.decode(
            FlatClusterEnvironment<SimulatedCluster>.self, from: encoder.encode(flat))
        #expect(copy.view == flat.view)
        for _ in 0..<200 {
            #expect(mask(copy) == mask(flat))
            let action = draw()
            let (observation, outcome) = try flat.step(action)
            let (other, otherOutcome) = try copy.step(action)
            #expect(observation == other && outcome == otherOutcome)
            if outcome.ended { #expect(try flat.reset(seed: nil) == copy.reset(seed: nil)) }
        }
    }
}
