import Foundation
import Prediction
import Randomness

/// Rows whose p99 is a known function of their features, with noise: p99 = 10 ms · (1 + 4 · cpu_used²) · 2^(rate / 50),
/// doubled where cpu_requested > 0.7.
func sampleDataset(
    episodes: Int = 24, windows: Int = 20, noise: Double = 0.1, seed: UInt64 = 1
) -> PredictionDataset {
    var dataset = PredictionDataset(windowSeconds: 20)
    var generator = RandomGenerator(seed: seed)
    for episode in 0..<episodes {
        for window in 0..<windows {
            let (cpu, rate, requested) = (generator.uniform(), 100 * generator.uniform(), generator.uniform())
            var features = [Float](repeating: .nan, count: PredictionFeature.allCases.count)
            func set(_ feature: PredictionFeature, _ value: Double) {
                features[PredictionFeature.names.firstIndex(of: feature.rawValue) ?? 0] = Float(value)
            }
            set(.cpuUsed, cpu)
            set(.replicaRate, rate)
            set(.cpuRequested, requested)
            set(.replicas, 1)
            set(.memoryUsed, generator.uniform())
            let p99 = 0.01 * (1 + 4 * cpu * cpu) * pow(2, rate / 50) * (requested > 0.7 ? 2 : 1)
            dataset.append(
                PredictionDataset.Row(
                    episode: episode, seed: UInt64(episode), window: window, node: "node\(window % 2)",
                    service: "web", requests: 500, age: 10, objective: 0.05,
                    p99: p99 * exp(noise * generator.normal())),
                features: features)
        }
    }
    return dataset
}
