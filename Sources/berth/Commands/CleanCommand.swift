import ArgumentParser
import Calibration
import Live
import Settings
import Tournaments
import TrainingRuns

/// `berth clean`
struct CleanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean", abstract: "Removes what a run on a live cluster left behind.",
        discussion: """
            A run removes what it made when it ends, also after Ctrl-C. This is for one that was killed: it removes the \
            namespace that the configuration names, if berth made it, and nothing else, and appends that to the \
            configuration's audit log.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A configuration for training, evaluating or calibrating on a live cluster.", valueName: "file"))
    var config: String?

    @Option(name: .long, help: "The namespace itself, such as that of berth interfere, in place of a configuration.")
    var namespace: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "An audit log to append to, in place of the configuration's; with --namespace there is no other.",
            valueName: "file"))
    var audit: String?

    mutating func run() throws {
        var settings = LiveSettings()
        switch (config, namespace) {
        case (let config?, nil): settings = try Self.liveSettings(of: config)
        case (nil, let namespace?): settings.namespace = namespace
        default:
            throw CommandFailure.usage("expected either --config FILE or --namespace NAME")
        }
        if let audit { settings.auditLog = audit }
        let wasThere = try LiveCluster.remove(settings)
        print(
            wasThere
                ? "removed namespace \(settings.namespace)" : "nothing to remove: no namespace \(settings.namespace)")
    }

    /// The live cluster that a configuration of either kind names.
    private static func liveSettings(of config: String) throws -> LiveSettings {
        if let training = try? TrainConfiguration.read(config) {
            guard let settings = training.environment.settings(as: LiveTrainSettings.self) else {
                throw notLive(config)
            }
            return settings.cluster
        }
        if let calibration = try? CalibrationSettings.load(from: config) { return calibration.live }
        guard let settings = try EvaluateConfiguration.read(config).live else { throw notLive(config) }
        return settings
    }

    private static func notLive(_ config: String) -> CommandFailure {
        .usage("\(config) names no live cluster", hint: "give the configuration of the run that was killed")
    }
}
