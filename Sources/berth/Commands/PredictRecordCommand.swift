import ArgumentParser
import Baselines
import Cluster
import Foundation
import Gym
import Live
import Prediction
import Simulator
import TrainingRuns
import Workloads

/// `berth predict record`
struct PredictRecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Records episodes as a data set that predictors are trained on.",
        discussion: """
            One row for each window, node and service: figures of the node and of the service's replicas on it, and the \
            p99 that their requests met. The data set is written after each episode; the same command goes on with one \
            that was broken off.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: ArgumentHelp("The data set, an HDF5 file.", valueName: "file"))
    var out: String

    mutating func run() throws {
        let configuration = try RecordConfiguration.read(options.config, overrides: options.set)
        let origin = try configuration.origin()
        var dataset = PredictionDataset(windowSeconds: configuration.windowSeconds)
        dataset.origin = origin
        if FileManager.default.fileExists(atPath: out) {
            dataset = try PredictionDataset(file: out)
            guard dataset.origin.isEmpty || dataset.origin == origin else {
                throw CommandFailure.usage(
                    "\(out) was recorded with other settings or manifests, or by a version of berth with other settings",
                    hint: "name a new file; berth predict train takes several")
            }
            guard dataset.features == PredictionFeature.names, dataset.windowSeconds == configuration.windowSeconds
            else {
                throw CommandFailure.usage(
                    "\(out) has other features or windows than this configuration", hint: "name a new file")
            }
        }
        var recorder = WindowRecorder(dataset, minimumRequests: configuration.minimumRequests)
        let schedule = configuration.schedule
        let first = dataset.nextEpisode
        Interruption.install()
        var progress = ProgressDisplay(unit: "episodes", total: schedule.count, first: first)
        for position in first..<max(first, schedule.count) {
            let (seed, policy) = schedule[position]
            do {
                if configuration.live != nil {
                    try playLive(configuration, policy, position, seed: seed, into: &recorder)
                } else {
                    var cluster = try SimulatedCluster(settings: configuration.simulator)
                    cluster.reportsNodes = true
                    let environment = ClusterEnvironment(backend: cluster, settings: configuration.episode, seed: seed)
                    try Self.play(configuration, policy, position, seed: seed, environment, into: &recorder)
                }
                guard Interruption.signalNumber == nil else { throw CancellationError() }
            } catch is CancellationError {
                progress.interrupt()
                throw CommandFailure(
                    message: "interrupted after \(position) of \(schedule.count) episodes",
                    hint: "the same command goes on where it stopped", status: Interruption.exitStatus)
            }
            try recorder.dataset.write(to: out)
            progress.update(position + 1, details: [("rows", Double(recorder.dataset.count))])
        }
        progress.finish(schedule.count)
        print(DataQuality(recorder.dataset).text, terminator: "")
        if recorder.leftOut > 0 {
            print("left out: \(recorder.leftOut) windows of fewer than \(Int(recorder.minimumRequests)) requests")
        }
        if recorder.changed > 0 { print("left out: \(recorder.changed) windows in which replicas came or went") }
    }

    private func playLive(
        _ configuration: RecordConfiguration, _ policy: String, _ episode: Int, seed: UInt64,
        into recorder: inout WindowRecorder
    ) throws {
        guard var settings = configuration.live else { return }
        if let interference = configuration.interference {
            settings.interferencePlan = interference.plan(
                seconds: settings.interval * Double(configuration.episode.intervals), seed: seed)
        }
        try LiveRuns.withCluster(settings, .signals) { backend in
            let environment = ClusterEnvironment(backend: backend, settings: configuration.episode, seed: seed)
            try Self.play(configuration, policy, episode, seed: seed, environment, into: &recorder)
        }
    }

    private static func play<Backend: ClusterBackend>(
        _ configuration: RecordConfiguration, _ name: String, _ number: Int, seed: UInt64,
        _ environment: ClusterEnvironment<Backend>, into recorder: inout WindowRecorder
    ) throws {
        let policy = try Baseline(named: name).policy(configuration.baselines)
        var episode = PolicyEpisode(of: policy, in: environment) { Interruption.signalNumber != nil }
        try episode.play(
            seed: seed, begun: { recorder.begin(episode: number, seed: seed, $0.environment.snapshot) },
            stepped: { episode, _ in
                guard let report = episode.environment.info.report else { return }
                let time = configuration.live == nil ? 0 : Date.now.timeIntervalSince1970
                try recorder.record(report, episode.environment.snapshot, time: time)
            })
        if let failure = episode.environment.info.report?.failure {
            CommandFailure.warn("episode \(number) broke off: \(failure)")
        }
    }
}
