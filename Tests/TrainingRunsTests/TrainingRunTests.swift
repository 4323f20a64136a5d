import Checkpoints
import Foundation
import Settings
import Synchronization
import Testing
import TrainingRuns

/// Runs without the command line around them.
@Suite struct TrainingRunTests {
    /// 4 iterations of 16 steps.
    private static let yaml = """
        seed: 5
        environment: {kind: cartpole, evaluationEpisodes: 2}
        ppo: {totalSteps: 64, environments: 1, rolloutSteps: 16, batchSize: 16, epochs: 1}
        """

    private func started(_ folder: String, control: RunControl = RunControl()) throws -> TrainingRun {
        let run = try TrainingRun(
            TrainConfiguration.decode(yaml: Self.yaml), folder: RunFolder(path: folder), control: control)
        try run.folder.create(overwrite: false, locking: false)
        try run.writeConfiguration()
        return run
    }

    @Test func progressIsToldAfterEachIterationAndAtTheEnd() throws {
        try withTemporaryFolder { folder in
            var run = try started("\(folder)/run")
            var seen: [TrainingProgress] = []
            #expect(try run.run { seen.append($0) } == .finished)
            #expect(seen.map(\.steps) == [16, 32, 48, 64, 64])
            #expect(seen.map(\.isLast) == [false, false, false, false, true])
            #expect(seen.allSatisfy { $0.headlines.first?.name == "return" })
            #expect(try run.evaluate()?.last.returns.count == 2)
            #expect(FileManager.default.fileExists(atPath: run.folder.evaluationFile))
        }
    }

    @Test func aRunThatIsCancelledStopsWithACheckpointAndGoesOn() throws {
        try withTemporaryFolder { folder in
            let asked = Atomic(0)
            // The second question is after the first iteration.
            let control = RunControl(isCancelled: { asked.add(1, ordering: .relaxed).newValue > 1 })
            var first = try started("\(folder)/run", control: control)
            #expect(try first.run() == .interrupted)
            #expect(first.steps == 16)

            var second = try TrainingRun(first.configuration, folder: first.folder)
            try second.resume(from: RunCheckpoint(newestOf: first.folder))
            #expect(second.steps == 16)
            #expect(try second.run(until: 48) == .paused)
            #expect(try second.run() == .finished)

            var whole = try started("\(folder)/whole")
            #expect(try whole.run() == .finished)
            #expect(
                try RunCheckpoint(newestOf: second.folder).values["policy/parameters"]
                    == RunCheckpoint(newestOf: whole.folder).values["policy/parameters"])
            #expect(
                try RunCheckpoint(newestOf: second.folder).values.values.keys.sorted()
                    == RunCheckpoint(newestOf: whole.folder).values.values.keys.sorted())
        }
    }

    @Test func aFolderHoldsOneRunOfOneProcess() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: "\(path)/run")
            try folder.create(overwrite: false, locking: true)
            let error = #expect(throws: ExperimentError.self) {
                try folder.create(overwrite: false, locking: true)
            }
            #expect(error?.code == .runExists)
            #expect(throws: ExperimentError.self) { try folder.lock() }
            #expect(
                #expect(throws: ExperimentError.self) { try folder.create(overwrite: true, locking: true) }?.code
                    == .runInUse)
        }
    }

    @Test func aRunThatIsNotThereIsMissing() throws {
        try withTemporaryFolder { folder in
            for path in ["\(folder)/none", folder] {
                let error = #expect(throws: ExperimentError.self) { try RunFolder.newestCheckpoint(path) }
                #expect(error?.code == .runMissing)
                #expect(error?.message.contains(path) == true)
            }
            #expect(throws: ExperimentError.self) { try LoadedPolicy("\(folder)/none") }
        }
    }

    @Test func aRunWithOtherFiguresIsNotGoneOnWith() throws {
        try withTemporaryFolder { folder in
            var run = try started("\(folder)/run")
            #expect(try run.run(until: 16) == .paused)
            try Data("step,other\n16,1\n".utf8).write(to: URL(filePath: run.folder.metricsFile))
            var resumed = try TrainingRun(run.configuration, folder: run.folder)
            try resumed.resume(from: RunCheckpoint(newestOf: run.folder))
            let error = #expect(throws: ExperimentError.self) { try resumed.run() }
            #expect(error?.code == .cannotResume)
        }
    }

    @Test func onlyWrongUseIsUsage() {
        #expect(ExperimentError(.unknownName, "").isUsage)
        #expect(!ExperimentError(.interrupted, "").isUsage)
        #expect(ExperimentError(.unreadable, "x", hint: "y").description == "x (y)")
    }
}

func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "berth-runs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}
