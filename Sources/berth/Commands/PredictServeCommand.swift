import ArgumentParser
import Prediction
import PredictionAPI

/// `berth predict serve`
struct PredictServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answers with predictions over HTTP.",
        discussion: """
            Serves POST /predict, the Open Inference Protocol v2 (/v2/…), /healthz, /readyz and /metrics until SIGTERM. \
            Logs go to standard error.
            """)

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var serving: ServingOptions

    mutating func run() async throws {
        let settings = try options.load(PredictionServerSettings.self)
        let predictor = try LatencyPredictor(file: settings.predictor)
        let (registry, logger) = serving.start()
        try await PredictionServer(settings: settings, predictor: predictor, registry: registry, logger: logger).run()
    }
}
