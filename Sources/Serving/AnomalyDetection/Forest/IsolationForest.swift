public import Randomness
import Settings

/// An isolation forest over rows of features: rows that few random cuts separate from the others are unusual.
///
/// Liu, Ting and Zhou, "Isolation Forest", ICDM 2008. A row's score is s = 2^(-E(h) / c(n)) with E(h) the mean length of
/// its paths and c(n) `PathLength.expected` of a tree's sample: near 1 for a row that is isolated at once, 0.5 for one with
/// paths of mean length, towards 0 for one in a crowd.
///
/// A missing value is NaN. At a cut of its feature a row without it goes to the side that held more of the tree's sample
/// (the lower one when both held as many), in growing as in scoring: what is missing makes no row unusual. A row without
/// any value has no score. Infinite values are refused.
///
/// Coding keeps everything and is the same for equal rows, settings and generators.
public struct IsolationForest: Sendable, Equatable, Codable {
    private let nodes: ForestNodes
    /// Rows with a score above it count as anomalous. With a contamination, the score that at most that share of the rows
    /// that the forest was grown from lies above; else 0.5.
    public let threshold: Double

    /// Grows a forest.
    /// - Parameters:
    ///   - rows: at least 2 rows, one after the other, NaN for missing values. Rows without any value are left out.
    ///   - width: features of a row.
    ///   - settings: trees, sample and contamination.
    ///   - generator: draws samples and cuts.
    /// - Throws: `AnomalyError` for too few rows, values that are not whole rows, infinite values, or settings out of
    ///   range.
    /// - Complexity: O(trees × sampleSize × log(sampleSize)), and with a contamination that of `scores(of:)`.
    public init(
        rows: Span<Float>, width: Int, settings: IsolationForestSettings = .init(),
        generator: inout RandomGenerator
    ) throws(AnomalyError) {
        do { try settings.validate() } catch { throw AnomalyError("isolation forest: \(error)") }
        let given = try RowChecks.rowCount(rows, width: width)
        let valued = RowChecks.rowsWithValues(rows, width: width)
        guard valued >= 2 else {
            throw AnomalyError(
                "an isolation forest needs at least 2 rows with values, found \(valued) of \(given) rows")
        }
        if valued == given {
            self.init(complete: rows, width: width, settings, &generator)
        } else {
            let kept = RowChecks.onlyRowsWithValues(rows, width: width)
            self.init(complete: kept.span, width: width, settings, &generator)
        }
    }

    private init(
        complete rows: Span<Float>, width: Int, _ settings: IsolationForestSettings, _ generator: inout RandomGenerator
    ) {
        let count = rows.count / width
        let sampleSize = min(settings.sampleSize, count)
        var nodes = ForestNodes(width: width, trees: settings.trees, sampleSize: sampleSize)
        var grower = TreeGrower(width: width, sampleSize: sampleSize, rows: count)
        for tree in 0..<settings.trees {
            grower.grow(tree: tree, from: rows, count: count, into: &nodes, generator: &generator)
        }
        self.nodes = nodes
        guard let contamination = settings.contamination else {
            threshold = 0.5
            return
        }
        var sums = Array(repeating: 0.0, count: count)
        var span = sums.mutableSpan
        nodes.addPathLengths(rows, to: &span)
        // The longer the paths the lower the score: the order of the sums is that of the scores reversed.
        sums.sort()
        threshold = nodes.score(pathLengths: sums[Int(contamination * Double(count))])
    }

    /// Features of a row.
    public var width: Int { nodes.width }
    /// Number of trees.
    public var trees: Int { nodes.trees }
    /// Rows that each tree was grown from.
    public var sampleSize: Int { nodes.sampleSize }

    /// The score of each row, in (0, 1); NaN for a row without any value.
    /// - Parameter rows: rows of `width` features, one after the other, NaN for missing values.
    /// - Throws: `AnomalyError` for values that are not whole rows, or that are infinite.
    /// - Complexity: O(rows × trees × log(sampleSize)); nothing is allocated for a row.
    public func scores(of rows: Span<Float>) throws(AnomalyError) -> [Double] {
        var scores = try sums(rows)
        for row in scores.indices { scores[row] = nodes.score(pathLengths: scores[row]) }
        return scores
    }

    /// The mean length of each row's paths, E(h), from 1 edge (0 where all rows were equal) up to the height limit + c of
    /// what the deepest leaves held; NaN for a row without any value.
    /// - Parameter rows: as for `scores(of:)`.
    /// - Throws: as `scores(of:)`.
    public func meanPathLengths(of rows: Span<Float>) throws(AnomalyError) -> [Double] {
        try sums(rows).map { $0 / Double(trees) }
    }

    /// The sum of the lengths of each row's paths; NaN for a row without any value.
    private func sums(_ rows: Span<Float>) throws(AnomalyError) -> [Double] {
        let count = try RowChecks.rowCount(rows, width: width)
        var sums = Array(repeating: 0.0, count: count)
        var span = sums.mutableSpan
        nodes.addPathLengths(rows, to: &span)
        for row in 0..<count where !RowChecks.hasValue(rows, row: row, width: width) { sums[row] = .nan }
        return sums
    }

    /// The score of one row; `nil` for a row without any value. The same as that of the row in a batch.
    /// - Throws: `AnomalyError` for another width than the forest's or infinite values.
    public func score(of row: Span<Float>) throws(AnomalyError) -> Double? {
        guard row.count == width else {
            throw AnomalyError("a row of \(row.count) values, expected the forest's \(width) features")
        }
        guard try RowChecks.rowCount(row, width: width) == 1, RowChecks.hasValue(row, row: 0, width: width) else {
            return nil
        }
        return nodes.score(pathLengths: nodes.pathLengths(row))
    }

    /// Whether a row with this score counts as anomalous.
    public func isAnomalous(_ score: Double) -> Bool { score > threshold }
}
