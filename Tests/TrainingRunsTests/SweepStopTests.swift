import Foundation
import Settings
import Synchronization
import Testing
import TrainingRuns

/// Sweeps that stop, and folders that hold something else.
@Suite struct SweepStopTests {
    private func sweep(_ folder: String, seed: Int = 0, control: RunControl = RunControl()) throws -> Sweep {
        let training = """
            environment: {kind: cartpole, evaluationEpisodes: 1}
            ppo: {totalSteps: 32, environments: 1, rolloutSteps: 16, batchSize: 16, epochs: 1}
            """
        try Data(training.utf8).write(to: URL(filePath: "\(folder)/training.yaml"))
        let configuration = try SweepConfiguration.decode(
            yaml: """
                training: training.yaml
                seed: \(seed)
                trials: 2
                space: {ppo.learningRate: {kind: logUniform, low: 1e-4, high: 1e-2}}
                """)
        return Sweep(
            configuration: configuration, file: "\(folder)/sweep.yaml", folder: "\(folder)/out", control: control)
    }

    @Test func aSweepThatIsStoppedSaysWhereAndGoesOn() throws {
        try withTemporaryFolder { folder in
            let asked = Atomic(0)
            // Asked before and after each of the two iterations of the first trial, then before those of the second.
            let control = RunControl(isCancelled: { asked.add(1, ordering: .relaxed).newValue > 3 })
            var events: [String] = []
            func note(_ event: Sweep.Event) {
                switch event {
                case .played(let trial, let steps, _): events.append("played \(trial.number) to \(steps)")
                case .stopped(let trial): events.append("stopped in \(trial.number)")
                }
            }
            #expect(throws: CancellationError.self) { try sweep(folder, control: control).run(report: note) }
            #expect(events == ["played 0 to 32", "stopped in 1"])

            events = []
            let trials = try sweep(folder).run(report: note)
            #expect(events == ["played 1 to 32"])
            #expect(trials.map(\.number).sorted() == [0, 1])
        }
    }

    @Test func anotherSweepsFolderIsRefusedByItsCode() throws {
        try withTemporaryFolder { folder in
            _ = try sweep(folder).run { _ in }
            let error = #expect(throws: ExperimentError.self) { try sweep(folder, seed: 1).run { _ in } }
            #expect(error?.code == .otherSweep)
        }
    }

    @Test func resultsThatCannotBeReadAreNamed() throws {
        try withTemporaryFolder { folder in
            _ = try sweep(folder).run { _ in }
            try Data("[".utf8).write(to: URL(filePath: "\(folder)/out/trials.json"))
            let error = #expect(throws: ExperimentError.self) { try sweep(folder).run { _ in } }
            #expect(error?.code == .unreadable)
            #expect(error?.message.contains("trials.json") == true)
        }
    }
}
