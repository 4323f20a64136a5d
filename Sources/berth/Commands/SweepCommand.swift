import ArgumentParser
import Foundation
import Settings
import TrainingRuns

/// `berth sweep`
struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Searches for the best settings of a training configuration.",
        discussion: """
            Random search, or successive halving, over a space in YAML; configs/sweep has an example. What is in the \
            folder already is not played again, so an interrupted sweep goes on with the same command.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: ArgumentHelp("The sweep's folder.", valueName: "dir"))
    var out: String

    mutating func run() throws {
        Interruption.install()
        if let size = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"], size != "1" {
            throw CommandFailure.usage(
                "a sweep is one process, found \(size)", hint: "start berth sweep without mpirun")
        }
        let configuration = try options.load(SweepConfiguration.self)
        let sweep = Sweep(configuration: configuration, file: options.config, folder: out, control: .signals)
        let trials: [Trial]
        do {
            trials = try sweep.run { event in
                print(Self.line(event))
                // A sweep lasts for hours, and what reads its output wants to see them.
                fflush(nil)
            }
        } catch is CancellationError {
            throw ExitCode(Interruption.exitStatus)
        }
        let table = Self.table(trials)
        print(table, terminator: "")
        try Data(table.utf8).write(to: URL(filePath: "\(out)/table.txt"), options: .atomic)
        guard let best = trials.first, best.score != nil else { return }
        print("best: " + best.overrides.map { "--set " + ($0.contains(" ") ? "'\($0)'" : $0) }.joined(separator: " "))
    }

    private static func line(_ event: Sweep.Event) -> String {
        switch event {
        case .played(let trial, let steps, let score):
            "trial \(trial.number)  \(Figures.grouped(steps)) steps  "
                + (score.map { "return \(Figures.short($0))" } ?? "diverged") + "  "
                + trial.overrides.joined(separator: " ")
        case .stopped(let trial): "stopped in trial \(trial.number); the same command goes on"
        }
    }

    /// A table of trials, best first.
    private static func table(_ trials: [Trial]) -> String {
        let keys = trials.first.map { $0.settings.keys.sorted() } ?? []
        let rows = trials.map { trial in
            let last = trial.scores.last
            return [
                String(trial.number), last.map { Figures.grouped($0.steps) } ?? "0",
                last.map { $0.score.map { Figures.short($0) } ?? "diverged" } ?? "",
            ] + keys.map { trial.settings[$0] ?? "" }
        }
        return ComparisonTable.align([["trial", "steps", "return"] + keys] + rows)
    }
}
