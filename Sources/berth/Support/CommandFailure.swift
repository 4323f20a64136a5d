import ArgumentParser
import Glibc
import Settings
import TrainingRuns

/// A failure that a command reports itself: one line, perhaps a hint, and the exit status.
struct CommandFailure: Error {
    /// Exit status of usage and configuration errors.
    static let usageStatus: Int32 = 2

    var message: String
    var hint: String?
    var status: Int32 = 1

    /// A wrong option or argument.
    static func usage(_ message: String, hint: String? = nil) -> CommandFailure {
        CommandFailure(message: message, hint: hint, status: usageStatus)
    }

    /// A name that is none of `names`.
    static func unknown(_ what: String, _ name: String, among names: [String], plural: String) -> CommandFailure {
        .usage(
            "there is no \(what) \"\(name)\"", hint: NearestName.hint(for: name, among: names, what: plural))
    }

    /// `--dry-run` without a live cluster.
    static func dryRunNeedsCluster(_ configuration: String) -> CommandFailure {
        .usage(
            "--dry-run is for live clusters, and \(configuration) names none",
            hint: "a simulated cluster can be acted on without harm")
    }

    /// Prints what went wrong beside the failure that is reported in the end.
    static func warn(_ message: String) {
        Terminal.printError(message, hint: nil)
    }

    /// Prints an error and gives the status to exit with.
    static func report(_ error: any Error) -> Int32 {
        switch error {
        case let failure as CommandFailure:
            Terminal.printError(failure.message, hint: failure.hint)
            return failure.status
        case let error as ExperimentError:
            Terminal.printError(error.message, hint: error.hint)
            if error.code == .interrupted { return Interruption.exitStatus }
            return error.isUsage ? usageStatus : 1
        case let failure as SettingsError:
            Terminal.printError(failure.message, hint: failure.hint)
            return usageStatus
        case let code as ExitCode:
            return code.rawValue
        default:
            break
        }
        switch BerthCommand.exitCode(for: error) {
        case .success:
            print(BerthCommand.fullMessage(for: error))
            return 0
        case .validationFailure:
            // The parser's text is the message, then "Usage:" and "See".
            let lines = BerthCommand.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: true)
            let message = lines.first.map { $0.hasPrefix("Error: ") ? $0.dropFirst(7) : $0 } ?? "wrong usage"
            let see = lines.first { $0.contains("--help' for more") }.map { $0.drop { $0 == " " } }
            Terminal.printError(String(message), hint: see.map(String.init))
            return usageStatus
        default:
            Terminal.printError("\(error)", hint: nil)
            return 1
        }
    }
}
