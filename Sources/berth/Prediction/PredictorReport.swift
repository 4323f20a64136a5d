import Foundation
import Prediction

/// How well a predictor does on episodes that were held out, beside what it has to beat.
struct PredictorReport: Codable, Equatable {
    /// A model's figures.
    struct Line: Codable, Equatable {
        var model: String
        var scores: PredictionScores
    }

    /// A feature's share of the gain.
    struct Importance: Codable, Equatable {
        var feature: String
        var share: Double
    }

    /// Rows that were trained on, and that were held out.
    var trainingRows: Int
    var heldOutRows: Int
    /// In cross-validation of the rows that were trained on.
    var validation: PredictionScores
    /// On the rows held out: the predictor first.
    var lines: [Line]
    /// Median difference between a p99 and its repetition; absent where no episode was repeated.
    var repeatError: Double?
    /// Mean squared difference between the score and what happened.
    var brierScore: Double
    /// The features, the most important first.
    var importance: [Importance]

    init(_ predictor: LatencyPredictor, training: PredictionDataset, heldOut: PredictionDataset) throws {
        (trainingRows, heldOutRows) = (training.count, heldOut.count)
        validation = predictor.validation
        let measured = heldOut.rows.map(\.p99)
        let objectives = heldOut.objectives(predictor.settings)
        let predictions = try predictor.predict(heldOut.values, objectives: objectives)
        func line(_ model: String, _ predicted: [Double]) -> Line {
            Line(
                model: model, scores: PredictionScores(predicted: predicted, measured: measured, objectives: objectives)
            )
        }
        lines = [
            line(Self.name(of: predictor.settings), predictions.map(\.p99)),
            // It knows no more than the trees.
            line(
                "linear",
                LinearPredictor(training: training.ignoring(predictor.settings.ignoredFeatures)).predict(heldOut)),
            line("mean", LinearPredictor.mean(of: training).predict(heldOut)),
        ]
        var all = training
        try all.append(heldOut)
        repeatError = all.repeatError
        brierScore =
            predictions.indices.reduce(0) { sum, index in
                let error = predictions[index].score - (measured[index] <= objectives[index] ? 1 : 0)
                return sum + error * error
            } / Double(max(1, measured.count))
        importance = zip(predictor.features, predictor.importance).map { Importance(feature: $0, share: $1) }
            .sorted { $0.share > $1.share }
    }

    private static func name(of settings: PredictorSettings) -> String {
        let share = settings.linearShare ?? 0
        return settings.kind.rawValue + (share > 0 ? ", \(Figures.percent(share)) linear" : "")
    }

    /// A table.
    var text: String {
        func short(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "-" }
        func cells(_ name: String, _ scores: PredictionScores) -> [String] {
            [
                name, Figures.percent(scores.medianError), Figures.percent(scores.meanError),
                short(scores.rankCorrelation, "%.3f"), short(scores.areaUnderCurve, "%.3f"),
            ]
        }
        let rows =
            [["p99 of episodes held out", "median error", "mean error", "rank correlation", "AUC"]]
            + lines.map { cells($0.model, $0.scores) } + [cells("in cross-validation", validation)]
        var text = ComparisonTable.align(rows)
        text += String(
            format: "\n%d rows trained on, %d held out, %.0f %% of those over the objective; Brier score %.3f\n",
            trainingRows, heldOutRows, 100 * (lines.first?.scores.overObjective ?? 0), brierScore)
        if let repeatError { text += "repeat error: \(Figures.percent(repeatError)) (median)\n" }
        let first = importance.prefix(6).map { "\($0.feature) \(Figures.percent($0.share))" }
        text += "most important: \(first.joined(separator: ", "))\n"
        return text
    }
}
