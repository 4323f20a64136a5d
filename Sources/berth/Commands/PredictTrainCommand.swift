import ArgumentParser
import Foundation
import Prediction

/// `berth predict train`
struct PredictTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains a predictor and measures it on episodes held out.",
        discussion: """
            Prints the data set's quality, what cross-validation chose, and the errors on the episodes that were held \
            out, beside those of a linear model and of the mean. A broken data set is refused with the reason.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .long, help: ArgumentHelp("The predictor, one file.", valueName: "file"))
    var out: String

    @Option(name: .long, help: ArgumentHelp("Write the report to this file too, as JSON.", valueName: "file"))
    var json: String?

    mutating func run() throws {
        let configuration = try options.load(PredictorConfiguration.self)
        var dataset = try PredictionDataset(file: configuration.datasets[0])
        for file in configuration.datasets.dropFirst() {
            do {
                try dataset.append(try PredictionDataset(file: file))
            } catch let error as PredictionError {
                throw CommandFailure(message: "\(file): \(error)")
            }
        }
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
        try predictor.write(to: out)
        if let json { try JSONFile.write(report, to: json) }
    }
}
