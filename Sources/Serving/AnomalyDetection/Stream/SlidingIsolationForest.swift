public import Randomness
import Settings

/// The score of a row of a stream.
public struct StreamScore: Sendable, Hashable {
    /// The isolation forest's score, in (0, 1), by trees that have not seen the row.
    public var value: Double
    /// The score above which a row counts as anomalous.
    public var threshold: Double

    /// A score beside its threshold.
    public init(value: Double, threshold: Double) {
        (self.value, self.threshold) = (value, threshold)
    }

    /// Whether the row counts as anomalous.
    public var isAnomalous: Bool { value > threshold }
}

/// An isolation forest that follows a stream: it scores each row by what the last rows were like.
///
/// The last `window` rows are kept, anomalous ones too, for nobody says which they are. Every `renewalInterval` rows the
/// oldest tree is replaced by one grown from a sample of the window, so that no row waits for a whole forest; the first
/// forest is grown at once, when `sampleSize` rows are there, and before that there is no score. Ding and Fei ("An anomaly
/// detection approach based on isolation forest algorithm for streaming data using sliding window", IFAC ICONS 2013)
/// replace the whole forest when too many rows count as anomalous; this one needs no such rule. A change of the rows'
/// distribution is unusual until trees know it: at the latest, one window after the change all rows in the window are new.
///
/// Missing and infinite values are as for `IsolationForest`. Coding keeps everything, generator included: a stored detector
/// goes on bit for bit.
public struct SlidingIsolationForest: Sendable {
    /// How the stream is followed.
    public let settings: SlidingForestSettings
    private var window: RowWindow
    private var nodes: ForestNodes
    private var generator: RandomGenerator
    private var hasForest = false
    private var nextTree = 0
    private var rowsUntilRenewal: Int
    private var recentScores: RecentScores
    private var grower: TreeGrower

    /// A detector that has seen nothing.
    /// - Parameters:
    ///   - width: features of a row, 1 or more.
    ///   - settings: trees, window and renewal.
    ///   - generator: draws samples and cuts; kept and stored.
    /// - Throws: `AnomalyError` for a width below 1 or settings out of range.
    public init(
        width: Int, settings: SlidingForestSettings = .init(), generator: RandomGenerator
    ) throws(AnomalyError) {
        do { try settings.validate() } catch { throw AnomalyError("sliding isolation forest: \(error)") }
        guard (1...1_000_000).contains(width) else {
            throw AnomalyError("rows need from 1 to 1000000 features, found a width of \(width)")
        }
        (self.settings, self.generator) = (settings, generator)
        window = RowWindow(width: width, capacity: settings.window)
        nodes = ForestNodes(width: width, trees: settings.trees, sampleSize: settings.sampleSize)
        rowsUntilRenewal = settings.renewalInterval
        recentScores = RecentScores(capacity: settings.window)
        grower = TreeGrower(width: width, sampleSize: settings.sampleSize, rows: settings.window)
    }

    /// Features of a row.
    public var width: Int { window.width }
    /// Rows that are kept, at most the settings' `window`.
    public var rows: Int { window.count }

    /// Scores a row by the rows before it, then keeps it and renews the oldest tree if it is time.
    ///
    /// With a contamination, the threshold follows from the scores of the rows in the window as they were when the rows
    /// came; those of the rows from which the first forest was grown are by that forest. It stays within the share because
    /// the scores of anomalous rows raise it: a lasting change is flagged for about that share of a window.
    /// - Parameter row: `width` values, NaN for missing ones.
    /// - Returns: `nil` before `sampleSize` rows were seen, and for a row without any value, which is not kept either.
    /// - Throws: `AnomalyError` for another width or an infinite value; the row is then not kept.
    /// - Complexity: O(trees × log(sampleSize)), amortised plus O(sampleSize × log(sampleSize) / renewalInterval).
    public mutating func observe(_ row: Span<Float>) throws(AnomalyError) -> StreamScore? {
        guard row.count == width else {
            throw AnomalyError("a row of \(row.count) values, expected the detector's \(width) features")
        }
        guard try RowChecks.rowCount(row, width: width) == 1, RowChecks.hasValue(row, row: 0, width: width) else {
            return nil
        }
        var score: StreamScore?
        if hasForest {
            let value = nodes.score(pathLengths: nodes.pathLengths(row))
            score = StreamScore(value: value, threshold: threshold ?? 0.5)
            if settings.contamination != nil { recentScores.add(value) }
        }
        window.add(row)
        if hasForest {
            rowsUntilRenewal -= 1
            if rowsUntilRenewal == 0 { renewOldest() }
        } else if window.count == settings.sampleSize {
            growFirstForest()
        }
        return score
    }

