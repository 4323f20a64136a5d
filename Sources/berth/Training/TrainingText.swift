import Foundation
import TrainingRuns

extension EpisodeReturns {
    /// One line for the screen.
    var summary: String {
        let spread = deviation.map { String(format: " ± %.2f", $0) } ?? ""
        let exactly = expected.map { String(format: "; %.4f by the environment's own probabilities", $0) } ?? ""
        return "mean return \(String(format: "%.2f", mean))\(spread) over \(returns.count) evaluation episodes"
            + exactly
    }
}

extension TimeProfile {
    /// One line: the share of each part in `total` seconds, and of what lies between them; `nil` where none is known.
    func summary(of total: Double) -> String? {
        guard !parts.isEmpty, total > 0 else { return nil }
        let rest = max(0, total - parts.reduce(0) { $0 + $1.seconds })
        let shares = (parts + [("rest", rest)]).map { "\($0.0) \(Int((100 * $0.1 / total).rounded())) %" }
        return "time: " + shares.joined(separator: ", ")
    }
}

extension ProgressDisplay {
    /// Shows how far a training run is.
    mutating func show(_ progress: TrainingProgress) {
        if progress.isLast {
            finish(progress.steps, details: progress.headlines)
        } else {
            update(progress.steps, details: progress.headlines)
        }
    }
}
