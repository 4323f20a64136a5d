import Drift
import Prediction
import Synchronization

/// Compares the rows that are asked about with those that the predictor was trained on.
final class DriftWatch: Sendable {
    /// Most rows of a request that count, evenly chosen: a request's rows are of one moment, and say little more than a few.
    private static let maximumRows = 32

    private let monitor: Mutex<DriftMonitor>
    /// Indices of the features that the predictor does not use: whether they are there says nothing.
    private let ignored: [Int]

    /// - Throws: `DriftError` where the training data or the window are too small to tell drift from noise.
    init(_ predictor: LatencyPredictor, _ settings: DriftSettings) throws {
        monitor = Mutex(try DriftMonitor(reference: predictor.profile.reference, settings: settings))
        ignored = predictor.features.indices.filter {
            predictor.settings.ignoredFeatures.contains(predictor.features[$0])
        }
    }

    /// The last comparison; `nil` before the first.
    var report: DriftReport? { monitor.withLock { $0.report } }

    /// Takes the rows of a request in.
    /// - Returns: the levels that have changed, with the figures of their features, and the level over all.
    func observe(_ rows: [Float], width: Int) throws -> (changes: [String], level: DriftLevel) {
        let count = rows.count / width
        let step = max(1, (count + Self.maximumRows - 1) / Self.maximumRows)
        return try monitor.withLock { monitor in
            var changes: [String] = []
            for row in stride(from: 0, to: count, by: step) {
                var values = Array(rows[row * width..<(row + 1) * width])
                for feature in ignored { values[feature] = .nan }
                for change in try monitor.observe(values.span) {
                    changes.append(Self.text(change, monitor.report))
                }
            }
            return (changes, monitor.report?.level ?? .none)
        }
    }

    private static func text(_ change: DriftChange, _ report: DriftReport?) -> String {
        var text = "\(change.feature ?? "all features"): from \(change.from) to \(change.to)"
        if let name = change.feature, let figures = report?.features.first(where: { $0.name == name })?.figures {
            func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
            text +=
                ", population stability index \(rounded(figures.populationStability)), KL divergence "
                + "\(rounded(figures.kullbackLeibler)), over \(report?.rows ?? 0) rows"
        }
        return text
    }
}
