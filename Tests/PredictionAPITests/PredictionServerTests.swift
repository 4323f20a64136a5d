import Foundation
import Hummingbird
import HummingbirdTesting
import JSON
import NIOCore
import Prediction
import PredictionAPI
import TestServers
import Testing

@Suite struct PredictionServerTests {
    private func post(
        _ client: any TestClientProtocol, _ body: String, to path: String = "/predict"
    ) async throws -> (status: HTTPResponse.Status, value: JSONValue) {
        try await client.execute(uri: path, method: .post, body: ByteBuffer(string: body)) { response in
            (response.status, try JSONValue(parsing: Array(response.body.readableBytesView)))
        }
    }

    private func number(_ value: JSONValue?) -> Double? {
        switch value {
        case .number(let number): number
        case .integer(let number): Double(number)
        default: nil
        }
    }

    @Test func aNodesMetricsGiveWhatThePredictorSays() async throws {
        let predictor = try samplePredictor()
        var row = [Float](repeating: .nan, count: predictor.width)
        (row[0], row[9]) = (0.5, 0.25)
        let expected = try predictor.predict(row, objectives: [0.02])[0]
        let parts = try predictor.contributions(row)[0]
        try await sampleServer().application().test(.router) { client in
            let (status, value) = try await post(
                client,
                """
                {"node": "n1", "metrics": {"cpu_used": 0.5, "replica_rate": 0.25, "pods": null}, "objective": 0.02,
                 "contributions": true}
                """)
            #expect(status == .ok && value["node"] == "n1")
            #expect(number(value["p99"]) == expected.p99 && number(value["risk"]) == expected.risk)
            #expect(number(value["score"]) == expected.score && number(value["bias"]) == parts.bias)
            #expect(number(value["contributions"]?["cpu_used"]) == parts.features[0])
            let batch = try await post(
                client, #"{"instances": [{"metrics": {"cpu_used": 0.5, "replica_rate": 0.25}}, {"metrics": {}}]}"#)
            let predictions = try #require(batch.value["predictions"]?.array)
            #expect(predictions.count == 2 && number(predictions[0]["p99"]) == expected.p99)
            #expect(number(predictions[0]["risk"]) == expected.p99 / predictor.objective)
        }
    }

    @Test(arguments: [
        (#"{"metrics": {"cpu_usd": 1}}"#, "metrics.cpu_usd is not known; did you mean cpu_used?"),
        (#"{"metrics": {"memory_used": 2e9}}"#, "metrics.memory_used must be from 0.0 to 10.0, found 2000000000.0"),
        (#"{"metrics": {"cpu_used": "1"}}"#, "metrics.cpu_used: expected a number, found a string"),
        (#"{"metrics": {}, "objective": 0}"#, "objective must be from 1e-6 to 3600 seconds, found 0.0"),
        (#"{"node": "a"}"#, "metrics is missing"),
        (#"{"metrics": {}, "metric": {}}"#, "metric is not known; did you mean metrics?"),
        (#"{"instances": [{"metrics": {}}, {}]}"#, "instances[1].metrics is missing"),
        (
            #"{"instances": [], "node": "a"}"#,
            "a body with \"instances\" has metrics, nodes and objectives in those only"
        ),
        (
            #"{"instances": [{"metrics": {}}], "\#(String(repeating: "k", count: 300))": 1}"#,
            "the body: a key of 300 bytes, expected at most 256: kkkkkkkkkkkkkkkk…"
        ),
        (#"{"metrics": {}, "metrics": {}}"#, "the body: metrics is there twice"),
        ("[]", "the body: expected an object, found an array"),
    ])
    func whatIsWrongIsSaid(_ body: String, _ reason: String) async throws {
        try await sampleServer().application().test(.router) { client in
            let (status, value) = try await post(client, body)
            #expect(status == .badRequest && value["error"]?.string == reason)
        }
    }

    @Test func tooMuchIsRefused() async throws {
        try await sampleServer().application().test(.router) { client in
            let rows = Array(repeating: #"{"metrics": {}}"#, count: 51).joined(separator: ",")
            let (status, value) = try await post(client, #"{"instances": [\#(rows)]}"#)
            #expect(status == .contentTooLarge && value["error"]?.string?.contains("more than 50 instances") == true)
            let explained = Array(repeating: #"{"metrics": {}}"#, count: 11).joined(separator: ",")
            let slow = try await post(client, #"{"contributions": true, "instances": [\#(explained)]}"#)
            #expect(
                slow.status == .contentTooLarge && slow.value["error"]?.string?.contains("more than 10 rows") == true)
            let large = try await post(client, String(repeating: " ", count: 1 << 21))
            #expect(large.status == .contentTooLarge)
            let other = try await post(client, "{}", to: "/v2/models/other/infer")
            #expect(other.status == .notFound && other.value["error"]?.string?.contains("there is \"latency\"") == true)
        }
    }

    @Test func healthAndMetrics() async throws {
        try await sampleServer().application().test(.router) { client in
            for path in [
                "/healthz", "/readyz", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/latency/ready",
            ] {
                #expect(try await client.execute(uri: path, method: .get) { $0.status } == .ok, "\(path)")
            }
            _ = try await post(client, #"{"metrics": {}}"#)
            _ = try await post(client, "{")
            let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
            #expect(page.contains(#"berth_predictor_requests_total{path="/predict",code="200"} 1"#))
            #expect(page.contains(#"berth_predictor_requests_total{path="/predict",code="400"} 1"#))
            #expect(page.contains("berth_predictor_rows_total 1"))
            #expect(page.contains(#"berth_predictor_prediction_duration_seconds_bucket{le="2.5e-05"}"#))
        }
    }

    /// A chunk whose length is no number: the server answers and closes, once.
    @Test func aBrokenTransferIsRefusedOnce() async throws {
        try await sampleServer().application().test(.live) { client in
            let answer = try await Loopback.answerToBrokenTransfer(of: "/predict", port: try #require(client.port))
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.ranges(of: "HTTP/1.1").count == 1, "\(answer)")
            let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
            #expect(page.contains(#"berth_predictor_requests_total{path="/predict",code="400"} 1"#))
        }
    }

    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func tritonsClientTalksToIt() async throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "triton.py")
        let program = PythonProgram(try String(contentsOf: file, encoding: .utf8))
        let predictor = try samplePredictor()
        let rows = [Float(0.1), 0.5, 0.9].flatMap { [$0] + [Float](repeating: 0.5, count: predictor.width - 1) }
        let expected = try predictor.predict(rows).map(\.p99)
        try await sampleServer().application().test(.live) { client in
            let port = try #require(client.port)
            #expect(try await onThread { try program.text(["\(port)", "\(expected)"]) } == "agreed\n")
        }
    }
}
