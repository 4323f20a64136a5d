import Foundation
import Tournaments

/// A comparison as text.
struct ComparisonTable {
    let comparison: Comparison

    /// One section for each pattern: each policy's figures with their 95 % intervals, and under them the paired
    /// differences from the reference.
    var text: String {
        var patterns = comparison.patterns
        if patterns.count > 1 { patterns.append(Comparison.allPatterns) }
        return patterns.map(section).joined(separator: "\n")
    }

    private func section(_ pattern: String) -> String {
        let rows = comparison.rows.filter { $0.pattern == pattern }
        var cells = [[""] + EpisodeFigures.table.compactMap(\.title)]
        for row in rows {
            cells.append([row.policy] + EpisodeFigures.table.map { cell(row.figures[$0.name], $0, signed: false) })
            guard row.policy != comparison.reference else { continue }
            cells.append(
                ["  - \(comparison.reference)"]
                    + EpisodeFigures.table.map { cell(row.differences[$0.name], $0, signed: true) })
        }
        let count = rows.compactMap { $0.figures["cores"]?.count }.max() ?? 0
        let title = pattern == Comparison.allPatterns ? "all patterns" : "pattern \(pattern)"
        return "\(title), \(count) seeds: mean [95 % interval]\n" + Self.align(cells)
    }

    private func cell(_ estimate: Estimate?, _ figure: EpisodeFigures.Figure, signed: Bool) -> String {
        guard let estimate else { return "-" }
        func number(_ value: Double) -> String {
            String(format: "\(signed ? "%+" : "%").\(figure.digits)f", value * figure.scale)
        }
        return "\(number(estimate.mean)) [\(number(estimate.lower)), \(number(estimate.upper))]"
    }

    /// Columns of equal width; names to the left, figures to the right.
    static func align(_ cells: [[String]]) -> String {
        guard let columns = cells.first?.count else { return "" }
        let widths = (0..<columns).map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { row in
            let texts = row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + padding : padding + text
            }
            return texts.joined(separator: "  ").replacing(/[ ]+$/, with: "") + "\n"
        }.joined()
    }
}
