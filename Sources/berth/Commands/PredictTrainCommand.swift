import ArgumentParser
import Foundation
import Prediction
import TrainingRuns

/// `berth predict train`
struct PredictTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains a predictor and measures it on episodes held out.",
        discussion: """
            Prints the data set's quality, what cross-validation chose, and the errors on the episodes that were held \
            out, beside those of a linear model and of the mean. A broken data set is refused with the reason. A \
            predictor that was there before is kept beside the new one: see berth predict rollback.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: ArgumentHelp("The predictor, one file.", valueName: "file"))
    var out: String

    @Option(name: .long, help: ArgumentHelp("Write the report to this file too, as JSON.", valueName: "file"))
    var json: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Write the rows held out, measured and predicted, to this file, as CSV.", valueName: "file"))
    var predictions: String?

    mutating func run() throws {
        let configuration = try options.load(PredictorConfiguration.self)
        let dataset = try PredictionDataset(joining: configuration.datasets)
        let quality = DataQuality(dataset)
        print(quality.text)
        try quality.check()
        let split = try dataset.splitByEpisode(heldOut: configuration.heldOut, seed: configuration.splitSeed)
        var trial = 0
        let predictor = try LatencyPredictor(training: split.training, configuration.predictor) { settings, scores in
            if configuration.predictor.trials > 0 {
                Terminal.writeError(
                    "\(trial): \(settings.trees) trees of depth \(settings.depth), error "
                        + "\(Figures.percent(scores.medianError))\n")
            }
            trial += 1
        }
        let report = try PredictorReport(predictor, training: split.training, heldOut: split.heldOut)
        print(report.text, terminator: "")
        try PredictorFile(out).install(predictor)
        if let json { try JSONFile.write(report, to: json) }
        if let predictions { try Self.write(predictor, split.heldOut, to: predictions) }
    }

    private static func write(_ predictor: LatencyPredictor, _ heldOut: PredictionDataset, to file: String) throws {
        let objectives = heldOut.objectives(predictor.settings)
        var text = "seed,episode,window,node,service,objective,measured,predicted,score\n"
        let predictions = try predictor.predict(heldOut.values, objectives: objectives)
        for (row, (objective, prediction)) in zip(heldOut.rows, zip(objectives, predictions)) {
            text += "\(row.seed),\(row.episode),\(row.window),\(row.node),\(row.service),\(objective),\(row.p99),"
            text += "\(prediction.p99),\(prediction.score)\n"
        }
        try OutputFile.write(Data(text.utf8), to: file)
    }
}
