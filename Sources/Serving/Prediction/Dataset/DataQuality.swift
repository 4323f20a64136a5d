import Foundation

/// What is wrong with a data set, and what is noteworthy.
public struct DataQuality: Sendable {
    /// One feature over all rows.
    public struct Feature: Sendable {
        /// Its name.
        public var name: String
        /// Share of the rows in which it is missing.
        public var missing: Double
        /// Its extremes; `nil` where it is always missing.
        public var range: ClosedRange<Double>?
        /// Rows in which it is infinite or beyond what it can be.
        public var outOfRange: Int
        /// Whether it has one value wherever it was measured.
        public var isConstant: Bool { range.map { $0.lowerBound == $0.upperBound } ?? false }
    }

    /// The features, in order.
    public let features: [Feature]
    /// Rows.
    public let rows: Int
    /// Different episodes; repetitions count as one.
    public let episodes: Int
    /// Rows whose measurements are older than three windows.
    public let staleRows: Int
    /// Extremes of the label in seconds; `nil` where none is a latency.
    public let labels: ClosedRange<Double>?
    /// Why the data set must not be trained on; empty where it may.
    public let problems: [String]
    /// What is worth a look.
    public let remarks: [String]

    /// Looks at all rows.
    public init(_ dataset: PredictionDataset) {
        rows = dataset.count
        episodes = Set(dataset.rows.map(\.seed)).count
        features = dataset.features.indices.map { Self.look(at: $0, of: dataset) }
        staleRows = dataset.rows.count { !($0.age <= 3 * dataset.windowSeconds) }
        let latencies = dataset.rows.map(\.p99).filter { $0 > 0 && $0 < 3600 }
        labels = latencies.min().flatMap { least in latencies.max().map { least...$0 } }
        var (problems, remarks): ([String], [String]) = ([], [])
        if rows == 0 { problems.append("there are no rows") }
        if let mismatch = PredictionFeature.mismatch(dataset.features) {
            problems.append("its features are not this program's: \(mismatch); record it again")
        }
        let wrongObjectives = dataset.rows.count { !($0.objective > 0 && $0.objective.isFinite) }
        if wrongObjectives > 0 { problems.append("\(wrongObjectives) of \(rows) objectives are no seconds above 0") }
        if rows > 0, episodes < 2 {
            problems.append("all rows are of one episode: nothing could be held out; record more episodes")
        }
        if latencies.count < rows {
            problems.append("\(rows - latencies.count) of \(rows) labels are no latency above 0 and below an hour")
        } else if let labels, labels.lowerBound == labels.upperBound {
            problems.append("all labels are \(labels.lowerBound) s")
        }
        if 10 * staleRows > rows {
            problems.append("\(staleRows) of \(rows) rows have measurements older than three windows")
        }
        let names = dataset.rows.map { "\($0.episode)/\($0.window)/\($0.node)/\($0.service)" }
        if Set(names).count < rows { problems.append("\(rows - Set(names).count) rows are there twice") }
        for feature in features where rows > 0 {
            let name = feature.name
            if feature.outOfRange > 0, let limits = PredictionFeature(rawValue: name)?.limits {
                problems.append(
                    "\(name) is not from \(limits.lowerBound) to \(limits.upperBound) in \(feature.outOfRange) rows")
            }
            if Self.needed.contains(name), feature.missing > 0.5 {
                problems.append("\(name) is missing in \(Self.percent(feature.missing)) of the rows; most need it")
            } else if feature.missing == 1 {
                remarks.append("\(name) was never measured")
            } else if feature.missing > 0.2 {
                remarks.append("\(name) is missing in \(Self.percent(feature.missing)) of the rows")
            }
            if feature.isConstant { remarks.append("\(name) is always \(feature.range?.lowerBound ?? 0)") }
        }
        (self.problems, self.remarks) = (problems, remarks)
    }

    /// Without these there is nothing to predict from.
    private static let needed: Set<String> = ["cpu_used", "replica_rate", "replicas"]

    private static func look(at index: Int, of dataset: PredictionDataset) -> Feature {
        let limits = PredictionFeature(rawValue: dataset.features[index])?.limits
        var (missing, outOfRange) = (0, 0)
        var (least, most) = (Double.infinity, -Double.infinity)
        for row in 0..<dataset.count {
            let value = Double(dataset.values[row * dataset.width + index])
            if value.isNaN {
                missing += 1
                continue
            }
            if let limits, !limits.contains(value) { outOfRange += 1 }
            (least, most) = (min(least, value), max(most, value))
        }
        return Feature(
            name: dataset.features[index], missing: dataset.count > 0 ? Double(missing) / Double(dataset.count) : 0,
            range: least <= most ? least...most : nil, outOfRange: outOfRange)
    }

    private static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }

    /// Refuses a data set with problems.
    /// - Throws: `PredictionError` that names them all.
    public func check() throws {
        guard problems.isEmpty else {
            throw PredictionError(.unusableData, "the data set cannot be used: " + problems.joined(separator: "; "))
        }
    }

    /// A table of the features, and remarks.
    public var text: String {
        var text = "\(rows) rows of \(episodes) episodes"
        if let labels {
            text += String(format: ", p99 from %.1f to %.1f ms", 1000 * labels.lowerBound, 1000 * labels.upperBound)
        }
        text += ", \(staleRows) stale\n"
        let width = (features.map(\.name.count).max() ?? 0) + 2
        text += "feature".padding(toLength: width, withPad: " ", startingAt: 0) + "missing      least       most\n"
        for feature in features {
            text += feature.name.padding(toLength: width, withPad: " ", startingAt: 0)
            text += String(format: "%6.1f %%", 100 * feature.missing)
            if let range = feature.range {
                text += String(format: " %10.4g %10.4g", range.lowerBound, range.upperBound)
            }
            text += "\n"
        }
        for remark in remarks { text += "remark: \(remark)\n" }
        for problem in problems { text += "problem: \(problem)\n" }
        return text
    }
}
