import ArgumentParser
import Calibration
import Foundation
import Live
import Logging
import Settings
import TrainingRuns

/// `berth calibrate`
struct CalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate", abstract: "Measures a service beside interference and fits the simulator to it.",
        discussion: """
            Measures every load alone and beside every interference on a live cluster, into measurements.csv of the \
            folder; what is there already is not measured again, so that a sweep that was broken off goes on. Then \
            fits the simulator to the points that are not held out and reports how well it predicts the others: \
            fit.yaml and report.txt.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: ArgumentHelp("The folder of the measurements and the report.", valueName: "dir"))
    var out: String

    @Flag(name: .long, help: "Measure nothing: fit to what the folder holds.")
    var fitOnly = false

    mutating func run() throws {
        var settings = try options.load(CalibrationSettings.self)
        settings.live.resolvePaths(besides: options.config)
        let file = "\(out)/measurements.csv"
        if !fitOnly {
            do {
                try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
            } catch {
                throw CommandFailure(message: "cannot make the folder \(out): \(error.localizedDescription)")
            }
            try measure(settings, into: file)
        }
        let table = try MeasurementTable(file: file)
        let requestedCPU = try InterferenceRig.requestedCPU(settings.live)
        let report = try CalibrationReport(table, SimulatedSweep(settings, requestedCPU: requestedCPU))
        print(report.text, terminator: "")
        do {
            try Data(report.text.utf8).write(to: URL(filePath: "\(out)/report.txt"), options: .atomic)
            try Data(report.parameters.yaml().utf8).write(to: URL(filePath: "\(out)/fit.yaml"), options: .atomic)
        } catch {
            throw CommandFailure(message: "cannot write to \(out): \(error.localizedDescription)")
        }
    }

    private func measure(_ settings: CalibrationSettings, into file: String) throws {
        var table = try FileManager.default.fileExists(atPath: file) ? MeasurementTable(file: file) : MeasurementTable()
        let sweep = settings.sweep
        let schedule = sweep.schedule
        let left = schedule.filter { table.windows(of: $0.point, round: $0.round) < sweep.windows }
        guard !left.isEmpty else { return }
        Interruption.install()
        var logger = Logger(label: "calibrate") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let rig = try InterferenceRig(
            settings: settings.live, node: settings.node, image: sweep.image, logger: logger
        ) { Interruption.signalNumber != nil }
        var done = schedule.count - left.count
        var progress = ProgressDisplay(unit: "points", total: schedule.count, first: done)
        do {
            try rig.deploy()
            for (point, round) in left {
                // Arrivals of its own for each: what one draw of them does to p99 is not to be taken for the service's.
                let seed = sweep.arrivalSeed(point, round: round)
                let windows = try rig.measure(
                    replicas: point.replicas, rate: point.rate, interference: sweep.specification(point),
                    settle: sweep.settle, windows: sweep.windows, seconds: sweep.windowSeconds, seed: seed)
                table.append(windows, of: point, round: round)
                try table.write(to: file)
                done += 1
                progress.update(
                    done, details: [("p99 ms", table.quantiles(of: point, round: round).map { $0.p99 * 1000 })])
            }
            progress.finish(done)
            try rig.close()
        } catch {
            progress.interrupt()
            do { try rig.close() } catch let second { CommandFailure.warn("not everything was removed: \(second)") }
            guard error is CancellationError else { throw error }
            throw CommandFailure(
                message: "interrupted after \(done) of \(schedule.count) points; what was made is removed",
                hint: "the same command goes on where it stopped", status: Interruption.exitStatus)
        }
    }
}
