import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import NeuralNetworks
import Randomness
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
        #expect(error?.description.contains("node feature 2 is 'phase of the moon'") == true)
        checkpoint["schema"] = nil
        #expect(throws: CheckpointError.self) { try ScorerPolicy(checkpoint) }
        checkpoint["schema"] = .text("[]")
        #expect(throws: CheckpointError.self) { try ScorerPolicy(checkpoint) }
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
}
