import AnomalyDetection
import ArgumentParser
import Randomness

/// `berth anomaly`
struct AnomalyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anomaly", abstract: "Scores the rows of a CSV file by how unusual they are.",
        discussion: """
            An isolation forest over all columns. Writes row, score and whether it counts as anomalous as CSV; with \
            --label, the area under the curve instead. With --window each row is scored by the rows before it, as they \
            would come from a cluster.
            """)

    @Argument(help: ArgumentHelp("A CSV file with a header; - for standard input.", valueName: "file"))
    var file: String

    @Option(
        name: .long, help: ArgumentHelp("The column with 1 for anomalous rows and 0 for others.", valueName: "column"))
    var label: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("A column to leave out, such as a time. May be repeated.", valueName: "column"))
    var ignore: [String] = []

    @Option(help: "Number of trees.")
    var trees = 100

    @Option(help: "Rows that each tree is grown from.")
    var sampleSize = 256

    @Option(help: "The share of rows that may count as anomalous. Without it: those with a score above 0.5.")
    var contamination: Double?

    @Option(help: "Follow the rows as a stream of which the last so many are kept.")
    var window: Int?

    @Option(help: "Rows after which the oldest tree is replaced, with --window. Without it: 10.")
    var renewalInterval: Int?

    @Option(help: "Seed of samples and cuts.")
    var seed: UInt64 = 0

    func validate() throws {
        if renewalInterval != nil, window == nil { throw ValidationError("--renewal-interval goes with --window") }
    }

    mutating func run() throws {
        let (batch, stream) = (batchSettings, streamSettings)
        if let stream { try stream.validate() } else { try batch.validate() }
        let table = try FeatureTable(file: file, label: label, ignore: ignore)
        let scored = try stream.map { try follow($0, table) } ?? score(batch, table)
        if let label = table.isAnomalous {
            try printArea(scored, label)
        } else {
            Self.printRows(scored)
        }
    }

    private typealias Scored = [StreamScore?]

    private var batchSettings: IsolationForestSettings {
        var settings = IsolationForestSettings()
        (settings.trees, settings.sampleSize, settings.contamination) = (trees, sampleSize, contamination)
        return settings
    }

    private var streamSettings: SlidingForestSettings? {
        guard let window else { return nil }
        var settings = SlidingForestSettings()
        (settings.trees, settings.sampleSize, settings.contamination) = (trees, sampleSize, contamination)
        settings.window = window
        if let renewalInterval { settings.renewalInterval = renewalInterval }
        return settings
    }

    private func score(_ settings: IsolationForestSettings, _ table: FeatureTable) throws -> Scored {
        var generator = RandomGenerator(seed: seed)
        do {
            let forest = try IsolationForest(
                rows: table.values.span, width: table.width, settings: settings, generator: &generator)
            return try forest.scores(of: table.values.span).map {
                $0.isNaN ? nil : StreamScore(value: $0, threshold: forest.threshold)
            }
        } catch { throw CommandFailure(message: "\(table.name): \(error)") }
    }

    private func follow(_ settings: SlidingForestSettings, _ table: FeatureTable) throws -> Scored {
        let (values, width) = (table.values, table.width)
        var detector = try SlidingIsolationForest(
            width: width, settings: settings, generator: RandomGenerator(seed: seed))
        var scores: Scored = []
        for first in stride(from: 0, to: values.count, by: width) {
            scores.append(try detector.observe(values[first..<first + width].span))
        }
        return scores
    }

    private func printArea(_ scored: Scored, _ isAnomalous: [Bool]) throws {
        var (values, truth) = ([Double](), [Bool]())
        for (score, label) in zip(scored, isAnomalous) {
            guard let score else { continue }
            values.append(score.value)
            truth.append(label)
        }
        let anomalous = truth.count { $0 }
        guard let area = Statistics.areaUnderCurve(values, isCase: truth) else {
            throw CommandFailure(
                message: "\(file): no area: of \(values.count) rows with a score \(anomalous) are anomalous",
                hint: "it takes anomalous rows and others")
        }
        print(
            "AUC \(Figures.decimals(area, 6))  rows \(Figures.grouped(values.count))  anomalous \(Figures.grouped(anomalous))"
                + "  without a score \(Figures.grouped(scored.count - values.count))")
    }

    private static func printRows(_ scored: Scored) {
        print("row,score,anomalous")
        for (index, score) in scored.enumerated() {
            let cells = score.map { "\(Figures.decimals($0.value, 6)),\($0.isAnomalous ? 1 : 0)" } ?? ","
            print("\(index + 1),\(cells)")
        }
    }
}

/// The columns of a table that are features, and the one that says what is anomalous.
private struct FeatureTable {
    let name: String
    let width: Int
    private(set) var values: [Float] = []
    private(set) var isAnomalous: [Bool]?

    init(file: String, label: String?, ignore: [String]) throws(CommandFailure) {
        let table = try NumberTable(file: file, ignoring: ignore)
        name = table.name
        for column in ignore + (label.map { [$0] } ?? []) where !table.header.contains(column) {
            throw .unknown("column", column, among: table.header, plural: "columns")
        }
        if let label, ignore.contains(label) { throw .usage("--ignore \(label) is the column of --label") }
        let features = table.columns.indices.filter { table.columns[$0] != label }
        width = features.count
        guard width > 0 else { throw CommandFailure(message: "\(name):1: no column is left to score by") }
        if label != nil { isAnomalous = [] }
        for row in 0..<table.rows {
            let first = row * table.columns.count
            for column in features { values.append(table.values[first + column]) }
            guard let label, let column = table.columns.firstIndex(of: label) else { continue }
            let truth = table.values[first + column]
            guard truth == 0 || truth == 1 else {
                throw CommandFailure(message: "\(name):\(row + 2): \(label) is \(truth), expected 0 or 1")
            }
            isAnomalous?.append(truth == 1)
        }
    }
}
