import ArgumentParser
import Foundation
import Settings

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
        let sweep = Sweep(configuration: configuration, file: options.config, folder: out)
        let trials = try sweep.run { line in
            print(line)
            // A sweep lasts for hours, and what reads its output wants to see them.
            fflush(nil)
        }
        let table = Sweep.table(trials)
        print(table, terminator: "")
        try Data(table.utf8).write(to: URL(filePath: "\(out)/table.txt"), options: .atomic)
        guard let best = trials.first, best.score != nil else { return }
        print("best: " + best.overrides.map { "--set " + ($0.contains(" ") ? "'\($0)'" : $0) }.joined(separator: " "))
    }
}
