import ArgumentParser
import Baselines
import Live
import Settings
import Tournaments
import TrainingRuns

/// `berth evaluate`
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Compares a policy with baselines over the same episodes.",
        discussion: """
            A trained policy gets two rows: deciding everything, and placing pods behind kube-scheduler while the HPA \
            scales. Intervals are 95 % bootstrap intervals over the seeds; differences are paired by seed and pattern.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("A run folder, a checkpoint, or the name of a baseline.", valueName: "dir|name"))
    var policy: String

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "A baseline to compare with, in place of the configuration's. May be repeated.", valueName: "name"))
    var baseline: [String] = []

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: "Episodes of each policy under each pattern, in place of the configuration's.")
    var seeds: Int?

    @Option(name: .long, help: ArgumentHelp("Write everything to this file too.", valueName: "file"))
    var json: String?

    @Flag(name: .long, help: "On a live cluster: let the API server check each action and carry out none.")
    var dryRun = false

    mutating func run() throws {
        var configuration = try EvaluateConfiguration.read(options.config, overrides: options.set)
        if let seeds {
            guard seeds > 0 else { throw CommandFailure.usage("--seeds must be 1 or more, found \(seeds)") }
            configuration.seeds = seeds
        }
        if dryRun {
            guard configuration.live != nil else { throw CommandFailure.dryRunNeedsCluster(options.config) }
            configuration.live?.guards.dryRun = true
        }
        var names = [Contender.reference.name]
        for name in baseline.isEmpty ? configuration.compared : baseline where !names.contains(name) {
            names.append(name)
        }
        // What cannot be found is an error before the first episode is played.
        _ = try Contender.named(policy, configuration.baselines, extenderWeight: configuration.extenderWeight)
        _ = try names.map { try Contender.baseline($0, configuration.baselines) }
        let predictor = try PolicyPredictor(file: configuration.predictor, riskLimit: configuration.riskLimit)

        let tuning = try Self.showing("tuning episodes") {
            try AutoscalerTuning(configuration.tuning, configuration.baselines, progress: $0)
        }
        if let tuning { configuration.baselines.autoscaler.targetUtilization = tuning.chosen }
        let evaluated = try Contender.named(
            policy, configuration.baselines, extenderWeight: configuration.extenderWeight)
        let others = try names.map { try Contender.baseline($0, configuration.baselines) }
        let tuned = configuration.baselines.autoscaler.targetUtilization
        let targets = configuration.comparedTargets.filter { $0 != tuned }
        let limited: [Contender] = predictor.map { [.riskLimited(configuration.baselines, $0)] } ?? []
        let contenders =
            evaluated.filter { !names.contains($0.name) } + others
            + limited
            + targets.map { Contender.autoscaler(target: $0, configuration.baselines) }

        if configuration.live != nil { Interruption.install() }
        let report = try Self.showing("episodes") {
            try EvaluationReport(
                contenders, configuration, tuning, policy: policy, control: .signals, progress: $0)
        }
        print(report.text, terminator: "")
        if let json { try JSONFile.write(report, to: json) }
    }

    /// Shows how many episodes `body` has played.
    /// - Parameter unit: what is counted, in the plural.
    private static func showing<Value>(
        _ unit: String, _ body: (@escaping EpisodeProgress) throws -> Value
    ) rethrows -> Value {
        let display = EpisodeDisplay(unit: unit)
        defer { display.finish() }
        return try body { display.update($0, of: $1) }
    }
}