    /// The score above which the next row counts as anomalous; `nil` before there is a score.
    public var threshold: Double? {
        guard hasForest else { return nil }
        guard let contamination = settings.contamination else { return 0.5 }
        return recentScores.threshold(contamination: contamination)
    }

    private mutating func renewOldest() {
        let values = window.values
        grower.grow(
            tree: nextTree, from: values.span, count: window.count, into: &nodes, generator: &generator)
        nextTree = (nextTree + 1) % settings.trees
        rowsUntilRenewal = settings.renewalInterval
    }

    private mutating func growFirstForest() {
        for _ in 0..<settings.trees { renewOldest() }
        hasForest = true
        guard settings.contamination != nil else { return }
        var sums = Array(repeating: 0.0, count: window.count)
        var span = sums.mutableSpan
        nodes.addPathLengths(window.values.span, to: &span)
        for sum in sums { recentScores.add(nodes.score(pathLengths: sum)) }
    }
}

extension SlidingIsolationForest: Codable {
    private enum CodingKeys: String, CodingKey {
        case settings, window, nodes, generator, hasForest, nextTree, rowsUntilRenewal, recentScores
    }

    /// Reads a stored detector.
    /// - Throws: `DecodingError` for parts that do not fit together.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        settings = try container.decode(SlidingForestSettings.self, forKey: .settings)
        window = try container.decode(RowWindow.self, forKey: .window)
        generator = try container.decode(RandomGenerator.self, forKey: .generator)
        hasForest = try container.decode(Bool.self, forKey: .hasForest)
        nextTree = try container.decode(Int.self, forKey: .nextTree)
        rowsUntilRenewal = try container.decode(Int.self, forKey: .rowsUntilRenewal)
        recentScores = try container.decode(RecentScores.self, forKey: .recentScores)
        func refuse(_ problem: String) -> DecodingError {
            DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath, debugDescription: "not a sliding isolation forest: \(problem)"))
        }
        do { try settings.validate() } catch { throw refuse("\(error)") }
        nodes =
            try hasForest
            ? container.decode(ForestNodes.self, forKey: .nodes)
            : ForestNodes(width: window.width, trees: settings.trees, sampleSize: settings.sampleSize)
        grower = TreeGrower(width: window.width, sampleSize: settings.sampleSize, rows: settings.window)
        guard generator.state.contains(where: { $0 != 0 }), window.capacity == settings.window,
            recentScores.capacity == settings.window,
            nodes.width == window.width, nodes.trees == settings.trees, nodes.sampleSize == settings.sampleSize,
            hasForest == (window.count >= settings.sampleSize),
            recentScores.isEmpty == (!hasForest || settings.contamination == nil),
            (0..<settings.trees).contains(nextTree), (1...settings.renewalInterval).contains(rowsUntilRenewal)
        else { throw refuse("its parts do not fit together") }
    }

    /// Writes everything that the next rows depend on.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(settings, forKey: .settings)
        try container.encode(window, forKey: .window)
        if hasForest { try container.encode(nodes, forKey: .nodes) }
        try container.encode(generator, forKey: .generator)
        try container.encode(hasForest, forKey: .hasForest)
        try container.encode(nextTree, forKey: .nextTree)
        try container.encode(rowsUntilRenewal, forKey: .rowsUntilRenewal)
        try container.encode(recentScores, forKey: .recentScores)
    }
}
