import Foundation
import Prediction
import Testing

@Suite struct PredictorComparisonTests {
    private let settings: PredictorSettings = {
        var settings = PredictorSettings()
        (settings.trees, settings.folds) = (60, 3)
        return settings
    }()

    /// The episodes of `dataset` from number `first` on, with p99s times `factor`.
    private func part(_ dataset: PredictionDataset, _ episodes: Range<Int>, factor: Double = 1) -> PredictionDataset {
        var result = PredictionDataset(windowSeconds: 20)
        for index in 0..<dataset.count where episodes.contains(dataset.rows[index].episode) {
            var row = dataset.rows[index]
            row.p99 *= factor
            result.append(row, features: dataset.features(of: index))
        }
        return result
    }

    @Test func whereLatenciesHaveDoubledTheNewOneIsBetter() throws {
        let all = sampleDataset(episodes: 16)
        let old = part(all, 0..<8)
        let current = try LatencyPredictor(training: old, settings)
        var dataset = old
        try dataset.append(part(all, 8..<16, factor: 2))
        let comparison = try PredictorComparison(
            retraining: current, on: dataset, settings, heldOut: 0.25, seed: 1)
        #expect(comparison.isNoWorse && comparison.candidateScores.medianError < comparison.currentScores.medianError)
        // Two of the eight new episodes are held out, and none that either was trained on.
        #expect(comparison.heldOutRows == old.count / 4)
        #expect(comparison.candidate.profile.episodes.count == 14)
        let known = Set(comparison.candidate.profile.episodes)
        #expect(Set(current.profile.episodes).isSubset(of: known))
    }

    @Test func oneOfFarFewerTreesIsWorse() throws {
        let all = sampleDataset(episodes: 16)
        let current = try LatencyPredictor(training: part(all, 0..<12), settings)
        var poor = settings
        (poor.trees, poor.depth) = (1, 1)
        let comparison = try PredictorComparison(retraining: current, on: all, poor, heldOut: 0.5, seed: 1)
        #expect(!comparison.isNoWorse)
    }

    @Test func withoutNewEpisodesThereIsNothingToJudgeBy() throws {
        let all = sampleDataset(episodes: 6)
        let current = try LatencyPredictor(training: all, settings)
        #expect {
            try PredictorComparison(retraining: current, on: all, settings, heldOut: 0.25, seed: 1)
        } throws: { "\($0)".contains("0 episodes are new") }
        // The same load, recorded once more, is another episode, but a repetition of one that is known.
        var again = part(all, 0..<6, factor: 1.01)
        try again.append(all)
        #expect {
            try PredictorComparison(retraining: current, on: again, settings, heldOut: 0.25, seed: 1)
        } throws: { "\($0)".contains("0 episodes are new") }
    }
}
