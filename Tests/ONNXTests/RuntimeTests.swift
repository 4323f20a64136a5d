import Checkpoints
import Cluster
import Foundation
import Gym
import LinearAlgebra
import NeuralNetworks
import ONNX
import Randomness
import TestServers
import Testing

/// Our own networks against onnxruntime, given the same observations.
@Suite(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
struct RuntimeTests {
    /// Largest difference of two probabilities, and of two logits or values in relation to them where they exceed 1.
    private static let tolerance = 1e-5

    /// onnxruntime warns on standard error of graphics cards that it does not find; Python's own messages still go
    /// there.
    private static let preamble = """
        import os, sys
        errors = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(errors, "w", buffering=1)
        import json, numpy, onnx, onnxruntime

        folder = sys.argv[1]
        path = f"{folder}/policy.onnx"
        onnx.checker.check_model(onnx.load(path), full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

        """

    /// Arguments: a folder with the model and the inputs, then the outputs that are wanted, as in `logits:7,5`. It
    /// writes them one after the other.
    private static let runner = PythonProgram(
        preamble + """
            inputs = {}
            for tensor in session.get_inputs():
                values = numpy.fromfile(f"{folder}/{tensor.name}", dtype="<f4")
                inputs[tensor.name] = values.reshape(-1, tensor.shape[1])
            for argument in sys.argv[2:]:
                name, sizes = argument.split(":")
                output, = session.run([name], inputs)
                assert list(output.shape) == [int(size) for size in sizes.split(",")], (name, output.shape)
                assert output.dtype == numpy.float32, (name, output.dtype)
                sys.stdout.buffer.write(output.astype("<f4").tobytes())
            """)

    /// What onnxruntime reads of a model but its graph.
    private static let describer = PythonProgram(
        preamble + """
            model = session.get_modelmeta()
            print(json.dumps({
                "inputs": [[tensor.name, tensor.type] + [str(size) for size in tensor.shape]
                           for tensor in session.get_inputs()],
                "outputs": [[tensor.name, tensor.type] + [str(size) for size in tensor.shape]
                            for tensor in session.get_outputs()],
                "metadata": model.custom_metadata_map,
                "producer": model.producer_name,
            }))
            """)

    @Test(arguments: [1, 33])
    func tanhNetworkWithNormalizerAndValue(rows: Int) throws {
        let sample = SampleNetwork<MLPActorCritic>.ppo()
        var generator = RandomGenerator(seed: 11)
        let observations = Matrix(rows: rows, columns: 6, values: randomValues(rows * 6, using: &generator))
        let output = sample.output(observations)
        try expectAgreement(
            with: PolicyModel(sample.checkpoint), inputs: ["observation": observations.values],
            outputs: [
                Expected("logits", output.logits, shape: [rows, 5]),
                Expected("probabilities", softmax(output), shape: [rows, 5]),
                Expected("value", output.values, shape: [rows]),
            ])
    }

    @Test func reluNetworkOfActionValues() throws {
        let sample = SampleNetwork<MLPActorCritic>.dqn()
        var generator = RandomGenerator(seed: 12)
        let observations = Matrix(rows: 20, columns: 8, values: randomValues(20 * 8, using: &generator))
        let output = sample.output(observations)
        try expectAgreement(
            with: PolicyModel(sample.checkpoint), inputs: ["observation": observations.values],
            outputs: [
                Expected("logits", output.logits, shape: [20, 3]),
                Expected("probabilities", softmax(output), shape: [20, 3]),
            ])
    }

    /// A normaliser that has seen nothing leaves observations alone, the bound too.
    @Test func normalizerWithoutRows() throws {
        var sample = SampleNetwork<MLPActorCritic>.ppo()
        sample.normalizers = []
        for (path, value) in [("count", 0.0), ("clip", 1.5)] {
            sample.checkpoint["normalizer/observations/0/\(path)"] = .float64([value], shape: [])
        }
        for path in ["mean", "squared_deviations"] {
            sample.checkpoint["normalizer/observations/0/\(path)"] = .float64(
                [Double](repeating: 0, count: 6), shape: [6])
        }
        let observations = Matrix(rows: 1, columns: 6, values: [-9, 9, 5, -4, 3, -2])
        let output = sample.output(observations)
        try expectAgreement(
            with: PolicyModel(sample.checkpoint), inputs: ["observation": observations.values],
            outputs: [Expected("logits", output.logits, shape: [1, 5])])
    }

    @Test(arguments: [1, 2, 300])
    func scorerOfCandidates(count: Int) throws {
        let sample = try SampleNetwork<CandidateActorCritic>.scorer()
        var generator = RandomGenerator(seed: 13)
        var batch = CandidateBatch(space: ObservationEncoder.space)
        batch.append(nodeCount: 3, candidateCount: count) { context, nodes, candidates in
            for index in context.indices { context[index] = 3 * Float(generator.normal()) }
            for index in nodes.indices { nodes[index] = 3 * Float(generator.normal()) }
            for index in candidates.indices { candidates[index] = 3 * Float(generator.normal()) }
        }
        let output = sample.output(batch)
        try expectAgreement(
            with: PolicyModel(sample.checkpoint),
            inputs: ["context": batch.contexts, "candidates": batch.candidateRows],
            outputs: [
                Expected("logits", output.logits, shape: [count]),
                Expected("probabilities", softmax(output), shape: [count]),
            ])
    }

    /// The first column of the samples' statistics is constant: whatever it holds, the outputs are what they are for the
    /// constant.
    @Test(arguments: [-7, 0.25, 1000]) func columnsThatNeverVariedAreIgnored(value: Float) throws {
        var generator = RandomGenerator(seed: 14)
        let flat = SampleNetwork<MLPActorCritic>.ppo()
        var values = randomValues(8 * 6, using: &generator)
        for row in 0..<8 { values[row * 6] = 0 }
        let output = flat.output(Matrix(rows: 8, columns: 6, values: values))
        for row in 0..<8 { values[row * 6] = value }
        try expectAgreement(
            with: PolicyModel(flat.checkpoint), inputs: ["observation": values],
            outputs: [
                Expected("logits", output.logits, shape: [8, 5]), Expected("value", output.values, shape: [8]),
            ])

        let scorer = try SampleNetwork<CandidateActorCritic>.scorer()
        let space = ObservationEncoder.space
        var context = randomValues(space.contextWidth, using: &generator)
        var candidates = randomValues(5 * space.candidateWidth, using: &generator)
        func batch() -> CandidateBatch {
            var batch = CandidateBatch(space: space)
            batch.append(nodeCount: 0, candidateCount: 5) { contextRow, _, candidateRows in
                for index in contextRow.indices { contextRow[index] = context[index] }
                for index in candidateRows.indices { candidateRows[index] = candidates[index] }
            }
            return batch
        }
        context[0] = 0
        for row in 0..<5 { candidates[row * space.candidateWidth] = 0 }
        let scores = scorer.output(batch())
        context[0] = value
        for row in 0..<5 { candidates[row * space.candidateWidth] = value }
        try expectAgreement(
            with: PolicyModel(scorer.checkpoint), inputs: ["context": context, "candidates": candidates],
            outputs: [Expected("logits", scores.logits, shape: [5])])
    }

    @Test func theRuntimeReadsWhatTheModelSaysAboutItself() throws {
        struct Description: Decodable {
            var inputs: [[String]]
            var outputs: [[String]]
            var metadata: [String: String]
            var producer: String
        }
        let model = try PolicyModel(SampleNetwork<CandidateActorCritic>.scorer().checkpoint)
        try withFolder(of: model) { folder in
            let found = try JSONDecoder().decode(Description.self, from: Self.describer.run([folder]))
            func described(_ tensors: [ModelTensor]) -> [[String]] {
                tensors.map { [$0.name, "tensor(float)"] + $0.shape.map(\.description) }
            }
            #expect(found.inputs == described(model.inputs))
            #expect(found.outputs == described(model.outputs))
            #expect(found.metadata == model.metadata)
            #expect(found.producer == "berth")
        }
    }

    // MARK: Comparison

    /// An output of our own network.
    private struct Expected {
        var name: String
        var values: [Float]
        var shape: [Int]

        init(_ name: String, _ values: [Float], shape: [Int]) {
            (self.name, self.values, self.shape) = (name, values, shape)
        }

        var argument: String { "\(name):\(shape.map { "\($0)" }.joined(separator: ","))" }
    }

    private func expectAgreement(
        with model: PolicyModel, inputs: [String: [Float]], outputs: [Expected]
    ) throws {
        try withFolder(of: model) { folder in
            for (name, values) in inputs {
                let data = values.withUnsafeBytes { Data($0) }
                try data.write(to: URL(filePath: "\(folder)/\(name)"))
            }
            let data = try Self.runner.run([folder] + outputs.map(\.argument))
            let found: [Float] = data.withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
            try #require(found.count == outputs.reduce(0) { $0 + $1.values.count })
            var position = 0
            for output in outputs {
                let theirs = found[position..<position + output.values.count]
                position += output.values.count
                var worst = 0.0
                for (our, their) in zip(output.values, theirs) {
                    #expect(our.isFinite && their.isFinite)
                    let scale = output.name == "probabilities" ? 1 : max(1, abs(Double(our)))
                    worst = max(worst, abs(Double(our) - Double(their)) / scale)
                }
                #expect(worst <= Self.tolerance, "\(output.name) differs by \(worst)")
            }
            // Outputs that are all but equal would agree whatever the weights are.
            let logits = outputs[0].values
            if logits.count > 1 { #expect((logits.max() ?? 0) - (logits.min() ?? 0) > 0.01) }
        }
    }

    /// Calls `body` with a new folder that holds the model as `policy.onnx`, and removes the folder.
    private func withFolder(of model: PolicyModel, _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-onnx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(model.bytes).write(to: folder.appending(path: "policy.onnx"))
        try body(folder.path)
    }

    /// The probabilities of each observation's actions, in double precision.
    private func softmax(_ output: ActorCriticOutput) -> [Float] {
        var probabilities: [Float] = []
        for index in 0..<output.offsets.count - 1 {
            let logits = output.logits[output.offsets[index]..<output.offsets[index + 1]].map { Double($0) }
            let largest = logits.max() ?? 0
            let weights = logits.map { exp($0 - largest) }
            let sum = weights.reduce(0, +)
            probabilities += weights.map { Float($0 / sum) }
        }
        return probabilities
    }
}
