import Checkpoints
import Foundation
import Prediction
import Randomness
import TestServers
import Testing

@Suite struct LatencyPredictorTests {
    private func settings(_ kind: PredictorKind = .boosting) -> PredictorSettings {
        var settings = PredictorSettings()
        settings.kind = kind
        settings.trees = 100
        if kind == .forest { settings.depth = 12 }
        return settings
    }

    @Test(arguments: PredictorKind.allCases)
    func itLearnsWhatALinearModelCannot(_ kind: PredictorKind) throws {
        let split = try sampleDataset(episodes: 40).splitByEpisode(heldOut: 0.25, seed: 0)
        let predictor = try LatencyPredictor(training: split.training, settings(kind))
        let measured = split.heldOut.rows.map(\.p99)
        func error(_ predicted: [Double]) -> Double {
            PredictionScores(
                predicted: predicted, measured: measured,
                objectives: split.heldOut.rows.map(\.objective)
            ).medianError
        }
        let own = error(try predictor.predict(split.heldOut.values).map(\.p99))
        let linear = error(LinearPredictor(training: split.training).predict(split.heldOut))
        let mean = error(LinearPredictor.mean(of: split.training).predict(split.heldOut))
        #expect(own < 0.13 && own < linear && linear < mean)
        // Cross-validation tells the truth about rows that were not seen.
        #expect(abs(predictor.validation.medianError - own) < 0.04)
        #expect(predictor.objective == 0.05)
    }

