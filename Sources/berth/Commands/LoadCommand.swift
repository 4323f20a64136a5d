import ArgumentParser
import Foundation
import LoadGeneration
import Settings
import TrainingRuns

/// `berth load`
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Sends HTTP load to a service and measures its latency.",
        discussion: """
            Requests are due at moments fixed beforehand, whether or not earlier ones have been answered, and latencies \
            count from when each was due. Prints one line for each interval and a summary; quantiles are over completed \
            and timed-out requests and the ages of those in flight. Exits with 1 when no request succeeded.
            """)

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("Where to send requests; each is as likely as any other. May be repeated.", valueName: "url")
    )
    var url: [String] = []

    @Option(help: "Requests per second at level 1 of the pattern.")
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            "The level over time: constant, ramp, spike, periodic, random or trace, with its default settings.",
            valueName: "kind"))
    var pattern: String?

    @Option(help: "Seconds in which requests are sent.")
    var duration: Double?

    @Option(help: "Seed of the pattern, of the arrivals and of the choice of targets.")
    var seed: UInt64?

    @Option(name: .customLong("objective-ms"), help: "Milliseconds that an answer may take.")
    var objectiveMilliseconds: Double?

    @Option(name: .long, help: ArgumentHelp("The configuration, a YAML file.", valueName: "file"))
    var config: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "Override one setting, as in --set pattern.path=trace.csv. May be repeated.", valueName: "key=value"))
    var set: [String] = []

    @Option(help: "Seconds that a line of the output stands for.")
    var interval = 1.0

    @Option(name: .long, help: ArgumentHelp("Write the intervals and the summary to this file.", valueName: "file"))
    var json: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write the distribution of latencies to this file, as HdrHistogram's text.", valueName: "file.hgrm"))
    var histogram: String?

    mutating func run() throws {
        guard interval >= 0.1, interval <= 86_400 else {
            throw CommandFailure.usage("--interval must be from 0.1 to 86400 seconds, found \(interval)")
        }
        let settings = try settings()
        Interruption.install()
        let generator = try LoadGenerator(settings)
        print(LoadReport.header)
        let intervals = play(generator)
        let report = LoadReport(settings, intervals)
        print(report.summaryText)
        if let json { try JSONFile.write(report, to: json) }
        if let histogram {
            try OutputFile.write(Data(report.whole.finished.percentileDistribution.utf8), to: histogram)
        }
        let sending = report.whole.sendDelays.quantile(0.99) ?? 0
        if sending > max(0.001, 0.1 * (report.whole.p99 ?? 0)) {
            Terminal.writeError(
                "warning: 1 % of the requests were sent more than \(LoadReport.milliseconds(sending)) ms late: this"
                    + " machine is too busy for the load, and the latencies hold its delay\n")
        }
        if let number = Interruption.signalNumber { throw ExitCode(128 + number) }
        if report.whole.completed == 0 {
            throw CommandFailure(
                message: "none of \(report.whole.arrived) requests succeeded", hint: report.rejectionHint)
        }
    }

    /// The file's settings under those of the command line.
    private func settings() throws -> LoadSettings {
        // First, so that --set reaches into the new pattern.
        let overrides = (pattern.map { ["pattern={kind: \($0)}"] } ?? []) + set
        var settings = try LoadSettings.decode(yaml: "", overrides: config == nil ? overrides : [])
        if let config { settings = try LoadSettings.load(from: config, overrides: overrides) }
        if !url.isEmpty { settings.targets = url }
        settings.rate = rate ?? settings.rate
        settings.duration = duration ?? settings.duration
        settings.seed = seed ?? settings.seed
        if let objectiveMilliseconds { settings.objective = objectiveMilliseconds / 1000 }
        try settings.validate()
        guard !settings.targets.isEmpty else {
            throw CommandFailure.usage(
                "there is nowhere to send requests to", hint: "give --url, or targets in the configuration")
        }
        return settings
    }

    /// Waits until the run has ended, printing a line whenever an interval has.
    private func play(_ generator: LoadGenerator) -> [LoadInterval] {
        var intervals: [LoadInterval] = []
        let start = ContinuousClock.now
        while true {
            let end = start + .seconds(interval * Double(intervals.count + 1))
            while ContinuousClock.now < end, !generator.isFinished, Interruption.signalNumber == nil {
                Thread.sleep(forTimeInterval: min(0.02, interval / 10))
            }
            if Interruption.signalNumber != nil { generator.stop() }
            // Asked before the harvest, so that nothing happens after the last one.
            let isLast = generator.isFinished
            intervals.append(generator.harvest())
            if let interval = intervals.last { print(LoadReport.line(interval)) }
            if isLast { return intervals }
        }
    }
}

