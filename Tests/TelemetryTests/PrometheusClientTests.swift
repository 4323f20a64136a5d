import Windows
import HTTP
import Telemetry
import TestServers
import Testing

/// Replies in the form of https://prometheus.io/docs/prometheus/latest/querying/api/, from a scripted server.
@Suite struct PrometheusClientTests {
    private func asking(
        timeout: Double = 10, status: Int = 200, type: String = "application/json", _ body: String,
        neverComes: Bool = false
    ) async throws -> PrometheusReply {
        let server = try TextServer { _ in .init(status: status, type: type, body: body, neverComes: neverComes) }
        return try await PrometheusClient(server: server.url + "/", timeout: timeout, client: HTTPClient()).query("up")
    }

    private func failure(
        timeout: Double = 10, status: Int = 200, type: String = "application/json", _ body: String,
        neverComes: Bool = false
    ) async throws -> PrometheusError? {
        do {
            let reply = try await asking(timeout: timeout, status: status, type: type, body, neverComes: neverComes)
            Issue.record("\(body) was read as \(reply)")
            return nil
        } catch let error as PrometheusError {
            #expect(error.description.contains("up"))
            return error
        }
    }

    @Test func readsTheFourTypes() async throws {
        let vector = try await asking(
            """
            {"status":"success","data":{"resultType":"vector","result":[
              {"metric":{"__name__":"up","job":"a\\"b"},"value":[1435781451.781,"1"]},
              {"metric":{},"value":[1435781451.781,"NaN"]},
              {"metric":{"x":"1"},"value":[1435781451,"-Inf"]},
              {"metric":{"x":"2"},"histogram":[1435781451,{"count":"3"}]}]}}
            """)
        guard case .vector(let elements) = vector.result else {
            Issue.record("\(vector)")
            return
        }
        #expect(elements.count == 3)
        #expect(elements[0].labels == ["__name__": "up", "job": "a\"b"])
        #expect(elements[0].sample == Reading(value: 1, time: 1_435_781_451.781))
        #expect(elements[1].sample.value.isNaN)
        #expect(elements[2].sample.value == -.infinity)
        #expect(vector.unreadHistograms == 1)
        #expect(vector.singleValue == nil)

        // The type may come after what it describes.
        let matrix = try await asking(
            """
            {"data":{"result":[{"metric":{"__name__":"up"},"values":[[1,"+Inf"],[2.5,"1e-3"]]}],"resultType":"matrix"},
             "status":"success"}
            """)
        #expect(
            matrix.result
                == .matrix([
                    .init(
                        labels: ["__name__": "up"],
                        samples: [Reading(value: .infinity, time: 1), Reading(value: 0.001, time: 2.5)])
                ]))

