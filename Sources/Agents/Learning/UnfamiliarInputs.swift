public import Checkpoints
import Cluster
import Gym
import Randomness
import Synchronization

/// What training saw of a feature that a policy reads.
public struct TrainedFeature: Sendable, Equatable, Codable {
    /// The kind of row, `context` or `candidate`, and the feature's name in the schema, as in
    /// `candidate: node: cpu used / allocatable`.
    public let name: String
    /// Share of the rows in which it was measured, from 0 to 1: the mean of its mask feature; 1 without one. Of features
    /// over all services, the mean share of services.
    public let presence: Double
    /// Mean over all rows, where a missing value is 0.
    public let mean: Double
    /// Standard deviation over all rows, where a missing value is 0.
    public let standardDeviation: Double
    /// Least value; `nil` if the checkpoint was written before extremes were kept.
    public let minimum: Double?
    /// Greatest value; `nil` if the checkpoint was written before extremes were kept.
    public let maximum: Double?
    /// Whether it ever had different values: if not, the policy ignores it.
    public let hasVaried: Bool

    init(_ names: [String], _ column: Int, of normalizer: ObservationNormalizer, row: String) {
        let statistics = normalizer.statistics
        name = "\(row): \(names[column])"
        presence = Self.mask(of: column, among: names).map { statistics.mean[$0] } ?? 1
        mean = statistics.mean[column]
        standardDeviation = statistics.variance(column).squareRoot()
        minimum = statistics.extremes?.minimum[column]
        maximum = statistics.extremes?.maximum[column]
        hasVaried = normalizer.hasVaried(column)
    }

    /// The column of the mask feature of `column`: the encoder writes it right after what it is the mask of.
    private static func mask(of column: Int, among names: [String]) -> Int? {
        guard column + 1 < names.count, isMask(names[column + 1]), !isMask(names[column]) else { return nil }
        return column + 1
    }

    private static func isMask(_ name: String) -> Bool {
        name.hasSuffix(" measured") || name.hasSuffix(" is predicted")
    }

    /// Values that training has seen, or might have: none beyond them and `UnfamiliarInputs.deviations` standard
    /// deviations from the mean.
    var familiarRange: ClosedRange<Float> {
        let reach = UnfamiliarInputs.deviations * standardDeviation
        let (low, high) = (min(minimum ?? mean, mean - reach), max(maximum ?? mean, mean + reach))
        let rounding = ObservationNormalizer.leastRange * max(1, abs(low), abs(high))
        return Float(low - rounding)...Float(high + rounding)
    }
}

/// Counts, for each feature that a policy reads, the values that its training never saw: beyond the least and the
/// greatest one, and further than `deviations` standard deviations from the mean. Of a feature that never varied in
/// training it is every other value; the policy ignores those.
///
/// Safe to share between threads: all copies of a policy count together. A decision without unfamiliar inputs takes no
/// lock.
public final class UnfamiliarInputs: Sendable {
    /// How many standard deviations of the training's rows from their mean a value may lie, where training saw none so
    /// far away.
    public static let deviations = 5.0

    /// A feature and its unfamiliar values so far.
    public struct Count: Sendable, Equatable, Codable {
        /// The feature.
        public let feature: TrainedFeature
        /// Rows that held an unfamiliar value of it.
        public let count: Int
    }

    /// What is called for each feature with unfamiliar values in a decision: the feature, how many rows of the decision
    /// hold one, and whether they are the first ones.
    public typealias Observer = @Sendable (_ feature: TrainedFeature, _ count: Int, _ isFirst: Bool) -> Void

    /// What the policy reads: the features of the context, then those of candidates.
    public let features: [TrainedFeature]
    private let contextWidth: Int
    private let ranges: [ClosedRange<Float>]
    private let counts: Mutex<[Int]>
    private let observer: Observer?

    /// A counter for the policy of a checkpoint; `nil` where nothing is known of what its training saw: it is a table,
    /// or its observations are not normalised.
    /// - Parameter observer: called on the thread that decides, after each decision with unfamiliar inputs.
    /// - Throws: `CheckpointError` when a part is missing or of another shape.
    public init?(_ checkpoint: Checkpoint, observer: Observer? = nil) throws {
        guard checkpoint.hasParameters("actor.candidate") else { return nil }
        let schema = try checkpoint.schema()
        // The critic alone reads the rows of nodes.
        guard
            let kinds = try checkpoint.normalizer(
                widths: [schema.context.count, schema.node.count, schema.candidate.count])?.kinds,
            kinds[0].statistics.count > 0, kinds[2].statistics.count > 0
        else { return nil }
        features =
            schema.context.indices.map { TrainedFeature(schema.context, $0, of: kinds[0], row: "context") }
            + schema.candidate.indices.map { TrainedFeature(schema.candidate, $0, of: kinds[2], row: "candidate") }
        contextWidth = schema.context.count
        ranges = features.map(\.familiarRange)
        counts = Mutex(Array(repeating: 0, count: features.count))
        self.observer = observer
    }

    /// The features with unfamiliar values so far, the most frequent first.
    public func snapshot() -> [Count] {
        let counts = counts.withLock { $0 }
        return zip(features, counts).filter { $0.1 > 0 }.map { Count(feature: $0.0, count: $0.1) }
            .sorted { $0.count > $1.count }
    }

    /// Counts the rows of a batch that is not normalised.
    /// - Precondition: it has the widths of the checkpoint.
    func count(_ batch: CandidateBatch) {
        var found: [Int] = []
        scan(batch.contexts, columns: 0..<contextWidth, &found)
        scan(batch.candidateRows, columns: contextWidth..<features.count, &found)
        let columns = found.indices.filter { found[$0] > 0 }
        guard !columns.isEmpty else { return }
        let isFirst = counts.withLock { counts in
            columns.map { column in
                defer { counts[column] += found[column] }
                return counts[column] == 0
            }
        }
        guard let observer else { return }
        for (column, isFirst) in zip(columns, isFirst) { observer(features[column], found[column], isFirst) }
    }

    private func scan(_ values: [Float], columns: Range<Int>, _ found: inout [Int]) {
        precondition(values.count.isMultiple(of: max(1, columns.count)), "rows of another width")
        let ranges = ranges
        for start in stride(from: 0, to: values.count, by: max(1, columns.count)) {
            for column in columns where !ranges[column].contains(values[start + column - columns.lowerBound]) {
                if found.isEmpty { found = Array(repeating: 0, count: features.count) }
                found[column] += 1
            }
        }
    }
}
