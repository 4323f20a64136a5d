import ArgumentParser
import Checkpoints
import Foundation
import ONNX
import TrainingRuns

/// `berth export`
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes a trained policy as an ONNX model.",
        discussion: """
            The model takes observations as they are, gives logits and probabilities, and runs wherever ONNX does. A \
            run folder stands for its newest checkpoint; a table cannot be exported, nor can a policy of the flat view. \
            docs/onnx.md describes the model.
            """)

    @Option(name: .long, help: ArgumentHelp("A run folder or a checkpoint.", valueName: "dir|file"))
    var policy: String

    @Option(name: .long, help: ArgumentHelp("The file of the model; it replaces one that is there.", valueName: "file"))
    var out: String

    mutating func run() throws {
        let model = try Self.model(of: try RunFolder.newestCheckpoint(policy))
        try OutputFile.write(Data(model.bytes), to: out)
        print("wrote \(out): ONNX with operators of version \(PolicyModel.operatorVersion)")
        for tensor in model.inputs { print("  input \(tensor): \(tensor.meaning)") }
        for tensor in model.outputs { print("  output \(tensor): \(tensor.meaning)") }
    }

    private static func model(of file: String) throws -> PolicyModel {
        do {
            return try PolicyModel(Checkpoint.read(file))
        } catch var error as CheckpointError {
            error.file = error.file ?? file
            throw error
        }
    }
}
