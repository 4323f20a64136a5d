import Drift
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import Prediction
import PredictionAPI
import TestServers
import Testing

/// Predictors that are replaced while the server answers.
@Suite struct SwapTests {
    private func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-swap-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }

    private func ask(_ client: any TestClientProtocol, _ cpu: Double) async throws {
        try await ask(
            client, PredictionFeature.names.map { $0 == "pods" ? .nan : $0 == "cpu_used" ? Float(cpu) : 0.5 }[...])
    }

    private func events(_ client: any TestClientProtocol) async throws -> String {
        try await client.execute(uri: "/events", method: .get) { String(buffer: $0.body) }
    }

    private func waitForEvent(_ client: any TestClientProtocol, _ text: String, times: Int = 1) async throws {
        for _ in 0..<1_200 {
            if try await events(client).ranges(of: text).count >= times { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("no event \"\(text)\" after a minute: \(try await events(client))")
    }

    @Test func aChangedFileIsTakenWithoutDroppingARequest() async throws {
        try await withTemporaryFolder { folder in
            let (isAsking, answered) = (Box(true), Box(0))
            let file = PredictorFile("\(folder)/predictor.h5")
            let (first, second) = (try samplePredictor(), try samplePredictor(episodes: 0..<9))
            try file.install(first)
            let server = try sampleServer(first) { settings in
                (settings.predictor, settings.reloadSeconds) = (file.path, 0.05)
            }
            try await server.application().test(.live) { client in
                // Requests all the while.
                let asking = Task {
                    while isAsking.value {
                        try await ask(client, Double(answered.value % 100) / 100)
                        answered.value += 1
                    }
                }
                for round in 0..<3 {
                    func answersGoOn() async throws {
                        let before = answered.value
                        try await waitUntil { answered.value >= before + 10 }
                    }
                    try file.install(second)
                    try await waitUntil { server.version == second.version }
                    try await answersGoOn()
                    try file.rollBack()
                    try await waitUntil { server.version == first.version }
                    try await answersGoOn()
                    // What is no predictor changes nothing.
                    try Data("no predictor \(round)".utf8).write(to: URL(filePath: file.path), options: .atomic)
                    try await waitForEvent(client, "is not taken", times: round + 1)
                    #expect(server.version == first.version)
                    try first.write(to: file.path)
                }
                isAsking.value = false
                try await asking.value
                let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
                #expect(page.contains(#"berth_predictor_info{version="\#(first.version)"} 1"#))
                #expect(page.contains(#"berth_predictor_info{version="\#(second.version)"} 0"#))
                #expect(!page.contains(#"code="500""#))
            }
        }
    }

    private func waitUntil(_ condition: () -> Bool) async throws {
        for _ in 0..<1_200 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("nothing has changed after a minute")
    }

    private var drift: DriftSettings {
        var drift = DriftSettings()
        (drift.window, drift.minimumRows, drift.interval) = (1_000, 600, 20)
        // 200 training rows tell no smaller drift from noise.
        drift.populationStability = DriftThresholds(moderate: 0.4, severe: 0.8)
        drift.kullbackLeibler = DriftThresholds(moderate: 0.2, severe: 0.5)
        return drift
    }

    /// What a predictor may not use is no drift, whether callers know it or not.
    @Test func ignoredFeaturesDoNotDrift() async throws {
        var settings = sampleSettings
        settings.ignoredFeatures = ["memory_used", "replica_limit"]
        let predictor = try LatencyPredictor(training: sampleDataset(), settings)
        try await sampleServer(predictor) { $0.drift = drift }.application().test(.router) { client in
            let dataset = sampleDataset(episodes: 100..<140)
            let without = PredictionFeature.names.firstIndex(of: "memory_used") ?? 0
            for index in 0..<dataset.count {
                var row = Array(dataset.features(of: index))
                row[without] = .nan
                try await ask(client, row[...])
            }
            let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
            #expect(page.contains("berth_predictor_drift_level 0"))
            #expect(page.contains(#"berth_predictor_feature_drift{feature="cpu_used",figure="psi"} 0."#))
            #expect(try await !events(client).contains("drift"))
        }
    }

    /// Rows as in training, then rows of nodes that are all busy.
    private func askUntilDrift(_ client: any TestClientProtocol, again: Bool = false) async throws {
        let dataset = sampleDataset(episodes: 100..<140)
        if !again {
            for index in 0..<dataset.count { try await ask(client, dataset.features(of: index)) }
            #expect(try await !events(client).contains("drift"))
            let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
            #expect(page.contains("berth_predictor_drift_level 0"))
        }
        for index in 0..<dataset.count {
            var row = Array(dataset.features(of: index))
            row[0] = 0.9 + row[0] / 10
            try await ask(client, row[...])
        }
        #expect(try await events(client).contains("all features: from"))
        let after = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
        #expect(after.contains(#"berth_predictor_feature_drift_level{feature="memory_used"} 0"#))
    }

    /// Fails where the answer is no prediction.
    private func ask(_ client: any TestClientProtocol, _ row: ArraySlice<Float>) async throws {
        let metrics = zip(PredictionFeature.names, row).filter { !$1.isNaN }.map { "\"\($0)\": \($1)" }
        let body = "{\"metrics\": {\(metrics.joined(separator: ", "))}}"
        try await client.execute(uri: "/predict", method: .post, body: ByteBuffer(string: body)) { response in
            #expect(response.status == .ok, "\(String(buffer: response.body))")
        }
    }

    @Test func driftIsSaidByFeature() async throws {
        try await sampleServer { $0.drift = drift }.application().test(.router) { client in
            try await askUntilDrift(client)
            let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
            #expect(page.contains(#"berth_predictor_feature_drift_level{feature="cpu_used"} 2"#))
            #expect(page.contains("berth_predictor_drift_level 2"))
            #expect(page.contains(#"berth_predictor_feature_drift{feature="cpu_used",figure="js"} 0."#))
            #expect(page.contains(#"berth_predictor_events_total{kind="drift"}"#))
        }
    }

    @Test func tooFewTrainingRowsForTheThresholdsAreRefused() throws {
        #expect {
            try sampleServer { $0.drift = DriftSettings() }
        } throws: { "\($0)".contains("cannot tell a drift") && "\($0)".contains("leave drift out") }
        #expect {
            try sampleServer { settings in
                settings.retraining = RetrainingSettings()
                settings.retraining?.datasets = ["data.h5"]
            }
        } throws: { "\($0)".contains("without drift") }
    }

    /// - Parameters:
    ///   - settings: of the new predictor; `nil` for those of the one in use.
    ///   - minimumSeconds: from one training to the next.
    ///   - new: the episodes recorded since; where they are few, the old ones are not trained on.
    private func retrain(
        _ settings: PredictorSettings?, factor: Double, minimumSeconds: Double = 3_600, new: Range<Int> = 10..<20,
        _ check:
            @Sendable (any TestClientProtocol, PredictorFile, _ before: LatencyPredictor, PredictionServer) async throws
            ->
            Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let file = PredictorFile("\(folder)/predictor.h5")
            let before = try samplePredictor()
            try file.install(before)
            // What was recorded since: busier times.
            try sampleDataset().write(to: "\(folder)/old.h5")
            try sampleDataset(episodes: new, factor: factor).write(to: "\(folder)/new.h5")
            let server = try sampleServer(before) { server in
                (server.predictor, server.reloadSeconds, server.drift) = (file.path, 0.05, drift)
                server.retraining = RetrainingSettings()
                server.retraining?.datasets = (new.count < 5 ? [] : ["\(folder)/old.h5"]) + ["\(folder)/new.h5"]
                server.retraining?.minimumSeconds = minimumSeconds
                // One episode, so that a second training finds too few that are new.
                server.retraining?.heldOut = 0.1
                server.retraining?.predictor = settings
            }
            try await server.application().test(.live) { client in
                try await askUntilDrift(client)
                try await check(client, file, before, server)
            }
        }
    }

    @Test func severeDriftRetrainsAndTheBetterOneIsTaken() async throws {
        try await retrain(nil, factor: 3) { client, file, before, server in
            try await waitForEvent(client, "is taken")
            let after = server.version
            #expect(after != before.version)
            #expect(try file.read().version == after)
            #expect(try await events(client).contains("in place of \(before.version)"))
            // And back, by the file.
            try file.rollBack()
            try await waitUntil { server.version == before.version }
            try await ask(client, 0.5)
        }
    }

    @Test func whatWasRolledBackIsNotTakenAgain() async throws {
        try await retrain(nil, factor: 3, minimumSeconds: 0) { client, file, before, server in
            try await waitForEvent(client, "is taken")
            try file.rollBack()
            try await waitUntil { server.version == before.version }
            // The same drift, and the same data to train on.
            try await askUntilDrift(client, again: true)
            try await waitForEvent(client, "it was rolled back")
            #expect(server.version == before.version)
        }
    }

    /// Of few training rows drift could not be told from noise.
    @Test func oneWhoseDriftCannotBeWatchedIsNotTaken() async throws {
        try await retrain(nil, factor: 3, new: 10..<14) { client, file, before, server in
            try await waitForEvent(client, "cannot be watched")
            #expect(server.version == before.version)
            #expect(try file.read().version == before.version)
            #expect(!FileManager.default.fileExists(atPath: file.previousPath))
        }
    }

    @Test func aWorseOneIsNotTaken() async throws {
        var poor = sampleSettings
        (poor.trees, poor.depth) = (1, 1)
        try await retrain(poor, factor: 1) { client, file, before, server in
            try await waitForEvent(client, "is worse and not taken")
            #expect(server.version == before.version)
            #expect(try file.read().version == before.version)
            #expect(!FileManager.default.fileExists(atPath: file.previousPath))
        }
    }
}
