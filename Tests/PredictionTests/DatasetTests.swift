import Checkpoints
import Cluster
import Foundation
import Prediction
import Simulator
import Testing

@Suite struct DatasetTests {
    @Test func aFileGivesBackWhatWasWritten() throws {
        try withTemporaryFile { file in
            let dataset = sampleDataset(episodes: 3)
            try dataset.write(to: file)
            let read = try PredictionDataset(file: file)
            // NaN equals nothing, so by bits.
            #expect(read.values.map(\.bitPattern) == dataset.values.map(\.bitPattern))
            #expect(read.rows == dataset.rows && read.features == dataset.features)
            #expect(read.fingerprint == dataset.fingerprint)
        }
    }

    /// Files of earlier releases lack features: the rows tell them.
    @Test(
        arguments: [
            ["cpu_per_request", "p99_before", "backlog", "p99_elsewhere", "neighbour_risk"],
            ["backlog", "p99_elsewhere", "neighbour_risk"], ["p99_elsewhere", "neighbour_risk"],
        ])
    func olderFilesAreCompleted(_ missing: [String]) throws {
        try withTemporaryFile { file in
            let dataset = sampleDataset(episodes: 2, windows: 6)
            let (width, names) = (dataset.width, PredictionFeature.names)
            let kept = names.indices.filter { !missing.contains(names[$0]) }
            let cpu = try #require(kept.firstIndex { names[$0] == "replica_cpu" })
            let perRequest = try #require(names.firstIndex(of: "cpu_per_request"))
            let rate = try #require(names.firstIndex(of: "replica_rate"))
            let before = try #require(names.firstIndex(of: "p99_before"))
            let backlog = try #require(names.firstIndex(of: "backlog"))
            var values = (0..<dataset.count).flatMap { row in kept.map { dataset.values[row * width + $0] } }
            values[cpu] = 0.5
            var older = dataset.checkpoint
            older["dataset/features"] = .text(kept.map { names[$0] }.joined(separator: "\n"))
            older["dataset/values"] = .float32(values, shape: [dataset.count, kept.count])
            // With gaps, and all on one node.
            older["dataset/node"] = .int64(Array(repeating: 0, count: 12), shape: [12])
            older["dataset/window"] = .int64([0, 1, 2, 4, 5, 7, 0, 1, 2, 4, 5, 7], shape: [12])
            try older.write(to: file)
            let read = try PredictionDataset(file: file)
            #expect(read.features == names && read.count == 12)
            // What a file has is kept.
            let isComputed = missing.contains("p99_before")
            #expect((read.values[perRequest] == 0.5 / dataset.values[rate]) == isComputed)
            #expect(read.values[width + perRequest].isNaN)
            for row in 0..<12 {
                let known = Array(read.features(of: row))
                if isComputed, [1, 2, 4].contains(row % 6) {
                    #expect(known[before] == Float(dataset.rows[row - 1].p99))
                } else {
                    #expect(known[before].isNaN)
                }
                if missing.contains("backlog") {
                    // One replica.
                    let sent = 20 * Double(known[rate])
                    #expect(abs(Double(known[backlog]) - (dataset.rows[row].requests / sent - 1)) < 1e-5)
                }
                #expect(read.features(of: row).first == dataset.features(of: row).first)
            }
        }
    }

    /// Two windows, with rows that say nothing in the second: a row holds what others met, never what it met itself.
    @Test func aWindowsRowsTellOfEachOther() throws {
        try withTemporaryFile { file in
            var dataset = PredictionDataset(
                features: PredictionFeature.names.dropLast(2), windowSeconds: 20)
            let rows: [(window: Int, node: String, service: String, requests: Double, p99: Double)] = [
                (0, "a", "web", 100, 0.1), (0, "b", "web", 300, 0.2), (0, "c", "web", 100, 0.6),
                (0, "a", "shop", 100, 0.9), (0, "a", "blog", 100, 0.15), (1, "a", "web", 100, 0.7),
                (1, "b", "web", 0, 0.7), (1, "c", "web", 100, .nan),
                (0, "b", "web", 100, 0.5),
            ]
            // The last one is of another episode.
            for (index, row) in rows.enumerated() {
                dataset.append(
                    PredictionDataset.Row(
                        episode: index / 8, seed: 1, window: row.window, node: row.node, service: row.service,
                        requests: row.requests, age: 0, objective: row.service == "shop" ? 0.3 : 0.1, p99: row.p99),
                    features: Array(repeating: Float(0.5), count: dataset.width))
            }
            try dataset.write(to: file)
            let read = try PredictionDataset(file: file)
            let (elsewhere, risk) = (read.width - 2, read.width - 1)
            // By requests: (300 · 0.2 + 100 · 0.6) / 400.
            let expected: [(Float, Float)] = [
                (0.3, 3), (0.35, .nan), (0.175, .nan), (.nan, 1.5), (.nan, 3), (.nan, .nan), (0.7, .nan), (0.7, .nan),
                (.nan, .nan),
            ]
            for (row, wanted) in expected.enumerated() {
                let features = Array(read.features(of: row))
                for (found, wanted) in [(features[elsewhere], wanted.0), (features[risk], wanted.1)] {
                    #expect(wanted.isNaN ? found.isNaN : abs(found - wanted) < 1e-6, "row \(row)")
                }
            }
        }
    }

