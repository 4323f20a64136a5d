import ArgumentParser
import Checkpoints
import Foundation
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
                try await onThread(command)
            }
        } catch {
            end(CommandFailure.report(error))
        }
        end(0)
    }

    /// Ends the process without C's exit handlers: OpenSSL's would free what a libcurl thread that is just ending still
    /// uses. Files are closed by whoever wrote them; only the standard streams have anything left to write.
    private static func end(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }
}

extension Berth {
    /// Runs a command that blocks, as training does, on a thread of its own: a blocked thread of Swift's pool would be
    /// one less for the requests that a live cluster waits for.
    private static func onThread(_ command: any ParsableCommand) async throws {
        // Handed over: nothing else holds the command.
        nonisolated(unsafe) var command = command
        try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
            let thread = Thread {
                do {
                    try command.run()
                    ended.resume()
                } catch {
                    ended.resume(throwing: error)
                }
            }
            thread.name = "command"
            thread.stackSize = 8 << 20
            thread.start()
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
            TrainCommand.self, SweepCommand.self, EvaluateCommand.self, ServeCommand.self, ExportCommand.self,
            CollectCommand.self, PredictCommand.self, AnomalyCommand.self, ForecastCommand.self, LoadCommand.self,
            CalibrateCommand.self, InterfereCommand.self, CleanCommand.self, CheckCommand.self, BenchCommand.self,
            VersionCommand.self,
        ])
}
