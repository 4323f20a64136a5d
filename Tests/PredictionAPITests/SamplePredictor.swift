import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Prediction
import PredictionAPI
import Randomness

/// Rows whose p99 grows with cpu_used and replica_rate.
/// - Parameter factor: of all p99s.
func sampleDataset(episodes: Range<Int> = 0..<10, factor: Double = 1) -> PredictionDataset {
    var dataset = PredictionDataset(windowSeconds: 20)
    for episode in episodes {
        var generator = RandomGenerator(seed: UInt64(episode + 1))
        for window in 0..<20 {
            var features = PredictionFeature.allCases.map { _ in Float(generator.uniform()) }
            features[PredictionFeature.names.firstIndex(of: "pods") ?? 0] = .nan
            let p99 = 0.01 * factor * exp(2 * Double(features[0]) + Double(features[9]) + 0.1 * generator.normal())
            dataset.append(
                PredictionDataset.Row(
                    episode: episode, seed: UInt64(episode), window: window, node: "node0", service: "web",
                    requests: 500, age: 5, objective: 0.05, p99: p99),
                features: features)
        }
    }
    return dataset
}

/// Fifty trees, three folds.
var sampleSettings: PredictorSettings {
    var settings = PredictorSettings()
    (settings.trees, settings.folds) = (50, 3)
    return settings
}

/// A small predictor of such rows.
func samplePredictor(episodes: Range<Int> = 0..<10) throws -> LatencyPredictor {
    try LatencyPredictor(training: sampleDataset(episodes: episodes), sampleSettings)
}

/// A server of that predictor which takes bodies of at most 1 MiB and 50 rows, 10 with contributions.
func sampleServer(
    _ predictor: LatencyPredictor? = nil, _ change: (inout PredictionServerSettings) -> Void = { _ in }
) throws -> PredictionServer {
    var settings = PredictionServerSettings()
    (settings.port, settings.predictor, settings.reloadSeconds) = (0, "in memory", 0)
    (settings.maximumBodyBytes, settings.maximumRows) = (1 << 20, 50)
    settings.maximumContributionRows = 10
    change(&settings)
    try settings.validate()
    return try PredictionServer(
        settings: settings, predictor: try predictor ?? samplePredictor(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}
