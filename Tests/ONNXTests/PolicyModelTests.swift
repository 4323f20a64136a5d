import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import NeuralNetworks
import ONNX
import Testing

@Suite struct PolicyModelTests {
    @Test func aFlatPolicyHasTheDocumentedInputsOutputsAndMetadata() throws {
        let model = try PolicyModel(SampleNetwork<MLPActorCritic>.ppo().checkpoint)
        #expect(model.inputs.map(\.description) == ["observation float32 [batch, 6]"])
        #expect(
            model.outputs.map(\.description) == [
                "logits float32 [batch, 5]", "probabilities float32 [batch, 5]", "value float32 [batch]",
            ])
        #expect(
            model.metadata == [
                "algorithm": "ppo", "project_version": ProjectVersion.current,
                "logits": "logarithms of the probabilities, up to a constant of the observation",
            ])
        // The version of the format and the name of the producer.
        #expect(model.bytes.starts(with: [0x08, 8, 0x12, 5] + Array("berth".utf8)))
    }

    @Test func actionValuesSayThatTheyAreSome() throws {
        let model = try PolicyModel(SampleNetwork<MLPActorCritic>.dqn().checkpoint)
        #expect(model.inputs.map(\.description) == ["observation float32 [batch, 8]"])
        #expect(
            model.outputs.map(\.description) == ["logits float32 [batch, 3]", "probabilities float32 [batch, 3]"])
        #expect(model.metadata["algorithm"] == "dqn")
        #expect(model.metadata["logits"] == "action values")
        var dueling = SampleNetwork<MLPActorCritic>.ppo().checkpoint
        dueling["configuration"] = .text("dqn: {dueling: true}")
        #expect(try PolicyModel(dueling).metadata["logits"]?.hasPrefix("advantages") == true)
    }

    @Test func aScorerNamesItsFeatures() throws {
        let model = try PolicyModel(SampleNetwork<CandidateActorCritic>.scorer().checkpoint)
        let space = ObservationEncoder.space
        #expect(
            model.inputs.map(\.description) == [
                "context float32 [1, \(space.contextWidth)]", "candidates float32 [n, \(space.candidateWidth)]",
            ])
        #expect(model.outputs.map(\.description) == ["logits float32 [n]", "probabilities float32 [n]"])
        for (key, names) in [
            ("features.context", ObservationEncoder.schema.context),
            ("features.candidates", ObservationEncoder.schema.candidate),
        ] {
            let stored = try #require(model.metadata[key])
            #expect(try JSONDecoder().decode([String].self, from: Data(stored.utf8)) == names)
        }
    }

    @Test func equalCheckpointsGiveEqualModels() throws {
        let checkpoint = try SampleNetwork<CandidateActorCritic>.scorer().checkpoint
        let model = try PolicyModel(checkpoint)
        #expect(try PolicyModel(checkpoint).bytes == model.bytes)
        let other = try SampleNetwork<CandidateActorCritic>.scorer(configuration: "dqn: {}").checkpoint
        #expect(try PolicyModel(other).bytes != model.bytes)
    }

    @Test func tablesAreRefused() throws {
        let table = Checkpoint(values: [
            "policy/q": .float64([0, 0], shape: [2]), "configuration": .text("tabular: {}"),
        ])
        let error = #expect(throws: CheckpointError.self) { try PolicyModel(table) }
        #expect(error?.description.contains("policy/q: is a table of action values") == true)
    }

    @Test func missingMisshapenAndDivergedPartsOfFlatNetworksAreNamed() throws {
        let checkpoint = SampleNetwork<MLPActorCritic>.ppo().checkpoint
        for path in [
            "configuration", "policy/actor/0/weight", "policy/actor/1/bias", "policy/actor/2/weight",
            "policy/critic/2/bias", "normalizer/observations/0/mean",
        ] {
            expectRefusal(of: checkpoint, without: path)
        }
        for path in [
            "policy/actor/0/weight", "policy/actor/1/weight", "policy/actor/1/bias", "policy/critic/0/weight",
            "policy/critic/2/bias", "normalizer/observations/0/mean",
        ] {
            var broken = checkpoint
            broken[path] = .float32([1, 2, 3, 4, 5, 6, 7], shape: [1, 7])
            #expect(throws: CheckpointError.self, "\(path)") { try PolicyModel(broken) }
        }
        for path in ["policy/actor/2/bias", "policy/critic/2/bias"] {
            var diverged = checkpoint
            let shape = path.hasPrefix("policy/actor") ? [5] : [1]
            diverged[path] = .float32([Float](repeating: .nan, count: shape[0]), shape: shape)
            let error = #expect(throws: CheckpointError.self) { try PolicyModel(diverged) }
            #expect(error?.path == path)
            #expect(error?.problem.contains("not finite") == true)
        }
    }

    @Test func missingPartsOfScorersAreNamed() throws {
        let checkpoint = try SampleNetwork<CandidateActorCritic>.scorer().checkpoint
        for path in [
            "schema", "policy/actor/candidate/weight", "policy/actor/context/weight", "policy/actor/scorer/0/bias",
            "policy/actor/scorer/1/weight", "normalizer/observations/2/clip",
        ] {
            expectRefusal(of: checkpoint, without: path)
        }
        var other = checkpoint
        var schema = ObservationEncoder.schema
        schema.candidate.removeLast()
        try other.setSchema(schema)
        #expect(throws: CheckpointError.self) { try PolicyModel(other) }
    }

    @Test(arguments: ["ppo: {network: {activation: gelu}}", "ppo: [", ""])
    func configurationsThatCannotBeReadAreRefused(text: String) throws {
        var checkpoint = SampleNetwork<MLPActorCritic>.ppo().checkpoint
        checkpoint["configuration"] = .text(text)
        let error = #expect(throws: CheckpointError.self) { try PolicyModel(checkpoint) }
        #expect(error?.path == "configuration")
    }

    private func expectRefusal(of checkpoint: Checkpoint, without path: String) {
        var broken = checkpoint
        broken[path] = nil
        let error = #expect(throws: CheckpointError.self, "\(path)") { try PolicyModel(broken) }
        #expect(error?.path == path)
        #expect(error?.problem == "is missing")
    }
}
