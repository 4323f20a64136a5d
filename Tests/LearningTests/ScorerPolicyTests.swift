import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import NeuralNetworks
import Randomness
import Synchronization
import TestClusters
import Testing
import Windows

/// Random observations of the cluster's shape: enough to make a checkpoint with statistics.
private struct RandomRows: CandidateEnvironment, Sendable, Codable {
    var generator = RandomGenerator(seed: 3)
    var choices = 0

    var observationSpace: CandidateSpace { ObservationEncoder.space }
    var actionSpace: Discrete { Discrete(count: choices) }

    mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws { observe(&batch) }

    mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        observe(&batch)
        return Outcome(reward: Double(action))
    }

    private mutating func observe(_ batch: inout CandidateBatch) {
        let sample = observationSpace.sample(using: &generator)
        choices = sample.candidateCount(0)
        batch.append(0, of: sample)
    }
}

@Suite("A trained scorer as a policy")
struct ScorerPolicyTests {
    private func trained(normalizing: Bool) throws -> (checkpoint: Checkpoint, parameters: [Float], BatchNormalizer?) {
        var settings = PPOSettings()
        settings.rolloutSteps = 16
        settings.normalizesObservations = normalizing
        settings.network.hidden = [24, 16]
        settings.network.embeddingWidth = 8
        let learner = try PPO(
            settings: settings, network: settings.network.candidates(ObservationEncoder.space), seed: 1
        ) { range in CandidateEnvironmentGroup(range.map { _ in RandomRows() }) }
        for _ in 0..<2 { _ = try learner.runIteration() }
        var checkpoint = try learner.checkpoint()
        try checkpoint.setSchema(ObservationEncoder.schema)
        return (checkpoint, learner.parameters, learner.normalizer)
    }

    /// Nodes of several sizes and loads, and one pending pod to place on any of them.
    private func placement(nodes count: Int) -> (ClusterSnapshot, Decision) {
        var nodes: [Node] = []
        for index in 0..<count {
            var node = Node(name: "node-\(index)", allocatable: Resources(cpu: Double(2 + index % 5), memory: 8e9))
            node.requested = Resources(cpu: Double(index % 3) * 0.5, memory: 1e9)
            node.cpuUsage = index % 2 == 0 ? Measured(Double(index % 7) * 0.2) : nil
            nodes.append(node)
        }
        let pod = Pod(id: 5, name: "web-1", requests: Resources(cpu: 0.25, memory: 1e8), created: 0)
        let snapshot = ClusterSnapshot(time: 20, nodes: nodes, pods: [pod])
        let decision = Decision(
            kind: .placement(podIndex: 0), candidates: (0..<count).map { .place(pod: 5, node: $0) })
        return (snapshot, decision)
    }

