import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Prediction
import PredictionAPI
import Randomness

/// A small predictor of rows whose p99 grows with cpu_used and replica_rate.
func samplePredictor() throws -> LatencyPredictor {
    var dataset = PredictionDataset(windowSeconds: 20)
    var generator = RandomGenerator(seed: 1)
    for episode in 0..<10 {
        for window in 0..<20 {
            var features = PredictionFeature.allCases.map { _ in Float(generator.uniform()) }
            features[PredictionFeature.names.firstIndex(of: "pods") ?? 0] = .nan
            let p99 = 0.01 * exp(2 * Double(features[0]) + Double(features[9]) + 0.1 * generator.normal())
            dataset.append(
                PredictionDataset.Row(
                    episode: episode, seed: UInt64(episode), window: window, node: "node0", service: "web",
                    requests: 500, age: 5, objective: 0.05, p99: p99),
                features: features)
        }
    }
    var settings = PredictorSettings()
    (settings.trees, settings.folds) = (50, 3)
    return try LatencyPredictor(training: dataset, settings)
}

/// A server of that predictor which takes bodies of at most 1 MiB and 50 rows, 10 with contributions.
func sampleServer(port: Int = 0) throws -> PredictionServer {
    var settings = PredictionServerSettings()
    (settings.port, settings.predictor) = (port, "in memory")
    (settings.maximumBodyBytes, settings.maximumRows) = (1 << 20, 50)
    settings.maximumContributionRows = 10
    return PredictionServer(
        settings: settings, predictor: try samplePredictor(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}
