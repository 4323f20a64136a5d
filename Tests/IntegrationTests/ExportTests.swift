import Foundation
import Testing

@Suite struct ExportTests {
    /// Trains a short run and gives its folder.
    private func train(_ configuration: String, in folder: String) async throws -> String {
        let file = "\(folder)/short.yaml"
        try Data(configuration.utf8).write(to: URL(filePath: file))
        let run = "\(folder)/run"
        let result = try await BerthProcess.run(["train", "--config", file, "--out", run])
        #expect(result.status == 0, "\(result.errors)")
        return run
    }

    @Test func aRunIsExportedAndItsInputsAndOutputsAreSaid() async throws {
        try await withTemporaryFolder { folder in
            let run = try await train(
                """
                environment: {kind: cartpole, evaluationEpisodes: 0}
                ppo: {totalSteps: 512, rolloutSteps: 32, normalizesObservations: true}
                """, in: folder)
            let out = "\(folder)/policy.onnx"
            // A file that is there is replaced.
            try Data("old".utf8).write(to: URL(filePath: out))
            let result = try await BerthProcess.run(["export", "--policy", run, "--out", out])
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.split(separator: "\n").map { String($0.prefix { $0 != ":" }) }
            #expect(
                lines == [
                    "wrote \(out)", "  input observation float32 [batch, 4]", "  output logits float32 [batch, 2]",
                    "  output probabilities float32 [batch, 2]", "  output value float32 [batch]",
                ])
            #expect(try Data(contentsOf: URL(filePath: out)).starts(with: [0x08, 8, 0x12, 5]))

            let checkpoint = "\(run)/checkpoints/step-000000000512.h5"
            let again = try await BerthProcess.run(["export", "--policy", checkpoint, "--out", "\(folder)/again.onnx"])
            #expect(again.status == 0, "\(again.errors)")
            #expect(FileManager.default.contentsEqual(atPath: out, andPath: "\(folder)/again.onnx"))

            let nowhere = "\(folder)/none/policy.onnx"
            let unwritable = try await BerthProcess.run(["export", "--policy", run, "--out", nowhere])
            #expect(unwritable.status == 1)
            #expect(unwritable.errors.hasPrefix("error: cannot write \(nowhere): "), "\(unwritable.errors)")
        }
    }

    @Test func aTableIsRefused() async throws {
        try await withTemporaryFolder { folder in
            let run = try await train(
                "environment: {kind: frozen-lake, evaluationEpisodes: 0}\ntabular: {totalSteps: 1000}\n", in: folder)
            let out = "\(folder)/policy.onnx"
            let result = try await BerthProcess.run(["export", "--policy", run, "--out", out])
            #expect(result.status == 1)
            #expect(result.output.isEmpty)
            #expect(
                result.errors.hasSuffix(
                    "step-000000001000.h5: policy/q: is a table of action values: only networks can be exported\n"),
                "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: out))
        }
    }

    @Test func whatIsNoCheckpointIsRefused() async throws {
        try await withTemporaryFolder { folder in
            let out = "\(folder)/policy.onnx"
            let foreign = "\(folder)/foreign.h5"
            try Data("not a checkpoint".utf8).write(to: URL(filePath: foreign))
            let refused: [([String], Int32, String)] = [
                (
                    ["--policy", foreign, "--out", out], 1,
                    "error: checkpoint: \(foreign): is not a checkpoint of this project\n"
                ),
                (
                    ["--policy", "\(folder)/none", "--out", out], 2,
                    "error: there is no run folder or checkpoint \(folder)/none\n"
                ),
                (["--policy", folder, "--out", out], 2, "error: \(folder) holds no checkpoint\n"),
                (["--policy", foreign], 2, "error: Missing expected argument '--out <file>'\n"),
            ]
            for (arguments, status, message) in refused {
                let result = try await BerthProcess.run(["export"] + arguments)
                #expect(result.status == status)
                #expect(result.errors.hasPrefix(message), "\(result.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: out))
        }
    }
}
