import Foundation
import Learning

/// What a policy read that its training never saw, as text.
struct UnfamiliarInputsTable {
    let counts: [UnfamiliarInputs.Count]

    /// A line for each feature: how many rows had a value that training never saw, and what training saw of it.
    var text: String {
        guard !counts.isEmpty else { return "The policy read nothing that its training never saw.\n" }
        var cells = [["inputs that training never saw", "rows", "minimum", "maximum", "mean", "deviation", "present"]]
        for entry in counts {
            let feature = entry.feature
            cells.append([
                feature.name + (feature.hasVaried ? "" : " (never varied: ignored)"), "\(entry.count)",
                Self.number(feature.minimum), Self.number(feature.maximum), Self.number(feature.mean),
                Self.number(feature.standardDeviation), String(format: "%.0f %%", feature.presence * 100),
            ])
        }
        return ComparisonTable.align(cells)
    }

    private static func number(_ value: Double?) -> String {
        value.map { String(format: "%.4g", $0) } ?? "unknown"
    }
}
