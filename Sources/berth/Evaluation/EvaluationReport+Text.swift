import Foundation
import Tournaments

extension EvaluationReport {
    /// The table, how the HPA was tuned, and what the policy's training never saw.
    var text: String {
        var text = ComparisonTable(comparison: comparison).text
        if let tuning {
            let trials = tuning.trials.map { String(format: "%g: %.4f", $0.target, $0.meanReward) }
            text += "\nHPA target \(Figures.short(tuning.chosen)), by mean reward under \(tuning.configuration) "
            text += "(\(trials.joined(separator: ", ")))\n"
            if tuning.isAtEdge { text += "It is the end of what was tried: a target beyond it may be better still.\n" }
        }
        if let unfamiliarInputs { text += "\n" + UnfamiliarInputsTable(counts: unfamiliarInputs).text }
        return text
    }
}
