import ArgumentParser
import Live
import Settings

/// `berth clean`
struct CleanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean", abstract: "Removes what a run on a live cluster left behind.",
        discussion: """
            A run removes what it made when it ends, also after Ctrl-C. This is for one that was killed: it removes the \
            namespace of the configuration's episodes, if an environment made it, and nothing else.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("A configuration for training or evaluating on a live cluster.", valueName: "file"))
    var config: String

    mutating func run() throws {
        let settings = try Self.liveSettings(of: config)
        let wasThere = try LiveCluster.remove(settings)
        print(
            wasThere
                ? "removed namespace \(settings.namespace)" : "nothing to remove: no namespace \(settings.namespace)")
    }

    /// The live cluster that a configuration of either kind names.
    private static func liveSettings(of config: String) throws -> LiveSettings {
        if let training = try? TrainConfiguration.read(config) {
            guard case .live(let settings) = training.environment else { throw notLive(config) }
            return settings.cluster
        }
        guard let settings = try EvaluateConfiguration.read(config).live else { throw notLive(config) }
        return settings
    }

    private static func notLive(_ config: String) -> CommandFailure {
        .usage("\(config) names no live cluster", hint: "give the configuration of the run that was killed")
    }
}
