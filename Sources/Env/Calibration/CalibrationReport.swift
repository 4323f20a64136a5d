import Foundation
import Randomness
public import Workloads

/// How well the simulator predicts what was measured.
public struct CalibrationReport: Sendable {
    /// A point measured and predicted.
    public struct Line: Sendable {
        /// The condition.
        public var point: CalibrationPoint
        /// Whether the fit did not see it.
        public var isHeldOut: Bool
        /// Medians over the windows.
        public var measured: Quantiles
        /// Medians over the windows of the second time; `nil` where it was measured once.
        public var measuredAgain: Quantiles?
        /// What the simulator says; `nil` for what it does not model.
        public var predicted: Quantiles?

        /// |predicted p99 / measured p99 - 1|.
        public var error: Double? { predicted.map { abs($0.p99 / measured.p99 - 1) } }
        /// |second p99 / first p99 - 1|.
        public var repeatError: Double? { measuredAgain.map { abs($0.p99 / measured.p99 - 1) } }
    }

    /// The fitted parameters.
    public let parameters: FittedParameters
    /// The points that were measured, in the order of the sweep.
    public let lines: [Line]

    /// Fits the simulator to the points that are not held out, and predicts all.
    /// - Throws: `CalibrationError` where too little was measured.
    public init(_ table: MeasurementTable, _ sweep: SimulatedSweep) throws {
        let settings = sweep.settings.sweep
        let heldOut = settings.heldOut
        let measured = settings.points.compactMap { point in
            table.quantiles(of: point, round: 0).map { (point: point, quantiles: $0) }
        }
        let parameters = try sweep.fit(to: measured.filter { !heldOut.contains($0.point) })
        lines = try measured.map { point, quantiles in
            Line(
                point: point, isHeldOut: heldOut.contains(point), measured: quantiles,
                measuredAgain: table.quantiles(of: point, round: 1),
                predicted: try sweep.predict(point, parameters))
        }
        self.parameters = parameters
    }

    /// Median error of p99 over the points held out, or over the others; `nil` without any.
    public func medianError(heldOut: Bool) -> Double? {
        let errors = lines.filter { $0.isHeldOut == heldOut }.compactMap(\.error)
        return errors.isEmpty ? nil : Statistics.median(errors)
    }

    /// Median repeat error of p99; `nil` where nothing was measured twice.
    public var repeatError: Double? {
        let errors = lines.compactMap(\.repeatError)
        return errors.isEmpty ? nil : Statistics.median(errors)
    }

    /// Rank correlation of measured and predicted p99 over the points held out; `nil` with fewer than three.
    public var heldOutRankCorrelation: Double? {
        let pairs = lines.filter { $0.isHeldOut && $0.predicted != nil }
        guard pairs.count > 2 else { return nil }
        return Statistics.rankCorrelation(pairs.map(\.measured.p99), pairs.compactMap { $0.predicted?.p99 })
    }

    /// How much an interference raises p99 over what it is at the same load alone.
    public struct Rise: Sendable {
        /// The resource that the interference is after.
        public var source: StressSource
        /// Its level.
        public var level: Double
        /// p99 / p99 alone, geometric mean over the loads at which both were measured.
        public var measured: Double
        /// The same of the simulator; `nil` for what it does not model.
        public var predicted: Double?
    }

    /// The rise for each source and level, in the sweep's order.
    public var rises: [Rise] {
        var kinds: [(StressSource, Double)] = []
        for line in lines {
            guard let source = line.point.source else { continue }
            if !kinds.contains(where: { $0 == (source, line.point.level) }) { kinds.append((source, line.point.level)) }
        }
        return kinds.compactMap { source, level in
            var pairs: [(beside: Line, alone: Line)] = []
            for line in lines where line.point.source == source && line.point.level == level {
                let alone = CalibrationPoint(replicas: line.point.replicas, rate: line.point.rate)
                if let other = lines.first(where: { $0.point == alone }) { pairs.append((line, other)) }
            }
            guard !pairs.isEmpty else { return nil }
            func mean(_ ratios: [Double]) -> Double { exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count)) }
            let predicted = pairs.compactMap { pair -> Double? in
                guard let beside = pair.beside.predicted, let alone = pair.alone.predicted else { return nil }
                return beside.p99 / alone.p99
            }
            return Rise(
                source: source, level: level,
                measured: mean(pairs.map { $0.beside.measured.p99 / $0.alone.measured.p99 }),
                predicted: predicted.isEmpty ? nil : mean(predicted))
        }
    }

    /// A table of all points, and the figures that it is judged by.
    public var text: String {
        func column(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        func milliseconds(_ value: Double?) -> String {
            column(value.map { String(format: "%.1f", $0 * 1000) } ?? "-", 9)
        }
        func percent(_ value: Double?) -> String { value.map { String(format: "%.1f %%", 100 * $0) } ?? "-" }
        let width = (lines.map(\.point.name.count).max() ?? 0) + 2
        var text = "point".padding(toLength: width, withPad: " ", startingAt: 0)
        for head in ["p50", "model", "p99", "again", "model"] { text += column(head, 9) }
        text += column("error", 10) + "\n"
        for line in lines {
            text += line.point.name.padding(toLength: width, withPad: " ", startingAt: 0)
            text +=
                milliseconds(line.measured.p50) + milliseconds(line.predicted?.p50) + milliseconds(line.measured.p99)
            text += milliseconds(line.measuredAgain?.p99) + milliseconds(line.predicted?.p99)
            text += column(percent(line.error), 10) + (line.isHeldOut ? "  held out" : "") + "\n"
        }
        text += "\np99 / p99 alone, geometric mean over the loads\n"
        for rise in rises {
            let name = "\(rise.source.rawValue) \(rise.level)"
            text += name.padding(toLength: width, withPad: " ", startingAt: 0)
            text += column(String(format: "%.2f", rise.measured), 9)
            text += "   model" + column(rise.predicted.map { String(format: "%.2f", $0) } ?? "-", 6) + "\n"
        }
        text += "\nlatencies in ms; medians over the windows of a point\n"
        text += "median error of p99: fitted points \(percent(medianError(heldOut: false)))"
        text += ", held-out points \(percent(medianError(heldOut: true)))\n"
        text += "repeat error of p99: \(percent(repeatError)) (median of \(lines.count { $0.measuredAgain != nil }))\n"
        let correlation = heldOutRankCorrelation.map { String(format: "%.3f", $0) } ?? "-"
        text += "rank correlation over the held-out points: \(correlation)\n"
        return text
    }
}
