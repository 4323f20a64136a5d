import Foundation
import Settings

/// Compares the last rows with the training data, feature by feature, and says when a level changes.
///
/// **Few rows look like drift.** Without any, the population stability index is about (1/n + 1/m) times a χ² variable with
/// B - 1 degrees of freedom, for n and m rows and B bins (Yurdakul and Naranjo, "Statistical properties of the population
/// stability index", Journal of Risk Model Validation 14, 2020): its mean, (B - 1)(1/n + 1/m), is taken off before levels are
/// judged. What is left still spreads, so the monitor does not speak before so many rows that, without drift, the
/// probability for a feature to reach the moderate threshold is below 1 in 10,000 at a look, by the bound of Laurent and
/// Massart ("Adaptive estimation of a quadratic functional by model selection", Annals of Statistics 28, 2000, lemma 1):
/// P(χ² - k >= 2 √(k x) + 2 x) <= e^-x. With 11 bins, 5,000 training rows and the usual threshold these are 407 rows; at 1,000
/// rows the bound is below 1e-10. All this holds for independent rows: where rows follow each other slowly, take a window
/// that spans many of their cycles.
///
/// Adding a row costs O(width × bins); the figures follow every `interval` rows, at the same cost.
public struct DriftMonitor: Sendable {
    /// What rows are compared with.
    public let reference: DriftReference
    /// When a window counts as drifted.
    public let settings: DriftSettings
    /// Rows before the first report: the settings' or what noise asks for, whichever is more.
    public let minimumRows: Int
    /// The drift as of the last comparison; `nil` before `minimumRows` rows.
    public private(set) var report: DriftReport?
    /// Bins of the window's rows, `width` for each; once full, the next row takes the place of `oldest`.
    private var bins: [UInt8] = []
    private var oldest = 0
    private var counts: [[Int]]
    private var rowsUntilComparison: Int

    /// A monitor that has seen nothing.
    /// - Throws: `DriftError` for settings out of range, or when the reference or the window is too small for the
    ///   thresholds: the message says how many rows it takes.
    public init(reference: DriftReference, settings: DriftSettings = .init()) throws(DriftError) {
        do {
            try settings.populationStability.validate()
            try settings.kullbackLeibler.validate()
            try settings.validate()
        } catch {
            throw DriftError("drift: \(error)")
        }
        (self.reference, self.settings) = (reference, settings)
        counts = reference.features.map { Array(repeating: 0, count: $0.counts.count) }
        minimumRows = max(settings.minimumRows, try Self.rowsAboveNoise(reference, settings))
        rowsUntilComparison = minimumRows
    }

    /// The fewest rows with which noise stays below the moderate thresholds.
    private static func rowsAboveNoise(
        _ reference: DriftReference, _ settings: DriftSettings
    ) throws(DriftError) -> Int {
        let freedom = Double(max(1, (reference.features.map(\.occupied).max() ?? 1) - 1))
        let x = log(10_000.0)
        let excess = 2 * (freedom * x).squareRoot() + 2 * x
        // The divergence of one from the other is half of the sum of both.
        let threshold = min(settings.populationStability.moderate, 2 * settings.kullbackLeibler.moderate)
        let room = threshold / excess - 1 / Double(reference.rows)
        guard room > 0 else {
            throw DriftError(
                "a reference of \(reference.rows) rows in \(Int(freedom) + 1) bins cannot tell a drift of \(threshold) "
                    + "from noise: it takes more than \(count(excess / threshold)) rows, fewer bins or higher thresholds"
            )
        }
        guard 1 / room <= Double(settings.window) else {
            throw DriftError(
                "a window of \(settings.window) rows, beside \(reference.rows) of training data, cannot tell a drift of "
                    + "\(threshold) from noise: it takes \(count(1 / room)) rows, more training data, fewer bins or "
                    + "higher thresholds")
        }
        return Int((1 / room).rounded(.up))
    }

    private static func count(_ rows: Double) -> String { String(format: "%.0f", rows.rounded(.up)) }

    /// Rows in the window.
    public var rows: Int { bins.count / reference.width }

    /// Adds a row and, when it is time, compares the window with the reference.
    /// - Parameter row: a value for each of the reference's features; NaN for a missing one.
    /// - Returns: the levels that have changed, the one over all features last; most often none.
    /// - Throws: `DriftError` for another width or an infinite value; the row is then not counted.
    public mutating func observe(_ row: Span<Float>) throws(DriftError) -> [DriftChange] {
        let width = reference.width
        guard row.count == width else {
            throw DriftError("a row of \(row.count) values, expected the reference's \(width) features")
        }
        _ = try DriftReference.rowCount(row, names: reference.names)
        let isFull = rows == settings.window
        for feature in 0..<width {
            let bin = reference.features[feature].bin(of: row[feature])
            counts[feature][bin] += 1
            if isFull {
                counts[feature][Int(bins[oldest * width + feature])] -= 1
                bins[oldest * width + feature] = UInt8(bin)
            } else {
                bins.append(UInt8(bin))
            }
        }
        if isFull { oldest = (oldest + 1) % settings.window }
        rowsUntilComparison -= 1
        return rowsUntilComparison == 0 ? compare() : []
    }

    private mutating func compare() -> [DriftChange] {
        rowsUntilComparison = settings.interval
        var changes: [DriftChange] = []
        var features: [FeatureDrift] = []
        for (index, bins) in reference.features.enumerated() {
            let figures = bins.figures(window: counts[index], rows: rows, referenceRows: reference.rows)
            let before = report?.features[index].level ?? .none
            let level = level(figures, before: before)
            features.append(FeatureDrift(name: reference.names[index], figures: figures, level: level))
            if level != before { changes.append(.init(feature: reference.names[index], from: before, to: level)) }
        }
        let (before, level) = (report?.level ?? .none, features.map(\.level).max() ?? .none)
        if level != before { changes.append(.init(feature: nil, from: before, to: level)) }
        report = DriftReport(rows: rows, features: features, level: level)
        return changes
    }

    private func level(_ figures: DriftFigures, before: DriftLevel) -> DriftLevel {
        func level(scale: Double) -> DriftLevel {
            max(
                settings.populationStability.level(
                    figures.populationStability - figures.expectedWithoutDrift, scale: scale),
                settings.kullbackLeibler.level(
                    figures.kullbackLeibler - figures.expectedWithoutDrift / 2, scale: scale))
        }
        // A level that is reached is kept until the figure is well below its threshold.
        return max(level(scale: 1), min(before, level(scale: 1 - settings.hysteresis)))
    }
}
