/// A format in which exporters write metrics.
public enum ExpositionFormat: Sendable, Hashable, CaseIterable {
    /// Prometheus' text format 0.0.4: times in milliseconds, and nothing tells a whole text from one cut between lines
    /// (https://prometheus.io/docs/instrumenting/exposition_formats/).
    case prometheus
    /// OpenMetrics 1.0: times in seconds, exemplars, and "# EOF" as the last line
    /// (https://prometheus.io/docs/specs/om/open_metrics_spec/).
    case openMetrics

    /// What to send as the Accept header: OpenMetrics first, whose end marks a whole text, then Prometheus' format.
    public static let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

    /// The format that a Content-Type header announces; `nil` for any other content, an error page say.
    ///
    /// Exporters that send no type, and plain text of any version, are read as Prometheus' format, as its server does.
    public init?(contentType: String?) {
        let type = (contentType ?? "").prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        switch type {
        case "", "text/plain": self = .prometheus
        case "application/openmetrics-text": self = .openMetrics
        default: return nil
        }
    }
}
