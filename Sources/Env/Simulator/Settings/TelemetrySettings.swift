public import Settings
public import Workloads

/// How one source of telemetry differs from the truth.
public struct TelemetrySource: Configurable, Equatable {
    /// Standard deviation of the measured value / true value.
    public var noise = ValueRange(0.02, 0.05)
    /// Control intervals by which values come late, at most 3, or 2 with a `period`: what a counter read within an
    /// interval follows from its beginning and its end.
    public var lag = ValueRange(0, 0)
    /// Seconds between two scrapes of a counter of CPU time, the first at any moment of the first period; absent: one at
    /// the end of each control interval. PCM and services are not scraped: they tell whole intervals.
    public var period: ValueRange?
    /// Probability that a scrape of a node, service or pod fails and the value before stays.
    public var gaps = ValueRange(0, 0.05)
    /// Probability that the whole source is missing for an episode.
    public var dropout = 0.0

    /// Values that are a few per cent off.
    public init() {}

    /// Exact values in time.
    public static var exact: TelemetrySource {
        var source = TelemetrySource()
        (source.noise, source.lag, source.gaps) = (ValueRange(0), ValueRange(0), ValueRange(0))
        return source
    }

    public func validate() throws(SettingsError) {
        try require("noise", noise, in: 0...1)
        try require("lag", lag, in: 0...3)
        if let period {
            try require("period", period, in: 1...3600)
            try require("lag", lag, in: 0...2)
        }
        try require("gaps", gaps, in: 0...1)
        try require("dropout", dropout, in: 0...1)
    }
}

/// What is measured, and how well.
public struct TelemetrySettings: Configurable, Equatable {
    /// PCM: memory bandwidth, cache misses and instructions per cycle of nodes.
    public var pcm = TelemetrySource()
    /// CPU and memory in use on nodes.
    public var node = TelemetrySource()
    /// Rates, errors and latencies of services.
    public var service = TelemetrySource()
    /// CPU in use by pods.
    public var pod = TelemetrySource()
    /// Values older than this are dropped, in seconds.
    public var maximumAge = 90.0

    /// All sources, a few per cent off.
    public init() {}

    /// All sources, exact and in time.
    public static var exact: TelemetrySettings {
        var settings = TelemetrySettings()
        (settings.pcm, settings.node, settings.service, settings.pod) = (.exact, .exact, .exact, .exact)
        return settings
    }

    public func validate() throws(SettingsError) {
        try require("maximumAge", maximumAge, above: 0)
    }
}