        let scalar = try await asking(#"{"status":"success","data":{"resultType":"scalar","result":[5,"-7.5"]}}"#)
        #expect(scalar.result == .scalar(Reading(value: -7.5, time: 5)))
        #expect(scalar.singleValue?.value == -7.5)
        let string = try await asking(#"{"status":"success","data":{"resultType":"string","result":[5,"a"]}}"#)
        #expect(string.result == .string("a", time: 5))
        // An empty result is a result: nothing matched.
        let empty = try await asking(#"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
        #expect(empty.result == .vector([]))
        #expect(empty.singleValue == nil)
    }

    /// Thanos answers with what it has and warns of the stores that it could not ask.
    @Test func warningsMarkAPartialResult() async throws {
        let reply = try await asking(
            """
            {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]},
             "warnings":["No StoreAPIs matched for this query","b"],"infos":["c"]}
            """)
        #expect(reply.mayBePartial)
        #expect(reply.warnings == ["No StoreAPIs matched for this query", "b"])
        #expect(reply.infos == ["c"])
        #expect(reply.singleValue?.value == 2)
    }

    @Test(arguments: [
        (400, "bad_data", false), (422, "execution", false), (503, "timeout", true), (503, "unavailable", true),
        (500, "internal", true), (400, "something_new", false),
    ])
    func errorsKeepTheServersType(status: Int, type: String, isTransient: Bool) async throws {
        let body = #"{"status":"error","errorType":"\#(type)","error":"why","data":{"resultType":"","result":null}}"#
        let error = try #require(await failure(status: status, body))
        #expect(error.kind == PrometheusError.Kind(rawValue: type))
        #expect(error.status == status)
        #expect(error.message == "why")
        #expect(error.isTransient == isTransient)
    }

    @Test func tellsOtherAnswersFromPrometheus() async throws {
        let page = try #require(await failure(status: 502, type: "text/html", "<html>Bad Gateway</html>"))
        #expect(page.kind == .unavailable)
        #expect(page.isTransient)
        #expect(page.message.contains("Bad Gateway"))
        #expect(try await failure(status: 404, type: "text/plain", "404 page not found")?.kind == .notFound)
        for body in [
            "", "{", "[]", "{}", #"{"status":"fine"}"#, #"{"status":"success"}"#,
            #"{"status":"success","data":{"resultType":"vector"}}"#,
            #"{"status":"success","data":{"resultType":"streams","result":[]}}"#,
            #"{"status":"success","data":{"resultType":"scalar","result":[1]}}"#,
            #"{"status":"success","data":{"resultType":"scalar","result":[1,"2","3"]}}"#,
            #"{"status":"success","data":{"resultType":"scalar","result":[1,"infinity"]}}"#,
            #"{"status":"success","data":{"resultType":"scalar","result":[1,""]}}"#,
            #"{"status":"success","data":{"resultType":"scalar","result":[1,2]}}"#,
        ] {
            #expect(try await failure(body)?.kind == .malformed)
        }
    }

    @Test func aServerThatIsSilentOrGoneIsUnreachable() async throws {
        let silent = try #require(await failure(timeout: 0.2, "", neverComes: true))
        #expect(silent.kind == .unreachable)
        #expect(silent.isTransient)
        let client = PrometheusClient(server: "http://127.0.0.1:\(try TextServer.freePort())", client: try HTTPClient())
        await #expect(throws: PrometheusError.self) { try await client.query("up") }
        #expect(await client.isReady() == false)
    }

    @Test func sendsWhatTheServerExpects() async throws {
        let server = try TextServer { _ in
            .init(type: "application/json", body: #"{"status":"success","data":{"resultType":"matrix","result":[]}}"#)
        }
        let client = PrometheusClient(server: server.url + "/proxy/", timeout: 2.5, client: try HTTPClient())
        _ = try await client.queryRange("a{x=\"é&=+\"}", from: 1_700_000_000.25, to: 1_700_000_060, step: 15)
        _ = try await client.query("b", at: -0.5)
        let long = "c{x=\"\(String(repeating: "é", count: 2_000))\"}"
        _ = try await client.query(long)
        let requests = server.requests
        #expect(requests.map(\.method) == ["GET", "GET", "POST"])
        #expect(requests.map(\.path) == ["/proxy/api/v1/query_range", "/proxy/api/v1/query", "/proxy/api/v1/query"])
        #expect(
            requests[0].query == [
                "query": "a{x=\"é&=+\"}", "start": "1700000000.250", "end": "1700000060.000", "step": "15.000",
                "timeout": "2500ms",
            ])
        #expect(requests[1].query["time"] == "-0.500")
        #expect(requests[2].query == [:])
        #expect(requests[2].body == "query=\(percentEncoded(long))&timeout=2500ms")
    }

    @Test func aMatrixBecomesScrapes() {
        let reply = PrometheusReply(
            result: .matrix([
                .init(
                    labels: ["__name__": "a", "z": "1", "b": "2"],
                    samples: [Reading(value: 1, time: 10), Reading(value: 3, time: 25)]),
                .init(labels: ["__name__": "c"], samples: [Reading(value: 2, time: 10)]),
                .init(labels: ["x": "sum"], samples: [Reading(value: 2, time: 10)]),
            ]))
        let scrapes = reply.scrapes
        #expect(scrapes.map(\.time) == [10, 25])
        #expect(
            scrapes[0].samples == [
                MetricSample(name: "a", labels: ["b": "2", "z": "1"], value: 1, timestamp: 10),
                MetricSample(name: "c", value: 2, timestamp: 10),
            ])
        #expect(scrapes[1].samples.map(\.value) == [3])
    }
}
