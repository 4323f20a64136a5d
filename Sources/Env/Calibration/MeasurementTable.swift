import Foundation
public import Live
import Randomness
import Workloads

/// What was measured in one window of a point.
public struct Measurement: Sendable, Equatable {
    /// The condition.
    public var point: CalibrationPoint
    /// 0 for the first time that the point was measured, 1 for the second.
    public var round: Int
    /// Position among the point's windows, from 0.
    public var index: Int
    /// When it ended, in ISO 8601.
    public var time: String
    /// The figures.
    public var window: InterferenceRig.Window

    /// A measurement.
    public init(point: CalibrationPoint, round: Int, index: Int, time: String, window: InterferenceRig.Window) {
        (self.point, self.round, self.index, self.time, self.window) = (point, round, index, time, window)
    }
}

/// The measurements of a sweep as a CSV file: one row for each window; what was not measured is empty.
public struct MeasurementTable: Sendable, Equatable {
    /// The rows, in the order in which they were measured.
    public private(set) var rows: [Measurement] = []

    private static let header = [
        "time", "replicas", "rate", "source", "level", "round", "window", "seconds", "arrived", "completed", "rejected",
        "timed_out", "p50_ms", "p95_ms", "p99_ms", "send_delay_p99_ms", "node_cores", "service_cores",
        "interference_cores", "node_memory_mib",
    ]

    /// No measurements.
    public init() {}

    /// Reads a file.
    /// - Throws: `CalibrationError` naming file and line.
    public init(file: String) throws {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw CalibrationError(.unreadable, "\(file): cannot be read: \(error.localizedDescription)")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        guard lines.first.map(String.init) == Self.header.joined(separator: ",") else {
            throw CalibrationError(.unreadable, "\(file):1: expected the columns \(Self.header.joined(separator: ","))")
        }
        for (number, line) in lines.enumerated().dropFirst() {
            guard let row = Self.parse(line) else {
                throw CalibrationError(
                    .unreadable, "\(file):\(number + 1): not a row of \(Self.header.count) figures: \(line)")
            }
            rows.append(row)
        }
    }

    private static func parse(_ line: Substring) -> Measurement? {
        let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard cells.count == header.count, let replicas = Int(cells[1]), let rate = Double(cells[2]),
            let level = Double(cells[4]), let round = Int(cells[5]), let index = Int(cells[6]),
            let seconds = Double(cells[7])
        else { return nil }
        let source = StressSource(rawValue: cells[3])
        guard source != nil || cells[3] == "none", replicas > 0, seconds > 0 else { return nil }
        var counts: [Int] = []
        for cell in cells[8..<12] {
            guard let count = Int(cell), count >= 0 else { return nil }
            counts.append(count)
        }
        var figures: [Double?] = []
        for cell in cells[12...] {
            guard cell.isEmpty || Double(cell)?.isFinite == true else { return nil }
            figures.append(Double(cell))
        }
        func milliseconds(_ index: Int) -> Double? { figures[index].map { $0 / 1000 } }
        return Measurement(
            point: CalibrationPoint(replicas: replicas, rate: rate, source: source, level: level), round: round,
            index: index, time: cells[0],
            window: InterferenceRig.Window(
                seconds: seconds, arrived: counts[0], completed: counts[1], rejected: counts[2], timedOut: counts[3],
                p50: milliseconds(0), p95: milliseconds(1), p99: milliseconds(2), sendDelay: milliseconds(3),
                nodeCores: figures[4], serviceCores: figures[5], interferenceCores: figures[6],
                nodeMemory: figures[7].map { $0 * 1_048_576 }))
    }

    /// The file's text.
    public var text: String {
        ([Self.header.joined(separator: ",")] + rows.map(Self.line)).joined(separator: "\n") + "\n"
    }

    private static func line(_ row: Measurement) -> String {
        func cell(_ value: Double?, _ scale: Double = 1, digits: Int) -> String {
            value.map { String(format: "%.\(digits)f", $0 * scale) } ?? ""
        }
        let (point, window) = (row.point, row.window)
        let cells: [String] = [
            row.time, "\(point.replicas)", "\(point.rate)", point.source?.rawValue ?? "none", "\(point.level)",
            "\(row.round)", "\(row.index)", cell(window.seconds, digits: 3), "\(window.arrived)", "\(window.completed)",
            "\(window.rejected)", "\(window.timedOut)", cell(window.p50, 1000, digits: 3),
            cell(window.p95, 1000, digits: 3), cell(window.p99, 1000, digits: 3),
            cell(window.sendDelay, 1000, digits: 3), cell(window.nodeCores, digits: 4),
            cell(window.serviceCores, digits: 4), cell(window.interferenceCores, digits: 4),
            cell(window.nodeMemory, 1 / 1_048_576, digits: 1),
        ]
        return cells.joined(separator: ",")
    }

    /// Adds the windows of a point.
    public mutating func append(
        _ windows: [InterferenceRig.Window], of point: CalibrationPoint, round: Int, at time: Date = .now
    ) {
        let stamp = time.ISO8601Format()
        for (index, window) in windows.enumerated() {
            rows.append(Measurement(point: point, round: round, index: index, time: stamp, window: window))
        }
    }

    /// Writes the file, in place of what was there, whole or not at all.
    public func write(to file: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw CalibrationError(.unwritable, "\(file): cannot be written: \(error.localizedDescription)")
        }
    }

    /// How many windows of a point were measured in a round.
    public func windows(of point: CalibrationPoint, round: Int) -> Int {
        rows.count { $0.point == point && $0.round == round }
    }

    /// Medians over the windows of a point in one round; `nil` where no latency was measured.
    public func quantiles(of point: CalibrationPoint, round: Int) -> Quantiles? {
        let windows = rows.filter { $0.point == point && $0.round == round }.map(\.window)
        let triples = windows.compactMap { window -> [Double]? in
            guard let p50 = window.p50, let p95 = window.p95, let p99 = window.p99 else { return nil }
            return [p50, p95, p99]
        }
        guard !triples.isEmpty else { return nil }
        return Quantiles(
            p50: Statistics.median(triples.map { $0[0] }), p95: Statistics.median(triples.map { $0[1] }),
            p99: Statistics.median(triples.map { $0[2] }))
    }
}

/// Quantiles of a latency in seconds.
public struct Quantiles: Sendable, Hashable, Codable {
    /// The median.
    public var p50: Double
    /// The 95th percentile.
    public var p95: Double
    /// The 99th percentile.
    public var p99: Double

    /// Quantiles.
    public init(p50: Double, p95: Double, p99: Double) {
        (self.p50, self.p95, self.p99) = (p50, p95, p99)
    }
}

/// Why a calibration cannot be done.
public struct CalibrationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing was wrong.
    public enum Code: String, Sendable {
        /// A table of measurements cannot be read.
        case unreadable
        /// A table of measurements cannot be written.
        case unwritable
        /// There are fewer points than a fit needs.
        case tooFewPoints
        /// No parameters explain the measurements.
        case noFit
    }

    /// What kind of thing was wrong.
    public let code: Code

    /// What was wrong, where, and what to do.
    public let description: String

    /// An error with its message.
    public init(_ code: Code, _ description: String) { (self.code, self.description) = (code, description) }
}
