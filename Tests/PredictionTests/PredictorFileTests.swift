import Foundation
import Prediction
import Testing

@Suite struct PredictorFileTests {
    @Test func aReplacedPredictorIsKeptAndComesBack() throws {
        try withTemporaryFile { path in
            let file = PredictorFile(path)
            let (first, second) = (try samplePredictor(trees: 5), try samplePredictor(trees: 6))
            #expect(first.version != second.version)
            try file.install(first)
            let error = #expect(throws: PredictionError.self) { try file.rollBack() }
            #expect(error?.code == .noPrevious)
            #expect(try file.read().version == first.version)
            try file.install(second)
            #expect(try file.read().version == second.version)
            #expect(try LatencyPredictor(file: file.previousPath).version == first.version)
            // The same once more is no reason to forget the one before.
            try file.install(second)
            #expect(try LatencyPredictor(file: file.previousPath).version == first.version)
            #expect(try file.rollBack().version == first.version)
            #expect(try file.read().version == first.version)
            #expect(try file.rollBack().version == second.version)
            #expect(try LatencyPredictor(file: file.previousPath).version == first.version)
            // An exchange that was broken off before its last step.
            try FileManager.default.moveItem(atPath: file.previousPath, toPath: path + ".aside")
            #expect(try file.rollBack().version == first.version)
            #expect(try file.rollBack().version == second.version)
            // A previous one that cannot be read is no way back.
            try Data("no predictor".utf8).write(to: URL(filePath: file.previousPath))
            #expect { try file.rollBack() } throws: { "\($0)".contains(file.previousPath) }
            #expect(try file.read().version == second.version)
            try FileManager.default.removeItem(atPath: file.previousPath)
        }
    }

    @Test func theProfileTellsWhatIsUnlikeTheTraining() throws {
        let sample = sampleDataset(episodes: 4)
        var dataset = PredictionDataset(windowSeconds: 20)
        for index in 0..<sample.count {
            var features = Array(sample.features(of: index))
            // From 0 to 1; never measured; missing once.
            features[0] = Float(index) / Float(sample.count - 1)
            (features[1], features[2]) = (.nan, index == 0 ? .nan : 1)
            dataset.append(sample.rows[index], features: features)
        }
        var settings = PredictorSettings()
        (settings.trees, settings.folds) = (3, 2)
        let profile = try LatencyPredictor(training: dataset, settings).profile
        var row = Array(dataset.features(of: 3))
        #expect(profile.unfamiliar(row[...]).isEmpty)
        row[0] = 1.01
        #expect(profile.unfamiliar(row[...]) == [0])
        row[0] = .nan
        #expect(profile.unfamiliar(row[...]) == [0])
        (row[0], row[1], row[2]) = (1, 0, .nan)
        #expect(profile.unfamiliar(row[...]) == [1])
        // One row of all lacks the third feature.
        let share = 1 / Double(dataset.count)
        #expect(profile.unfamiliar(row[...], seldomMissing: share) == [1, 2])
        #expect(profile.unfamiliar(row[...], seldomMissing: 0.9 * share) == [1])
        #expect(profile.episodes.count == 4 && profile.episodes == dataset.episodeFingerprints.values.sorted())
    }

    private func samplePredictor(trees: Int) throws -> LatencyPredictor {
        var settings = PredictorSettings()
        (settings.trees, settings.folds) = (trees, 2)
        return try LatencyPredictor(training: sampleDataset(episodes: 4), settings)
    }
}