/// What `berth load` prints and writes.
struct LoadReport: Encodable {
    /// One interval, or all of them. Seconds; what could not be measured is left out.
    struct Figures: Encodable {
        var startSeconds: Double
        var durationSeconds: Double
        var arrived: Int
        var completed: Int
        var rejected: Rejections
        var timedOut: Int
        var inFlight: Int
        var overObjective: Int
        var p50Seconds: Double?
        var p95Seconds: Double?
        var p99Seconds: Double?
        var meanSeconds: Double?
        var maximumSeconds: Double?
        var sendDelayP99Seconds: Double?
        var sendDelayMaximumSeconds: Double?

        init(_ interval: LoadInterval) {
            (startSeconds, durationSeconds) = (interval.start, interval.duration)
            (arrived, completed, timedOut) = (interval.arrived, interval.completed, interval.timedOut)
            (rejected, inFlight, overObjective) = (interval.rejections, interval.inFlight, interval.overObjective)
            (p50Seconds, p95Seconds, p99Seconds) = (interval.p50, interval.p95, interval.p99)
            (meanSeconds, maximumSeconds) = (interval.finished.mean, interval.finished.maximum)
            (sendDelayP99Seconds, sendDelayMaximumSeconds) = (
                interval.sendDelays.quantile(0.99), interval.sendDelays.maximum
            )
        }
    }

    var settings: LoadSettings
    var intervals: [Figures]
    var summary: Figures
    let whole: LoadInterval

    enum CodingKeys: CodingKey {
        case settings, intervals, summary
    }

    init(_ settings: LoadSettings, _ intervals: [LoadInterval]) {
        self.settings = settings
        self.intervals = intervals.map(Figures.init)
        var whole = intervals[0]
        for next in intervals.dropFirst() { whole = whole.followed(by: next) }
        self.whole = whole
        summary = Figures(whole)
    }

    static let header = line([
        "seconds", "arrived", "per_s", "completed", "rejected", "timed_out", "in_flight", "over", "p50_ms", "p95_ms",
        "p99_ms", "sent_late_p99_ms",
    ])

    static func line(_ interval: LoadInterval) -> String {
        line([
            String(format: "%.1f", interval.end), "\(interval.arrived)",
            String(format: "%.1f", interval.duration > 0 ? Double(interval.arrived) / interval.duration : 0),
            "\(interval.completed)", "\(interval.rejected)", "\(interval.timedOut)", "\(interval.inFlight)",
            "\(interval.overObjective)", milliseconds(interval.p50), milliseconds(interval.p95),
            milliseconds(interval.p99), milliseconds(interval.sendDelays.quantile(0.99)),
        ])
    }

    private static func line(_ columns: [String]) -> String {
        columns.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined(separator: " ")
    }

    static func milliseconds(_ seconds: Double?) -> String {
        seconds.map { String(format: "%.3f", $0 * 1000) } ?? "-"
    }

    var summaryText: String {
        let share = whole.arrived > 0 ? 100 * Double(whole.overObjective) / Double(whole.arrived) : 0
        return """
            \(whole.arrived) requests in \(String(format: "%.1f", whole.duration)) s: \(whole.completed) completed, \
            \(whole.rejected) rejected, \(whole.timedOut) timed out, \(whole.inFlight) in flight; \
            \(whole.overObjective) (\(String(format: "%.2f", share)) %) over \
            \(String(format: "%g", settings.objective * 1000)) ms
            latency in ms: p50 \(Self.milliseconds(whole.p50)), p95 \(Self.milliseconds(whole.p95)), \
            p99 \(Self.milliseconds(whole.p99)), maximum \(Self.milliseconds(whole.finished.maximum)); \
            sent late: p50 \(Self.milliseconds(whole.sendDelays.quantile(0.5))), \
            p99 \(Self.milliseconds(whole.sendDelays.quantile(0.99)))
            """
    }

    /// What most rejections have in common.
    var rejectionHint: String? {
        let reasons = whole.rejections
        if reasons.connection > 0 { return "connections are refused or break; check the URLs" }
        if reasons.status > 0 { return "the answers have a status of 400 or more; check the URLs" }
        if whole.timedOut > 0 { return "no answer came within \(settings.timeout) s" }
        return nil
    }
}