    @Test func foreignFilesAreRefused() throws {
        try withTemporaryFile { file in
            #expect(throws: CheckpointError.self) { try PredictionDataset(file: file) }
            try Checkpoint(values: ["dataset/features": .text("cpu_used")]).write(to: file)
            #expect { try PredictionDataset(file: file) } throws: { "\($0)".contains("dataset/window_seconds") }
            for (path, value) in [
                ("dataset/episode", Checkpoint.Value.int64([-1], shape: [1])),
                ("dataset/window", .int64([.max], shape: [1])),
                ("dataset/window_seconds", .float64([.infinity], shape: [])), ("dataset/node", .int64([1], shape: [1])),
            ] {
                var damaged = sampleDataset(episodes: 1, windows: 1).checkpoint
                damaged[path] = value
                try damaged.write(to: file)
                #expect { try PredictionDataset(file: file) } throws: { "\($0)".contains(path) }
            }
        }
    }

    @Test func noEpisodeIsOnBothSidesOfASplit() throws {
        var dataset = sampleDataset(episodes: 10)
        // Repetitions: other episodes of the same seeds.
        try dataset.append(sampleDataset(episodes: 3))
        #expect(dataset.episodes == Array(0..<13))
        for seed in 0..<20 {
            let split = try dataset.splitByEpisode(heldOut: 0.3, seed: UInt64(seed))
            let (training, heldOut) = (Set(split.training.rows.map(\.seed)), Set(split.heldOut.rows.map(\.seed)))
            #expect(training.isDisjoint(with: heldOut) && heldOut.count == 3)
            #expect(split.training.count + split.heldOut.count == dataset.count)
        }
        let error = #expect(throws: PredictionError.self) {
            try sampleDataset(episodes: 1).splitByEpisode(heldOut: 0.3, seed: 0)
        }
        #expect(error?.code == .tooFewEpisodes)
        let first = try dataset.splitByEpisode(heldOut: 0.3, seed: 0).heldOut.rows
        #expect(try dataset.splitByEpisode(heldOut: 0.3, seed: 0).heldOut.rows == first)
    }

    @Test func repetitionsTellTheRepeatError() throws {
        var dataset = sampleDataset(episodes: 4, noise: 0)
        #expect(dataset.repeatError == nil)
        var again = PredictionDataset(windowSeconds: 20)
        for index in 0..<dataset.count {
            var row = dataset.rows[index]
            row.p99 *= 1.25
            again.append(row, features: dataset.features(of: index))
        }
        try dataset.append(again)
        // Half of the pairs are at 0.25, half at 1 - 1 / 1.25.
        #expect(abs((dataset.repeatError ?? 0) - 0.225) < 1e-9)
    }

    /// Every kind of damage is named; the sound set passes.
    @Test func brokenSetsAreRefusedWithTheReason() throws {
        let sound = sampleDataset(episodes: 4)
        try DataQuality(sound).check()
        func damaged(_ change: (Int, inout PredictionDataset.Row, inout [Float]) -> Void) -> PredictionDataset {
            var result = PredictionDataset(windowSeconds: 20)
            for index in 0..<sound.count {
                var (row, features) = (sound.rows[index], Array(sound.features(of: index)))
                change(index, &row, &features)
                result.append(row, features: features)
            }
            return result
        }
        let cases: [(PredictionDataset, String)] = [
            (PredictionDataset(windowSeconds: 20), "no rows"),
            (
                PredictionDataset(features: [], windowSeconds: 20),
                "feature 0 is none, expected cpu_used; record it again"
            ),
            (
                PredictionDataset(features: ["cpu_used", "disk"], windowSeconds: 20),
                "feature 1 is disk, expected memory_used"
            ),
            (damaged { index, row, _ in if index == 2 { row.objective = 0 } }, "1 of 80 objectives"),
            (damaged { index, row, _ in if index == 2 { row.objective = .nan } }, "1 of 80 objectives"),
            (damaged { _, row, _ in row.seed = 1 }, "one episode"),
            (damaged { index, row, _ in if index == 5 { row.p99 = .nan } }, "1 of 80 labels"),
            (damaged { index, row, _ in if index == 5 { row.p99 = 0 } }, "1 of 80 labels"),
            (damaged { _, row, _ in row.p99 = 0.1 }, "all labels are 0.1 s"),
            (damaged { index, row, _ in if index % 5 == 0 { row.age = 61 } }, "16 of 80 rows"),
            (damaged { index, row, _ in if index % 5 == 0 { row.age = .nan } }, "16 of 80 rows"),
            (damaged { index, row, _ in if index == 1 { row = sound.rows[0]; row.window = 0 } }, "there twice"),
            (damaged { _, _, features in features[0] = .nan }, "cpu_used is missing in 100 %"),
            (damaged { index, _, features in if index == 3 { features[0] = .infinity } }, "cpu_used is not from 0"),
            (damaged { index, _, features in if index == 3 { features[0] = -0.1 } }, "cpu_used is not from 0"),
        ]
        for (dataset, reason) in cases {
            #expect { try DataQuality(dataset).check() } throws: { "\($0)".contains(reason) }
        }
        #expect(DataQuality(sound).remarks.contains("memory_bandwidth was never measured"))
        #expect(DataQuality(sound).remarks.contains("replicas is always 1.0"))
    }

    /// The simulator as a recorder sees it: rows for each node that answered, none of a backend that does not tell
    /// nodes apart.
    @Test func episodesBecomeRows() throws {
        var cluster = try SimulatedCluster(settings: SimulatorSettings())
        cluster.reportsNodes = true
        cluster.reset(seed: 5)
        var recorder = WindowRecorder(PredictionDataset(windowSeconds: 20), minimumRequests: 1)
        recorder.begin(episode: 0, seed: 5, cluster.snapshot)
        var expected = 0
        for _ in 0..<10 {
            let report = try cluster.advance()
            expected += report.nodes?.count ?? 0
            try recorder.record(report, cluster.snapshot)
        }
        #expect(recorder.dataset.count == expected - recorder.leftOut - recorder.changed && expected > 20)
        #expect(recorder.dataset.rows.map(\.window).max() == 9)
        // What a window's p99 was the next one's row tells.
        let dataset = recorder.dataset
        func column(_ feature: PredictionFeature) -> Int { PredictionFeature.allCases.firstIndex(of: feature) ?? 0 }
        var known = 0
        for (index, row) in dataset.rows.enumerated() {
            guard
                let before = dataset.rows.first(where: {
                    $0.window == row.window - 1 && $0.node == row.node && $0.service == row.service
                })
            else { continue }
            #expect(Array(dataset.features(of: index))[column(.p99Before)] == Float(before.p99))
            known += 1
        }
        #expect(known > 10)
        // Nearly all that was due came, and the rate is measured with some noise.
        let backlogs = (0..<dataset.count).map { Array(dataset.features(of: $0))[column(.backlog)] }
            .filter { !$0.isNaN }
        #expect(backlogs.count > dataset.count / 2 && backlogs.allSatisfy { abs($0) < 0.5 })
        // The recorder and the completion of an older file say the same of a window's other rows.
        let (width, kept) = (dataset.width, dataset.width - 2)
        var older = dataset.checkpoint
        older["dataset/features"] = .text(PredictionFeature.names.prefix(kept).joined(separator: "\n"))
        older["dataset/values"] = .float32(
            (0..<dataset.count).flatMap { dataset.features(of: $0).prefix(kept) }, shape: [dataset.count, kept])
        #expect(try PredictionDataset(older).values.map(\.bitPattern) == dataset.values.map(\.bitPattern))
        #expect((0..<dataset.count).count { !dataset.values[$0 * width + kept].isNaN } > dataset.count / 2)
        cluster.reportsNodes = false
        var report = try cluster.advance()
        #expect { try recorder.record(report, cluster.snapshot) } throws: { "\($0)".contains("route: pods") }
        // A window in which the cluster could not go on says nothing.
        report.failure = "silence"
        let count = recorder.dataset.count
        try recorder.record(report, cluster.snapshot)
        #expect(recorder.dataset.count == count)
    }
}

func withTemporaryFile(_ body: (String) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "berth-prediction-\(UUID().uuidString).h5").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try body(file)
}
