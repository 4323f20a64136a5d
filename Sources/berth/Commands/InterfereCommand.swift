import Watching
import ArgumentParser
import Live
import Logging
import Settings
import Workloads

/// `berth interfere`
struct InterfereCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interfere", abstract: "Runs interference on a live cluster: stress-ng pods, at given times.",
        discussion: """
            Plays the plan from its beginning and removes everything at its end, or after Ctrl-C. KUBECONFIG says which \
            cluster.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: "The pods' namespace, which is made and removed.")
    var namespace = "berth-interference"

    mutating func run() throws {
        let plan = try options.load(InterferencePlan.self)
        Interruption.install()
        var logger = Logger(label: "interfere") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        do {
            try InterferenceRun(plan, kubernetes: KubernetesSettings(), namespace: namespace, logger: logger)
                .play(report: { print($0) }, isCancelled: { Interruption.signalNumber != nil })
        } catch is CancellationError {
            throw CommandFailure(
                message: "interrupted; what was made is removed", status: Interruption.exitStatus)
        }
        print("all interference is over and removed")
    }
}