    @Test("prefers by the probabilities of the network it was trained as", arguments: [false, true])
    func preferences(normalizing: Bool) throws {
        let (checkpoint, parameters, normalizer) = try trained(normalizing: normalizing)
        var policy = try ScorerPolicy(checkpoint)
        let actorCritic = CandidateActorCritic(space: ObservationEncoder.space, hidden: [24, 16], embeddingWidth: 8)
        for count in [1, 7, 300] {
            let (snapshot, decision) = placement(nodes: count)
            let preferences = try policy.preferences(for: decision, in: snapshot)
            var encoder = ObservationEncoder()
            var batch = CandidateBatch(space: ObservationEncoder.space)
            encoder.encode(decision, in: snapshot, appendingTo: &batch)
            normalizer?.normalize(&batch)
            var workspace = actorCritic.makeWorkspace()
            actorCritic.forward(batch, parameters: parameters.span, heads: .policy, workspace: &workspace)
            let logits = workspace.output.logits.map(Double.init)
            let sum = logits.reduce(0) { $0 + exp($1) }
            #expect(preferences.count == count)
            for (preference, logit) in zip(preferences, logits) { #expect(abs(preference - exp(logit) / sum) < 1e-6) }
        }
    }

    @Test("refuses other features and names the first that differs")
    func schema() throws {
        var (checkpoint, _, _) = try trained(normalizing: false)
        var schema = ObservationEncoder.schema
        schema.node[2] = "phase of the moon"
        try checkpoint.setSchema(schema)
        let error = #expect(throws: CheckpointError.self) { try ScorerPolicy(checkpoint) }
        #expect(error?.code == .mismatch)
        #expect(error?.description.contains("node feature 2 is 'phase of the moon'") == true)
        checkpoint["schema"] = nil
        let missing = #expect(throws: CheckpointError.self) { try ScorerPolicy(checkpoint) }
        #expect(missing?.code == .missing)
        checkpoint["schema"] = .text("[]")
        let unsound = #expect(throws: CheckpointError.self) { try ScorerPolicy(checkpoint) }
        #expect(unsound?.code == .unsound)
    }

    @Test("refuses missing, misshapen and diverged weights and names them")
    func weights() throws {
        let (checkpoint, _, _) = try trained(normalizing: true)
        for path in ["policy/actor/candidate/bias", "policy/critic/node/0/bias", "policy/actor/context/weight"] {
            var broken = checkpoint
            broken[path] = nil
            let missing = #expect(throws: CheckpointError.self) { try ScorerPolicy(broken) }
            #expect(missing?.path == path)
            broken[path] = .float32([1, 2, 3], shape: [3])
            #expect(throws: CheckpointError.self, "\(path)") { try ScorerPolicy(broken) }
        }
        var diverged = checkpoint
        diverged["policy/actor/scorer/1/bias"] = .float32([.nan], shape: [1])
        #expect(throws: CheckpointError.self) { try ScorerPolicy(diverged) }
    }

    /// The statistics of candidates as if training had seen any value of all features but two: the node's requested CPU,
    /// which was always 0, and its CPU in use, which was 0 ± 0.01 and never above 0.12.
    private func madeUp(_ trained: Checkpoint) throws -> Checkpoint {
        var checkpoint = trained
        let schema = ObservationEncoder.schema
        let count = try checkpoint.double("normalizer/observations/2/count")
        for (kind, names) in [(0, schema.context), (2, schema.candidate)] {
            var minimum = [Double](repeating: -5, count: names.count)
            var (maximum, mean, squares) = (minimum.map { -$0 }, minimum.map { _ in 0.0 }, minimum.map { _ in count })
            if let column = names.firstIndex(of: "node: cpu requested / allocatable") {
                (minimum[column], maximum[column], squares[column]) = (0, 0, 0)
            }
            if let column = names.firstIndex(of: "node: cpu used / allocatable") {
                (minimum[column], maximum[column], squares[column]) = (0, 0.12, count * 1e-4)
                mean[column + 1] = 0.4
            }
            for (name, values) in [
                ("minimum", minimum), ("maximum", maximum), ("mean", mean), ("squared_deviations", squares),
            ] {
                checkpoint["normalizer/observations/\(kind)/\(name)"] = .float64(values, shape: [names.count])
            }
        }
        return checkpoint
    }

    @Test("counts what training never saw, feature by feature, and says each first time")
    func unfamiliarInputs() throws {
        let checkpoint = try madeUp(trained(normalizing: true).checkpoint)
        let reports = Mutex<[String]>([])
        let inputs = try #require(
            try UnfamiliarInputs(checkpoint) { feature, count, isFirst in
                reports.withLock { $0.append("\(feature.name) \(count) \(isFirst)") }
            })
        var policy = try TrainedPolicy.load(checkpoint, unfamiliarInputs: inputs)
        var copy = policy
        #expect(inputs.snapshot() == [])
        let (snapshot, decision) = placement(nodes: 7)
        _ = try policy.preferences(for: decision, in: snapshot)
        // Requested on nodes 1, 2, 4 and 5; in use 0 / 2, 0.4 / 4, 0.8 / 6 and 1.2 / 3 of nodes 0, 2, 4 and 6.
        let (requested, used) = (
            "candidate: node: cpu requested / allocatable", "candidate: node: cpu used / allocatable"
        )
        #expect(reports.withLock(\.self) == ["\(requested) 4 true", "\(used) 2 true"])
        _ = try copy.preferences(for: decision, in: snapshot)
        #expect(reports.withLock(\.self).dropFirst(2) == ["\(requested) 4 false", "\(used) 2 false"])
        let counts = inputs.snapshot()
        #expect(counts.map(\.feature.name) == [requested, used] && counts.map(\.count) == [8, 4])
        #expect(counts[0].feature.hasVaried == false && counts[0].feature.presence == 1)
        #expect(counts[1].feature.hasVaried && counts[1].feature.presence == 0.4)
        #expect(counts[1].feature.minimum == 0 && counts[1].feature.maximum == 0.12)
        #expect(abs(counts[1].feature.standardDeviation - 0.01) < 1e-12)
    }

    @Test("takes five standard deviations for what training saw where its extremes are unknown")
    func unfamiliarInputsOfOldCheckpoints() throws {
        var checkpoint = try madeUp(trained(normalizing: true).checkpoint)
        for kind in 0..<3 {
            checkpoint["normalizer/observations/\(kind)/minimum"] = nil
            checkpoint["normalizer/observations/\(kind)/maximum"] = nil
        }
        let inputs = try #require(try UnfamiliarInputs(checkpoint))
        var policy = try ScorerPolicy(checkpoint, unfamiliarInputs: inputs)
        let (snapshot, decision) = placement(nodes: 7)
        _ = try policy.preferences(for: decision, in: snapshot)
        // Above 0.05 in use: on nodes 2, 4 and 6.
        #expect(inputs.snapshot().map(\.count) == [4, 3])
        #expect(inputs.snapshot().allSatisfy { $0.feature.minimum == nil && $0.feature.maximum == nil })
    }

    @Test("counts nothing where nothing is known of training")
    func unknownTraining() throws {
        #expect(try UnfamiliarInputs(trained(normalizing: false).checkpoint) == nil)
        #expect(try UnfamiliarInputs(Checkpoint(values: ["policy/q": .float64([0], shape: [1])])) == nil)
    }

    @Test("knows the mask of every measured feature")
    func presence() throws {
        let (checkpoint, _, normalizer) = try trained(normalizing: true)
        let features = try #require(try UnfamiliarInputs(checkpoint)).features
        let schema = ObservationEncoder.schema
        #expect(
            features.map(\.name) == schema.context.map { "context: \($0)" }
                + schema.candidate.map { "candidate: \($0)" })
        let means = try #require(normalizer).kinds[2].statistics.mean
        func presence(_ name: String) -> Double? { features.first { $0.name == "candidate: \(name)" }?.presence }
        for (name, mask) in [
            ("node: cpu used / allocatable", "node: cpu used is measured"),
            ("service: log2(rate / rate before)", "service: both rates are measured"),
            ("rank of the node by cpu used", "rank by cpu used is measured"),
        ] {
            let column = try #require(schema.candidate.firstIndex(of: mask))
            #expect(presence(name) == means[column])
            #expect(presence(mask) == 1)
        }
        #expect(presence("is place") == 1)
    }
}
