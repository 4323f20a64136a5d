public import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps every metric in memory and writes them as Prometheus text (version 0.0.4).
///
/// Counters become counters, gauges and meters gauges; timers become histograms in seconds, aggregating recorders
/// histograms in their own unit. Labels are taken as metric names as they are, but for characters that Prometheus does
/// not allow, which become "_". A name that is in use with another type is kept apart by a suffix "_2".
public final class PrometheusRegistry: MetricsFactory, Sendable {
    /// Upper bounds of the histograms' buckets.
    public static let standardBuckets = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private struct Family {
        var kind: SeriesKind
        var series: [String: any MetricSeries] = [:]
    }

    private struct Contents {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
        /// Of histograms whose buckets are not the registry's.
        var buckets: [String: [Double]] = [:]
    }

    private let contents = Mutex(Contents())
    private let buckets: [Double]

    /// An empty registry.
    /// - Parameter buckets: upper bounds of the histograms' buckets, ascending.
    public init(buckets: [Double] = PrometheusRegistry.standardBuckets) {
        self.buckets = buckets
    }

    /// Sets the HELP text of a metric.
    public func describe(_ name: String, _ help: String) {
        contents.withLock { $0.help[Self.sanitized(name)] = help }
    }

    /// Gives a histogram buckets of its own, before it is first used.
    /// - Parameter buckets: upper bounds, ascending.
    public func setBuckets(_ buckets: [Double], for name: String) {
        contents.withLock { $0.buckets[Self.sanitized(name)] = buckets }
    }

    private func buckets(of name: String) -> [Double] {
        contents.withLock { $0.buckets[Self.sanitized(name)] } ?? buckets
    }

    /// All metrics as Prometheus text, sorted by name and labels.
    public func text() -> String {
        let (families, help) = contents.withLock { ($0.families, $0.help) }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let help = help[name] { text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name: name, labels: labels, to: &text)
            }
        }
        return text
    }

    // MARK: MetricsFactory

    /// The counter of this name and these dimensions; the same each time.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { CounterSeries() }
    }

    /// The gauge of this name and these dimensions; the same each time.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries() }
    }

    /// The histogram of this name and these dimensions, or the gauge where it does not aggregate.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return series(label, dimensions, .gauge) { GaugeSeries() } }
        let buckets = buckets(of: label)
        return series(label, dimensions, .histogram) { HistogramSeries(buckets: buckets) }
    }

    /// The histogram of this name and these dimensions, in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let buckets = buckets(of: label)
        return series(label, dimensions, .histogram) { HistogramSeries(buckets: buckets) }
    }

    /// Does nothing: a metric that was counted once stays on the page.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Does nothing: a metric that was set once stays on the page.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Does nothing: a metric that was recorded once stays on the page.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Does nothing: a metric that was recorded once stays on the page.
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func series<Series: MetricSeries>(
        _ label: String, _ dimensions: [(String, String)], _ kind: SeriesKind, _ make: () -> Series
    ) -> Series {
        let labels = dimensions.map { "\(Self.sanitized($0.0))=\"\(Self.escaped($0.1, quotes: true))\"" }
            .joined(separator: ",")
        var name = Self.sanitized(label)
        return contents.withLock { contents in
            while let family = contents.families[name], family.kind != kind { name += "_2" }
            if let existing = contents.families[name]?.series[labels] as? Series { return existing }
            let made = make()
            contents.families[name, default: Family(kind: kind)].series[labels] = made
            return made
        }
    }

    private static func sanitized(_ name: String) -> String {
        var result = ""
        for character in name.unicodeScalars {
            let isAllowed =
                character.isASCII
                && (character.properties.isAlphabetic || character == "_" || character == ":"
                    || ("0"..."9").contains(character) && !result.isEmpty)
            result.unicodeScalars.append(isAllowed ? character : "_")
        }
        return result
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.append(character)
            }
        }
        return result
    }
}

enum SeriesKind: String {
    case counter, gauge, histogram
}
