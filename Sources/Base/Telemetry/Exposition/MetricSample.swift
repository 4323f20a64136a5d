/// One sample of an exposition text.
public struct MetricSample: Sendable, Equatable {
    /// The metric's name.
    public var name: String
    /// Labels in the order they came.
    public var labels: MetricLabels
    /// The value; may be NaN or infinite.
    public var value: Double
    /// When it was measured, in seconds since 1970; `nil` where the exporter leaves that to the scraper.
    public var timestamp: Double?
    /// An event behind the value (OpenMetrics only).
    public var exemplar: MetricExemplar?

    /// A sample with all its parts.
    public init(
        name: String, labels: MetricLabels = MetricLabels(), value: Double, timestamp: Double? = nil,
        exemplar: MetricExemplar? = nil
    ) {
        self.name = name
        self.labels = labels
        self.value = value
        self.timestamp = timestamp
        self.exemplar = exemplar
    }
}

/// An event that a counter or a bucket counted: OpenMetrics' link from a metric to a trace.
public struct MetricExemplar: Sendable, Equatable {
    /// What names the event, a trace's id say.
    public var labels: MetricLabels
    /// The event's value.
    public var value: Double
    /// When it happened, in seconds since 1970, where it says.
    public var timestamp: Double?

    /// An exemplar with all its parts.
    public init(labels: MetricLabels, value: Double, timestamp: Double? = nil) {
        self.labels = labels
        self.value = value
        self.timestamp = timestamp
    }
}

/// The labels of a sample.
public struct MetricLabels: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// Names and values in the order they came.
    public private(set) var pairs: [(name: String, value: String)] = []

    /// No labels.
    public init() {}

    /// Labels from a literal.
    public init(dictionaryLiteral elements: (String, String)...) {
        pairs = elements.map { (name: $0.0, value: $0.1) }
    }

    /// The value of a label; `nil` where it is absent, which Prometheus takes for empty.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// Whether both hold the same labels in the same order.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.pairs.elementsEqual(rhs.pairs) { $0.name == $1.name && $0.value == $1.value }
    }

    mutating func append(_ name: String, _ value: String) {
        pairs.append((name, value))
    }
}
