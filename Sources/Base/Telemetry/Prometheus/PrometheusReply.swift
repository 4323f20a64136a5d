public import Windows

/// What a Prometheus server answered to a query.
public struct PrometheusReply: Sendable, Equatable {
    /// A series at the moment of an instant query.
    public struct VectorElement: Sendable, Equatable {
        /// Its labels, `__name__` among them where the query kept it.
        public var labels: [String: String]
        /// Its value, as of the moment that was asked about; may be NaN or infinite.
        public var sample: Reading

        /// A series with all its parts.
        public init(labels: [String: String], sample: Reading) {
            self.labels = labels
            self.sample = sample
        }
    }

    /// A series over time.
    public struct MatrixElement: Sendable, Equatable {
        /// Its labels, `__name__` among them where the query kept it.
        public var labels: [String: String]
        /// Its values, ascending in time; may be NaN or infinite.
        public var samples: [Reading]

        /// A series with all its parts.
        public init(labels: [String: String], samples: [Reading]) {
            self.labels = labels
            self.samples = samples
        }
    }

    /// A result of one of the four types.
    public enum Result: Sendable, Equatable {
        /// One value for each series.
        case vector([VectorElement])
        /// Values over time for each series.
        case matrix([MatrixElement])
        /// A number.
        case scalar(Reading)
        /// A text and the moment that was asked about, in seconds since 1970.
        case string(String, time: Double)
    }

    /// The result.
    public var result: Result
    /// What the server warns of. Thanos and other servers of many parts name here the parts that did not answer: then
    /// the result lacks their series.
    public var warnings: [String] = []
    /// What the server wants known about the query.
    public var infos: [String] = []
    /// Series that hold native histograms, which have no one value; they are not in the result.
    public var unreadHistograms = 0

    /// A reply without warnings.
    public init(result: Result, unreadHistograms: Int = 0) {
        self.result = result
        self.unreadHistograms = unreadHistograms
    }

    /// Whether the server warned that something may be missing from the result.
    public var mayBePartial: Bool { !warnings.isEmpty }

    /// The one value of a scalar, or of a vector of exactly one series; `nil` for anything else, none or several.
    public var singleValue: Reading? {
        switch result {
        case .scalar(let value): value
        case .vector(let elements) where elements.count == 1: elements[0].sample
        default: nil
        }
    }

    /// A matrix's samples by the moment that they were scraped, ascending: what an exporter's own text would have said.
    ///
    /// Asking for a range selector (`node_cpu_seconds_total{instance="a"}[60s]`) in an instant query yields samples
    /// with the times at which they were measured; a plain selector yields values with the time of the query, however
    /// old they are. Empty for results of other types, and series without `__name__` are left out.
    public var scrapes: [(time: Double, samples: [MetricSample])] {
        guard case .matrix(let elements) = result else { return [] }
        var byTime: [Double: [MetricSample]] = [:]
        for element in elements {
            guard let (name, labels) = element.metric else { continue }
            for sample in element.samples {
                byTime[sample.time, default: []].append(
                    MetricSample(name: name, labels: labels, value: sample.value, timestamp: sample.time))
            }
        }
        return byTime.sorted { $0.key < $1.key }.map { (time: $0.key, samples: $0.value) }
    }

    /// The latest sample of each of a matrix's series, with the time at which it was scraped. Empty for results of other
    /// types; series without `__name__` are left out.
    public var latest: [MetricSample] {
        guard case .matrix(let elements) = result else { return [] }
        return elements.compactMap { element in
            guard let (name, labels) = element.metric, let last = element.samples.last else { return nil }
            return MetricSample(name: name, labels: labels, value: last.value, timestamp: last.time)
        }
    }
}

extension PrometheusReply.MatrixElement {
    /// The metric's name and its other labels; `nil` where the query dropped the name.
    fileprivate var metric: (name: String, labels: MetricLabels)? {
        guard let name = labels["__name__"] else { return nil }
        var others = MetricLabels()
        for (label, value) in labels.sorted(by: { $0.key < $1.key }) where label != "__name__" {
            others.append(label, value)
        }
        return (name, others)
    }
}