    @Test func equalSeedsGiveEqualFilesWhateverTheThreads() throws {
        let dataset = sampleDataset()
        var threads = settings()
        let one = try LatencyPredictor(training: dataset, threads).checkpoint()
        threads.threads = 2
        let two = try LatencyPredictor(training: dataset, threads).checkpoint()
        #expect(one["predictor/trees"] == two["predictor/trees"])
        let version = try LatencyPredictor(one).version
        #expect(try LatencyPredictor(two).version == version)
        threads.seed = 1
        #expect(try LatencyPredictor(training: dataset, threads).version != version)
        #expect(
            try LatencyPredictor(training: dataset, threads).checkpoint()["predictor/trees"] != one["predictor/trees"])
    }

    @Test(arguments: PredictorKind.allCases)
    func aFileGivesBackThePredictor(_ kind: PredictorKind) throws {
        let dataset = sampleDataset()
        let predictor = try LatencyPredictor(training: dataset, settings(kind))
        try withTemporaryFile { file in
            try predictor.write(to: file)
            let read = try LatencyPredictor(file: file)
            #expect(try read.predict(dataset.values) == predictor.predict(dataset.values))
            #expect(read.settings == predictor.settings && read.validation == predictor.validation)
            #expect(read.datasetFingerprint == dataset.fingerprint)
            #expect(read.importance == predictor.importance)
            var other = try Checkpoint.read(file)
            other["predictor/features"] = .text(PredictionFeature.names.dropLast().joined(separator: "\n"))
            try other.write(to: file)
            #expect { try LatencyPredictor(file: file) } throws: {
                "\($0)".contains("feature 22 is none, expected neighbour_risk") && "\($0)".contains(file)
            }
            other = try predictor.checkpoint()
            other["predictor/trees"] = .text("{\"learner\": {}}")
            try other.write(to: file)
            #expect(throws: PredictionError.self) { try LatencyPredictor(file: file) }
            other["predictor/version"] = .int64([2], shape: [])
            try other.write(to: file)
            #expect { try LatencyPredictor(file: file) } throws: { "\($0)".contains("version 2") }
        }
    }

    @Test func contributionsAddUpToThePrediction() throws {
        let dataset = sampleDataset()
        let predictor = try LatencyPredictor(training: dataset, settings())
        let rows = Array(dataset.values.prefix(50 * dataset.width))
        for (prediction, parts) in zip(try predictor.predict(rows), try predictor.contributions(rows)) {
            #expect(abs(parts.bias + parts.features.reduce(0, +) - log(prediction.p99)) < 1e-4)
        }
        // What the p99 does not depend on matters least of what varies.
        let importance = Dictionary(uniqueKeysWithValues: zip(predictor.features, predictor.importance))
        #expect(importance["memory_used"] ?? 1 < 0.02 && importance["cpu_used"] ?? 0 > 0.2)
        #expect(abs(predictor.importance.reduce(0, +) - 1) < 1e-9)
    }

    /// Of rates beyond those of training trees know nothing; where the regression knows better, it has a share.
    @Test func aRegressionGoesOnWhereTreesEnd() throws {
        func dataset(_ rates: ClosedRange<Double>, seed: UInt64) -> PredictionDataset {
            var dataset = PredictionDataset(windowSeconds: 20)
            var generator = RandomGenerator(seed: seed)
            for row in 0..<400 {
                let rate = rates.lowerBound + generator.uniform() * (rates.upperBound - rates.lowerBound)
                let (before, elsewhere) = (exp(generator.normal()), exp(generator.normal()))
                let risk = exp(generator.normal())
                let p99 = 0.01 * exp(0.02 * rate + 0.05 * generator.normal()) * pow(before * elsewhere * risk, 0.3)
                var features = [Float](repeating: .nan, count: PredictionFeature.allCases.count)
                for (feature, value) in [
                    (PredictionFeature.replicaRate, rate), (.cpuUsed, 0.5 * generator.uniform()), (.replicas, 1),
                    (.p99Before, before), (.p99Elsewhere, elsewhere), (.neighbourRisk, risk),
                ] { features[PredictionFeature.allCases.firstIndex(of: feature) ?? 0] = Float(value) }
                dataset.append(
                    PredictionDataset.Row(
                        episode: row / 20, seed: UInt64(row / 20) + 100 * seed, window: row % 20, node: "a",
                        service: "web", requests: 500, age: 10, objective: 0.05,
                        p99: p99),
                    features: features)
            }
            return dataset
        }
        let (training, beyond) = (dataset(0...100, seed: 1), dataset(150...200, seed: 2))
        func error(_ share: Double?) throws -> (share: Double, error: Double) {
            var settings = self.settings()
            settings.linearShare = share
            let predictor = try LatencyPredictor(training: training, settings)
            let rows = try predictor.predict(beyond.values)
            for (prediction, parts) in zip(rows, try predictor.contributions(beyond.values)) {
                #expect(abs(parts.bias + parts.features.reduce(0, +) - log(prediction.p99)) < 1e-4)
            }
            try withTemporaryFile { file in
                try predictor.write(to: file)
                let read = try LatencyPredictor(file: file)
                #expect(try read.predict(beyond.values) == rows && read.version == predictor.version)
                guard predictor.settings.linearShare ?? 0 > 0 else { return }
                var broken = try Checkpoint.read(file)
                let count = 3 * read.width + 3
                broken["predictor/linear"] = .float64(Array(repeating: 0, count: count), shape: [count])
                try broken.write(to: file)
                #expect { try LatencyPredictor(file: file) } throws: { "\($0)".contains("predictor/linear") }
            }
            let scores = PredictionScores(
                predicted: rows.map(\.p99), measured: beyond.rows.map(\.p99), objectives: beyond.rows.map(\.objective))
            return (predictor.settings.linearShare ?? -1, scores.logarithmicError)
        }
        let (trees, blend, regression) = (try error(0), try error(nil), try error(1))
        #expect(trees.share == 0 && blend.share == 0.75 && regression.share == 1)
        #expect(trees.error > 1 && blend.error < 0.5 * trees.error && regression.error < 0.1)
        // No further than ten times beyond what was there.
        var far = [Float](repeating: .nan, count: training.width)
        far[PredictionFeature.allCases.firstIndex(of: .replicaRate) ?? 0] = 1e6
        var settings = self.settings()
        settings.linearShare = 1
        let greatest = training.rows.map(\.p99).max() ?? 0
        let p99 = try LatencyPredictor(training: training, settings).predict(far)[0].p99
        #expect(abs(p99 / greatest - 10) < 1e-6)
    }

    /// scikit-learn's ridge regression on the same standardised features.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func theRegressionIsScikitLearns() throws {
        let split = try sampleDataset(episodes: 20).splitByEpisode(heldOut: 0.3, seed: 2)
        let own = LinearPredictor(training: split.training).predict(split.heldOut)
        let program = PythonProgram(
            """
            import h5py, numpy, sys
            from sklearn.linear_model import Ridge
            from sklearn.preprocessing import StandardScaler
            def read(path):
                with h5py.File(path) as f:
                    values = f["dataset/values"][:].astype(float)
                    return values[:, ~numpy.isnan(values).all(axis=0)], f["dataset/p99"][:]
            (x, y), (u, v) = read(sys.argv[1]), read(sys.argv[2])
            scaler = StandardScaler().fit(x)
            model = Ridge(alpha=1).fit(scaler.transform(x), numpy.log(y))
            print(*numpy.exp(model.predict(scaler.transform(u))))
            """)
        try withTemporaryFile { training in
            try withTemporaryFile { heldOut in
                try split.training.write(to: training)
                try split.heldOut.write(to: heldOut)
                let text = String(decoding: try program.run([training, heldOut]), as: UTF8.self)
                let theirs = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
                #expect(theirs.count == own.count)
                for (own, theirs) in zip(own, theirs) { #expect(abs(own / theirs - 1) < 1e-9) }
            }
        }
    }

    /// Of rows with a score near s, a share s keeps the objective, whatever the objective.
    @Test(arguments: [0.03, 0.05, 0.1])
    func scoresAreProbabilities(_ objective: Double) throws {
        let split = try sampleDataset(episodes: 100, noise: 0.3).splitByEpisode(heldOut: 0.4, seed: 1)
        let predictor = try LatencyPredictor(training: split.training, settings())
        let predictions = try predictor.predict(
            split.heldOut.values, objectives: Array(repeating: objective, count: split.heldOut.count))
        var (scores, kept, count) = ([0.0, 0, 0, 0], [0.0, 0, 0, 0], [0.0, 0, 0, 0])
        for (prediction, row) in zip(predictions, split.heldOut.rows) {
            #expect((0...1).contains(prediction.score))
            #expect((prediction.risk > 1) == (prediction.p99 > objective))
            let bin = min(3, Int(prediction.score * 4))
            scores[bin] += prediction.score
            kept[bin] += row.p99 <= objective ? 1 : 0
            count[bin] += 1
        }
        for bin in 0..<4 where count[bin] > 30 {
            // Three standard deviations of a share, and what calibration by one curve may be off.
            let spread = 3 * (0.25 / count[bin]).squareRoot() + 0.06
            #expect(abs(scores[bin] - kept[bin]) / count[bin] < spread, "bin \(bin) of objective \(objective)")
        }
        #expect(count.reduce(0, +) == Double(split.heldOut.count))
    }

    /// scikit-learn's logistic regression on the same pairs of ln(objective / predicted) and outcome.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func calibrationIsLogisticRegression() throws {
        var generator = RandomGenerator(seed: 5)
        let predicted = (0..<400).map { _ in exp(generator.normal()) }
        let measured = predicted.map { 1.1 * $0 * exp(0.4 * generator.normal()) }
        let own = LatencyPredictor.calibrate(predicted: predicted, measured: measured)
        let program = PythonProgram(
            """
            import json, sys
            import numpy as np
            from sklearn.linear_model import LogisticRegression
            predicted, measured = (np.array(values) for values in json.loads(sys.argv[1]))
            ordered = np.sort(measured)
            objectives = [ordered[int(round(share * 100) * len(ordered) / 100)] for share in np.arange(0.05, 0.951, 0.05)]
            t = np.concatenate([np.log(objective / predicted) for objective in objectives])
            kept = np.concatenate([measured <= objective for objective in objectives])
            fit = LogisticRegression(C=1e3, tol=1e-10, max_iter=1000).fit(t[:, None], kept)
            print(fit.coef_[0, 0], fit.intercept_[0])
            """)
        let text = try program.text(["[\(predicted), \(measured)]"])
        let theirs = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        try #require(theirs.count == 2)
        #expect(abs(own.slope - theirs[0]) < 5e-3 && abs(own.intercept - theirs[1]) < 5e-3, "\(own) \(theirs)")
    }

    @Test func wrongRowsAreRefused() throws {
        let predictor = try LatencyPredictor(training: sampleDataset(), settings())
        #expect(try predictor.predict([]) == [])
        let error = #expect(throws: PredictionError.self) { try predictor.predict([1, 2, 3]) }
        #expect(error?.code == .input)
        var row = [Float](repeating: .nan, count: predictor.width)
        let blind = try predictor.predict(row)
        #expect(blind[0].p99 > 0 && blind[0].p99.isFinite)
        row[2] = .infinity
        #expect { try predictor.predict(row) } throws: { "\($0)".contains("memory_bandwidth of row 0 is infinite") }
        row[2] = 0.1
        for objective in [0, -1, Double.nan, .infinity] {
            #expect(throws: PredictionError.self) { try predictor.predict(row, objectives: [objective]) }
        }
        #expect(throws: PredictionError.self) { try predictor.predict(row, objectives: []) }
    }

    @Test func searchTakesSettingsThatAreNoWorse() throws {
        let dataset = sampleDataset(episodes: 12)
        var searched = settings()
        (searched.trees, searched.depth, searched.trials, searched.linearShare) = (5, 1, 6, 0)
        var errors: [Double] = []
        let predictor = try LatencyPredictor(training: dataset, searched) { errors.append($1.logarithmicError) }
        #expect(errors.count == 7 && predictor.validation.logarithmicError == errors.min())
        #expect(predictor.settings != searched && errors[0] > 1.5 * (errors.min() ?? 1))
    }

    /// From many threads at once as from one.
    @Test func predictionsMayBeAskedForAtOnce() async throws {
        let dataset = sampleDataset()
        let predictor = try LatencyPredictor(training: dataset, settings())
        let expected = try predictor.predict(dataset.values)
        let parts = try predictor.contributions(dataset.values)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<50 {
                        let index = (task * 50 + round) % dataset.count
                        let row = Array(dataset.features(of: index))
                        let predicted = try predictor.predict(row)
                        #expect(predicted == [expected[index]])
                        guard round % 10 == 0 else { continue }
                        let contributed = try predictor.contributions(row)
                        #expect(contributed == [parts[index]])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// scikit-learn's forest on the same rows, with as many trees of the same depth.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func aForestIsAsGoodAsScikitLearns() throws {
        let split = try sampleDataset(episodes: 60).splitByEpisode(heldOut: 0.3, seed: 2)
        let predictor = try LatencyPredictor(training: split.training, settings(.forest))
        let measured = split.heldOut.rows.map(\.p99)
        let own = PredictionScores(
            predicted: try predictor.predict(split.heldOut.values).map(\.p99), measured: measured,
            objectives: split.heldOut.rows.map(\.objective))
        let program = PythonProgram(
            """
            import h5py, numpy, sys
            from sklearn.ensemble import RandomForestRegressor
            def read(path):
                with h5py.File(path) as f:
                    # Missing values get a value of their own, as older releases of scikit-learn need it.
                    return numpy.nan_to_num(f["dataset/values"][:], nan=-1), f["dataset/p99"][:]
            (x, y), (u, v) = read(sys.argv[1]), read(sys.argv[2])
            forest = RandomForestRegressor(100, max_depth=12, min_samples_leaf=3, max_features=0.6, random_state=0)
            predicted = numpy.exp(forest.fit(x, numpy.log(y)).predict(u))
            print(numpy.sqrt(numpy.mean((numpy.log(predicted) - numpy.log(v)) ** 2)))
            """)
        try withTemporaryFile { training in
            try withTemporaryFile { heldOut in
                try split.training.write(to: training)
                try split.heldOut.write(to: heldOut)
                let text = String(decoding: try program.run([training, heldOut]), as: UTF8.self)
                let theirs = try #require(Double(text.trimmingCharacters(in: .whitespacesAndNewlines)))
                #expect(own.logarithmicError < 1.1 * theirs, "\(own.logarithmicError) against \(theirs)")
            }
        }
    }

    @Test func ignoredFeaturesChangeNothing() throws {
        var settings = PredictorSettings()
        (settings.trees, settings.folds) = (60, 3)
        settings.ignoredFeatures = ["replica_rate"]
        let dataset = sampleDataset(episodes: 12)
        let (with, without) = (
            try LatencyPredictor(training: dataset, settings),
            try LatencyPredictor(
                training: dataset,
                {
                    var all = settings; all.ignoredFeatures = []; return all
                }())
        )
        let rate = PredictionFeature.names.firstIndex(of: "replica_rate") ?? 0
        #expect(with.importance[rate] == 0 && without.importance[rate] > 0.1)
        #expect(with.datasetFingerprint == without.datasetFingerprint)
        var row = Array(dataset.features(of: 0))
        let before = try with.predict(row)
        row[rate] = .nan
        #expect(try with.predict(row) == before && with.unfamiliar(row[...]).isEmpty)
        #expect(without.unfamiliar(row[...]) == [rate])
        settings.ignoredFeatures = ["replica_rat"]
        #expect { try settings.validate() } throws: { "\($0)".contains("did you mean replica_rate?") }
    }

    /// The walk over flat trees gives what XGBoost gives, bit for bit, for any number of rows.
    @Test(arguments: [PredictorKind.boosting, .forest])
    func flatTreesSumAsXGBoostDoes(_ kind: PredictorKind) throws {
        let dataset = sampleDataset()
        var settings = settings(kind)
        (settings.trees, settings.depth) = (61, kind == .forest ? 11 : 4)
        let trees = try BoostedTrees(
            dataset.values, width: dataset.width, labels: dataset.rows.map { Float(log($0.p99)) }, settings)
        var generator = RandomGenerator(seed: 9)
        for count in [0, 1, 2, 7, 8, 9, 31, 256, 257, 1_000] {
            var rows: [Float] = []
            for _ in 0..<count * dataset.width {
                rows.append(generator.uniform() < 0.3 ? .nan : Float(3 * generator.uniform() - 1))
            }
            #expect(try trees.predict(rows) == trees.predictByXGBoost(rows), "\(count) rows")
        }
        // Values that are thresholds.
        #expect(try trees.predict(dataset.values) == trees.predictByXGBoost(dataset.values))
    }

    @Test func brokenTreesAreRefused() throws {
        let dataset = sampleDataset(episodes: 3)
        var settings = settings()
        settings.trees = 1
        let json = try BoostedTrees(
            dataset.values, width: dataset.width, labels: dataset.rows.map { Float(log($0.p99)) }, settings
        ).json()
        func broken(_ pattern: some RegexComponent, _ replacement: String) -> String {
            let changed = json.replacing(pattern, with: replacement, maxReplacements: 1)
            #expect(changed != json)
            return changed
        }
        for (text, reason) in [
            ("{}", "no learner"), ("[", "cannot be read"),
            (broken(/"left_children":\[\d+/, #""left_children":[0"#), "its own ancestor"),
            (broken(/"left_children":\[\d+/, #""left_children":[99999"#), "that there are not"),
            (broken(/"split_indices":\[\d+/, #""split_indices":[\#(dataset.width)"#), "that there are not"),
            (broken(/"split_indices":\[\d+/, #""split_indices":[0.5"#), "expected a whole number"),
            (broken(/"split_type":\[0/, #""split_type":[1"#), "by categories"),
            (broken(/"right_children":\[\d+,/, #""right_children":["#), "different lengths"),
        ] {
            #expect { try FlatTrees(json: Array(text.utf8), width: dataset.width) } throws: {
                "\($0)".contains(reason)
            }
        }
    }
}
