import Checkpoints
import Foundation
import Testing

/// A checkpoint with every kind of value; `version` is in each, so that parts of two versions can be told apart.
func sampleCheckpoint(version: Int64, weights: Int = 600) -> Checkpoint {
    Checkpoint(values: [
        "policy/scorer/layer0/weight": .float32(
            (0..<weights).map { Float(version) + Float($0) / 1024 }, shape: [weights / 20, 20]),
        "policy/scorer/layer0/bias": .float32(Array(repeating: Float(version), count: 20), shape: [20]),
        "normalizer/mean": .float64([0.1 + 0.2, -.pi, Double(version)], shape: [3]),
        "optimizer/step": .int64([-version], shape: []),
        "generators/policy": .uint64([.max, 0, 1, UInt64(version)], shape: [2, 2]),
        "replay/rewards": .float32([], shape: [0, 4]),
        "configuration": .text("seed: \(version)\nname: π→😀\n"),
        "schema": .text(""),
    ])
}

/// A new folder, removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "berth-checkpoints-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// Runs `body` and gives the error it throws, or `nil`.
func checkpointError(_ body: () throws -> Void) -> CheckpointError? {
    do {
        try body()
    } catch {
        return error as? CheckpointError
    }
    return nil
}
