import ArgumentParser
import Checkpoints
import Glibc

/// The program: parses the command line, runs a command, and ends with 0, 1 for a failure, 2 for a usage or
/// configuration error, or 128 plus the signal's number when it was interrupted.
@main
struct Berth {
    static func main() async {
        // A reader that goes away (`berth evaluate | head`) ends the output, not the program's own clean-up.
        signal(SIGPIPE, SIG_IGN)
        do {
            let command = try BerthCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                var synchronous = command
                try synchronous.run()
            }
        } catch {
            exit(CommandFailure.report(error))
        }
    }
}

/// The command line's root.
struct BerthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "berth",
        abstract: "Trains scheduling policies for Kubernetes and serves them to kube-scheduler.",
        version: "berth \(ProjectVersion.current)",
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, ServeCommand.self, CollectCommand.self, LoadCommand.self,
            CheckCommand.self, BenchCommand.self,
        ])
}
