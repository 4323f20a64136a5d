import Checkpoints
import Foundation
import Testing

@Suite struct CheckpointValueTests {
    @Test func typedAccessGivesTheStoredArrays() throws {
        let checkpoint = sampleCheckpoint(version: 3)
        #expect(try checkpoint.floats("policy/scorer/layer0/bias", shape: [20]) == Array(repeating: 3, count: 20))
        #expect(try checkpoint.doubles("normalizer/mean")[2] == 3)
        #expect(try checkpoint.integer("optimizer/step") == -3)
        #expect(try checkpoint.words("generators/policy", shape: [2, 2]) == [.max, 0, 1, 3])
        #expect(try checkpoint.text("schema").isEmpty)
    }

    @Test func errorsNameThePathAndBothTypes() {
        let checkpoint = sampleCheckpoint(version: 3)
        func message(_ body: () throws -> Void) -> String? { checkpointError(body)?.description }
        #expect(message { _ = try checkpoint.floats("policy/x") } == "checkpoint: policy/x: is missing")
        #expect(
            message { _ = try checkpoint.doubles("policy/scorer/layer0/bias") }
                == "checkpoint: policy/scorer/layer0/bias: expected float64, found float32 [20]")
        #expect(
            message { _ = try checkpoint.floats("policy/scorer/layer0/weight", shape: [64, 20]) }
                == "checkpoint: policy/scorer/layer0/weight: expected float32 [64, 20], found float32 [30, 20]")
        #expect(
            message { _ = try checkpoint.double("normalizer/mean") }?.hasSuffix("float64 [], found float64 [3]") == true
        )
        #expect(message { _ = try checkpoint.integers("schema") }?.hasSuffix("expected int64, found text") == true)
        #expect(message { _ = try checkpoint.words("optimizer/step") }?.hasSuffix("uint64, found int64 []") == true)
        #expect(message { _ = try checkpoint.text("optimizer/step") }?.hasSuffix("text, found int64 []") == true)
    }
}

@Suite struct CheckpointFileTests {
    @Test func whatIsWrittenReadsBackEqual() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/a.h5"
            var checkpoint = sampleCheckpoint(version: 1)
            checkpoint["deep/" + (0..<20).map(String.init).joined(separator: "/")] = .int64([.min, .max], shape: [2])
            checkpoint["environments/0"] = .text(String(repeating: "{\"a\": 1}", count: 100_000))
            checkpoint["extremes"] = .float64([.infinity, -0.0, .leastNonzeroMagnitude], shape: [1, 3, 1])
            checkpoint.projectVersion = "9.8.7"
            try checkpoint.write(to: file)
            #expect(try Checkpoint.read(file) == checkpoint)
            try sampleCheckpoint(version: 2).write(to: file)
            #expect(try Checkpoint.read(file) == sampleCheckpoint(version: 2))
            try Checkpoint().write(to: file)
            #expect(try Checkpoint.read(file) == Checkpoint())
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.h5"])
        }
    }

    @Test func equalCheckpointsGiveEqualFiles() async throws {
        try await withTemporaryFolder { folder in
            try sampleCheckpoint(version: 1).write(to: "\(folder)/a.h5")
            try await Task.sleep(for: .seconds(1.1))  // HDF5's time stamps, if there were any, count seconds.
            try sampleCheckpoint(version: 1).write(to: "\(folder)/b.h5")
            let (a, b) = try (
                Data(contentsOf: URL(filePath: "\(folder)/a.h5")), Data(contentsOf: URL(filePath: "\(folder)/b.h5"))
            )
            #expect(a == b)
        }
    }

    @Test func whatCannotBeStoredIsRefusedAndTheOldFileStays() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/a.h5"
            try sampleCheckpoint(version: 1).write(to: file)
            let refused: [([String: Checkpoint.Value], String)] = [
                (["w": .float32([1, 2], shape: [3])], "w: the shape [3] does not hold 2 elements"),
                (["w": .float32([1], shape: [-1])], "w: the shape [-1] does not hold 1 elements"),
                (["w": .int64([], shape: [.max, .max, 0])], "does not hold 0 elements"),
                (["t": .text("a\u{0}b")], "t: the text has a NUL character"),
                (["a": .text(""), "a/b": .text("")], "a/b: lies under a, which is a value"),
                (["a//b": .text("")], "a//b: is not a path"),
                (["": .text("")], "is not a path"),
                (["../b": .text("")], "is not a path"),
                ([String(repeating: "a/", count: 40) + "b": .text("")], "is nested deeper than 32 levels"),
            ]
            for (values, problem) in refused {
                let error = checkpointError { try Checkpoint(values: values).write(to: file) }
                #expect(error?.description.contains(problem) == true, "\(error?.description ?? "no error")")
            }
            #expect(try Checkpoint.read(file) == sampleCheckpoint(version: 1))
            #expect(
                checkpointError { try Checkpoint().write(to: "\(folder)/none/a.h5") }?.problem.contains("No such")
                    == true)
            #expect(checkpointError { try Checkpoint().write(to: "\(folder)/") }?.problem.contains("folder") == true)
            // The name of a folder cannot be replaced by a file; nothing is left behind.
            try FileManager.default.createDirectory(atPath: "\(folder)/b.h5", withIntermediateDirectories: true)
            #expect(
                checkpointError { try Checkpoint().write(to: "\(folder)/b.h5") }?.problem.contains("replace") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.h5", "b.h5"])
        }
    }

    @Test func manyThreadsMayWriteAndReadAtOnce() async throws {
        try await withTemporaryFolder { folder in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for version in Int64(0)..<16 {
                    group.addTask {
                        let file = "\(folder)/\(version).h5"
                        let checkpoint = sampleCheckpoint(version: version)
                        for _ in 0..<4 {
                            try checkpoint.write(to: file)
                            guard try Checkpoint.read(file) == checkpoint else { return false }
                        }
                        return true
                    }
                }
                for try await same in group { #expect(same) }
            }
        }
    }
}
