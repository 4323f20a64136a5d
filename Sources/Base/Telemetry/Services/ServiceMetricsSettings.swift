public import Settings

/// A Prometheus server that knows what services do, and how it is asked.
public struct ServiceMetricsSettings: Configurable, Equatable {
    /// The server's address. Empty: there is none, and what services do is missing.
    public var url = ""
    /// Whose metrics are read.
    public var preset = ServiceMetricsPreset.histogram
    /// What picks a service's series among the preset's: PromQL's matchers, with {namespace} and {service} for the
    /// Deployment's. Empty: the preset's own. In a regular expression a dot in a name matches any character.
    public var selector = ""
    /// How the preset's latencies are counted.
    public var histograms = HistogramKind.classic
    /// One's own queries, for the preset `own`.
    public var queries = ServiceQuerySettings()
    /// Length of the window in seconds. Two scrapes must fit in; with fewer than four, a scrape that is late makes
    /// values missing.
    public var window = 20
    /// Seconds for a query.
    public var timeout = 10.0

    /// No server.
    public init() {}

    public func validate() throws(SettingsError) {
        try require(
            "url", url.isEmpty || url.hasPrefix("http://") || url.hasPrefix("https://"),
            must: "begin with http:// or https://, or be empty, found '\(url)'")
        try require("window", window, in: 2...3_600)
        try require("timeout", timeout, in: 0.1...600)
        if preset == .own {
            try require("selector", selector.isEmpty, must: "be empty with the preset own: its queries pick the series")
            try require("queries", queries != .init(), must: "be given with the preset own")
        } else {
            try require(
                "queries", queries == .init(),
                must: "be left out with the preset \(preset.rawValue); queries of your own need the preset own")
            if !selector.isEmpty {
                let names = ["namespace", "service"]
                try QueryTemplate.check("selector", selector, known: names, required: names)
            }
        }
    }

    /// The queries that the preset stands for, or the user's own.
    var serviceQueries: ServiceQueries {
        if let names = preset.names {
            return names.queries(selector: selector.isEmpty ? names.selector : selector, histograms: histograms)
        }
        return ServiceQueries(
            newest: queries.newest, requestRate: queries.requestRate, errorShare: queries.errorShare,
            buckets: queries.buckets, quantile: queries.quantile, unit: 1)
    }
}

/// One's own PromQL for what a service does. Each query must give one series, but `buckets`; {namespace} and {service}
/// stand for the Deployment's, {window} for the window such as 20s. Empty: that value is missing.
public struct ServiceQuerySettings: Configurable, Equatable {
    /// When the newest sample behind the values was taken, in seconds since 1970:
    /// `max(timestamp(my_requests_total{...}))`. Always needed: without it what a dead exporter once said would look
    /// fresh.
    public var newest = ""
    /// Requests per second.
    public var requestRate = ""
    /// Share of the requests that failed, 0...1.
    public var errorShare = ""
    /// A classic histogram's buckets by their bound in seconds: `sum by (le) (rate(my_seconds_bucket{...}[{window}]))`.
    /// All quantiles are computed from them.
    public var buckets = ""
    /// A latency quantile in seconds, with {quantile} for 0.5, 0.95 and 0.99; in place of `buckets`. Not
    /// `histogram_quantile` of classic buckets: beyond the last bound that returns the bound, which nobody measured.
    public var quantile = ""

    /// No queries.
    public init() {}

    public func validate() throws(SettingsError) {
        guard self != .init() else { return }
        try require("newest", notEmpty: newest)
        try require(
            "quantile", buckets.isEmpty || quantile.isEmpty, must: "be left out where buckets give the quantiles")
        try require(
            "quantile", !(quantile.contains("histogram_quantile") && quantile.contains("_bucket")),
            must: "not be histogram_quantile of classic buckets, which ends at the last bound; give buckets instead")
        let values = [
            ("newest", newest), ("requestRate", requestRate), ("errorShare", errorShare), ("buckets", buckets),
        ]
        let names = ["namespace", "service", "window"]
        for (key, text) in values where !text.isEmpty {
            try QueryTemplate.check(key, text, known: names, required: ["service"])
        }
        if !quantile.isEmpty {
            try QueryTemplate.check(
                "quantile", quantile, known: names + ["quantile"], required: ["service", "quantile"])
        }
    }
}
