/// Measurements that predictors are trained on: one row for each window, node and service that had requests there.
public struct PredictionDataset: Sendable, Equatable {
    /// What a row is of, beside its features.
    public struct Row: Sendable, Hashable {
        /// Names the episode among all of the data set. Rows of one episode are alike and never on both sides of a split.
        public var episode: Int
        /// What drew the episode's load and interference. Episodes of equal seeds are repetitions of each other.
        public var seed: UInt64
        /// The window within the episode, from 0.
        public var window: Int
        /// When the window was recorded, in seconds since 1970; 0 for a simulated one.
        public var time: Double
        /// Name of the node.
        public var node: String
        /// Name of the service.
        public var service: String
        /// Latencies that the label is taken of.
        public var requests: Double
        /// Seconds of age of the oldest measurement among the features; 0 where none was measured.
        public var age: Double
        /// The service's latency objective in seconds.
        public var objective: Double
        /// The label: 99th percentile of the latency in seconds.
        public var p99: Double

        /// A row's description and label.
        public init(
            episode: Int, seed: UInt64, window: Int, time: Double = 0, node: String, service: String,
            requests: Double, age: Double, objective: Double, p99: Double
        ) {
            (self.episode, self.seed, self.window, self.time) = (episode, seed, window, time)
            (self.node, self.service, self.requests) = (node, service, requests)
            (self.age, self.objective, self.p99) = (age, objective, p99)
        }
    }

    /// Names of the features, in their order.
    public let features: [String]
    /// Length of a window in seconds.
    public let windowSeconds: Double
    /// Tells what recorded it; empty where that is not known. What goes on with a recording has to be of the same origin.
    public var origin = ""
    /// The rows.
    public private(set) var rows: [Row] = []
    /// The rows' features, rows × features; NaN where missing.
    public private(set) var values: [Float] = []

    /// A data set without rows.
    public init(features: [String] = PredictionFeature.names, windowSeconds: Double) {
        self.features = features
        self.windowSeconds = windowSeconds
    }

    /// Number of rows.
    public var count: Int { rows.count }
    /// Number of features.
    public var width: Int { features.count }
    /// The numbers of its episodes, in ascending order.
    public var episodes: [Int] { Set(rows.map(\.episode)).sorted() }

    /// One more than the largest number of its episodes; 0 without rows.
    public var nextEpisode: Int { (rows.map(\.episode).max() ?? -1) + 1 }

    /// The features of row `index`.
    public func features(of index: Int) -> ArraySlice<Float> { values[index * width..<(index + 1) * width] }

    /// Adds a row.
    /// - Precondition: `features` has the data set's width.
    public mutating func append(_ row: Row, features: some Collection<Float>) {
        precondition(features.count == width, "a row of another width")
        rows.append(row)
        values.append(contentsOf: features)
    }

    /// Adds all rows of another data set; its episodes get numbers of their own.
    /// - Throws: `PredictionError` where features or windows differ.
    public mutating func append(_ other: PredictionDataset) throws {
        guard other.features == features else {
            throw PredictionError(
                .mismatch, "data sets of different features cannot be joined: \(features) and \(other.features)")
        }
        guard other.windowSeconds == windowSeconds else {
            throw PredictionError(
                .mismatch, "data sets of windows of \(windowSeconds) s and \(other.windowSeconds) s cannot be joined")
        }
        let first = nextEpisode
        for (index, row) in other.rows.enumerated() {
            var row = row
            row.episode += first
            append(row, features: other.features(of: index))
        }
    }

    /// The rows `indices`, in that order.
    public func selecting(_ indices: some Sequence<Int>) -> PredictionDataset {
        var result = PredictionDataset(features: features, windowSeconds: windowSeconds)
        result.origin = origin
        for index in indices { result.append(rows[index], features: features(of: index)) }
        return result
    }

    /// The same rows without these features' values: all missing.
    package func ignoring(_ names: [String]) -> PredictionDataset {
        guard !names.isEmpty else { return self }
        var result = self
        for (feature, name) in features.enumerated() where names.contains(name) {
            for index in stride(from: feature, to: values.count, by: width) { result.values[index] = .nan }
        }
        return result
    }
}
