import Extender
import Hummingbird
import HummingbirdTesting
import Telemetry
import Testing

@Suite struct MetricsTests {
    @Test func theServerCountsWhatItDoes() async throws {
        let scorer = try makeScorer(policy: nil)
        let server = makeServer(scorer)
        try await server.application().test(.router) { client in
            for _ in 0..<3 {
                try await client.execute(uri: "/prioritize", method: .post, body: request("p", ["a", "x", "y"])) {
                    #expect($0.status == .ok)
                }
            }
            try await client.execute(uri: "/filter", method: .post, body: request("p", ["a"])) {
                #expect($0.status == .ok)
            }
            try await client.execute(uri: "/filter", method: .post) { #expect($0.status == .badRequest) }
            try await client.execute(uri: "/metrics", method: .get) { response in
                #expect(response.headers[.contentType]?.hasPrefix("text/plain; version=0.0.4") == true)
                let samples = try ExpositionParser.parse(Array(response.body.readableBytesView))
                func value(_ name: String, _ labels: MetricLabels = [:]) -> Double? {
                    samples.first { $0.name == name && $0.labels == labels }?.value
                }
                #expect(value("berth_extender_requests_total", ["verb": "prioritize", "code": "200"]) == 3)
                #expect(value("berth_extender_requests_total", ["verb": "filter", "code": "200"]) == 1)
                #expect(value("berth_extender_requests_total", ["verb": "filter", "code": "400"]) == 1)
                #expect(value("berth_extender_fallbacks_total", ["reason": "not_loaded"]) == 3)
                #expect(value("berth_extender_fallbacks_total", ["reason": "failed"]) == 0)
                #expect(value("berth_extender_unknown_nodes_total") == 6)
                #expect(value("berth_extender_nodes") == 3)
                #expect(value("berth_extender_assumed_pods") == 1)
                #expect(value("berth_extender_policy_loaded") == 0)
                #expect(value("berth_extender_request_duration_seconds_count", ["verb": "prioritize"]) == 3)
            }
        }
    }
}
