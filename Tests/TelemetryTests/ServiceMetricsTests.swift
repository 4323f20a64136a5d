import HTTP
import Settings
import Telemetry
import TestServers
import Testing

/// What the reader makes of replies, and what the settings refuse.
@Suite struct ServiceMetricsTests {
    private static let web = ServiceName(namespace: "shop", name: "web")

    /// A reader of `settings` whose server answers every query with `body`.
    private func read(
        _ body: String, _ settings: ServiceMetricsSettings = .init(), services: [ServiceName] = [web]
    ) async throws -> ServiceReadings {
        let client = PrometheusClient(server: "http://p") { _ in
            HTTPResponse(status: 200, headers: [:], body: Array(body.utf8))
        }
        return try await ServiceMetricsReader(settings, client: client).read(services, at: 1_000)
    }

    private func reply(_ rows: [String], _ more: String = "") -> String {
        let series = rows.map { "{\"metric\":{\($0)]}" }.joined(separator: ",")
        return #"{"status":"success","data":{"resultType":"vector","result":[\#(series)]}\#(more)}"#
    }

    private func row(_ quantity: String, _ value: String, _ labels: String = "") -> String {
        #""berth":"0/\#(quantity)"\#(labels)},"value":[1000,"\#(value)""#
    }

    private func buckets(_ counts: [(String, String)]) -> [String] {
        counts.map { row("buckets", $0.1, #","le":"\#($0.0)""#) }
    }

    @Test func readsAReply() async throws {
        let rows =
            [row("newest", "995.5"), row("requestRate", "10"), row("errorShare", "0.25")]
            + buckets([("0.1", "4"), ("0.2", "9.8"), ("1", "10"), ("+Inf", "10")])
        let reading = try #require(try await read(reply(rows)).readings.first)
        #expect(reading.service == Self.web)
        #expect(reading.time == 995.5)
        #expect(reading.seconds == 20)
        #expect(reading.requestRate == 10)
        #expect(reading.errorShare == 0.25)
        // The 5th of 10 is the 1st of 5.8 between 0.1 and 0.2.
        #expect(abs((reading.p50?.seconds ?? 0) - (0.1 + 0.1 / 5.8)) < 1e-12)
        #expect(reading.p95?.bucket == 0.1...0.2)
        #expect(reading.p99?.bucket == 0.2...1)
        #expect(abs((reading.p99?.seconds ?? 0) - 0.6) < 1e-12)
        #expect(reading.p99?.description == "0.6 s, between 0.2 and 1.0 s")
    }

    @Test(arguments: ["NaN", "+Inf", "-Inf", "-0.5"])
    func takesNoSuchValue(_ value: String) async throws {
        let rows =
            [row("newest", "999"), row("requestRate", value), row("errorShare", value)]
            + buckets([("0.1", value), ("+Inf", "10")])
        let reading = try #require(try await read(reply(rows)).readings.first)
        #expect(reading.time == 999)
        #expect(reading.requestRate == nil)
        #expect(reading.errorShare == nil)
        #expect(reading.p50 == nil)
    }

    @Test func takesNeitherSeveralSeriesNorAShareAboveOne() async throws {
        let rows =
            [
                row("newest", "999"), row("requestRate", "1", #","pod":"a""#), row("requestRate", "2", #","pod":"b""#),
                row("errorShare", "1.5"),
            ]
            + buckets([("0.1", "5"), ("+Inf", "10")])
            + [row("buckets", "7", #","le":"0.2","pod":"b""#)]
        let reading = try #require(try await read(reply(rows)).readings.first)
        #expect(reading.time == 999)
        #expect(reading.requestRate == nil)
        #expect(reading.errorShare == nil)
        #expect(reading.p50 == nil)
    }

    @Test(arguments: [
        // Beyond the last bound; no requests; no bucket for all; a sum over different buckets; one bucket; no bound.
        [("0.1", "4"), ("+Inf", "10")], [("0.1", "0"), ("+Inf", "0")], [("0.1", "4"), ("0.2", "10")],
        [("0.1", "9"), ("0.2", "5"), ("+Inf", "10")], [("+Inf", "10")], [("much", "9"), ("+Inf", "10")],
    ])
    func makesNoQuantileOf(_ counts: [(String, String)]) async throws {
        let reading = try await read(reply([row("newest", "999")] + buckets(counts))).readings.first
        #expect(reading?.time == 999)
        #expect(reading?.p50 == nil)
        #expect(reading?.p99 == nil)
    }

    @Test func addsSeriesOfOneBound() async throws {
        let counts = [("1", "4"), ("1.0", "4"), ("2", "2"), ("2.0", "8"), ("+Inf", "10")]
        let reading = try await read(reply([row("newest", "999")] + buckets(counts))).readings.first
        #expect(reading?.p50 == LatencyQuantile(seconds: 0.625, bucket: 0...1))
    }

    @Test(arguments: [("989.1", true), ("988.9", false), ("1000.0005", true), ("1001", false)])
    func takesOnlyNewSamples(_ newest: String, _ isNew: Bool) async throws {
        let rows = [row("newest", newest), row("requestRate", "3")]
        let reading = try await read(reply(rows)).readings.first
        #expect(reading?.requestRate == (isNew ? 3 : nil))
        #expect(reading?.time == (isNew ? Double(newest) : 1_000))
        #expect(try await read(reply([row("requestRate", "3")])).readings.first?.requestRate == nil)
    }

    @Test func takesNothingOfAPartialReply() async throws {
        let rows = [row("newest", "999"), row("requestRate", "3")]
        let partial = try await read(reply(rows, #","warnings":["store x did not answer"]"#))
        #expect(partial.readings.map(\.requestRate) == [nil])
        #expect(partial.warnings == ["store x did not answer"])
        for known in [#","warnings":["PromQL info: no counter?"]"#, #","infos":["PromQL info: no counter?"]"#] {
            let whole = try await read(reply(rows, known))
            #expect(whole.readings.map(\.requestRate) == [3])
            #expect(whole.warnings.isEmpty)
        }
    }

    /// Of names that would end a query's string, nothing is asked.
    @Test func asksOnlyAboutDeployments() async throws {
        let asked = Box<[String]>([])
        let client = PrometheusClient(server: "http://p") { request in
            asked.value.append(String(decoding: request.body ?? [], as: UTF8.self) + request.url)
            return HTTPResponse(
                status: 200, headers: [:],
                body: Array(#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.utf8))
        }
        let reader = ServiceMetricsReader(.init(), client: client)
        let odd = [ServiceName(namespace: "a", name: #"b"} or up{x=""#), ServiceName(namespace: "", name: "b")]
        #expect(try await reader.read(odd, at: 1_000).readings.map(\.service) == odd)
        #expect(asked.value.isEmpty)
        let many = (0..<41).map { ServiceName(namespace: "a", name: "s\($0)") }
        #expect(try await reader.read(odd + many, at: 1_000).readings.map(\.service) == odd + many)
        #expect(asked.value.count == 3)
    }

    @Test func readsSettings() throws {
        let settings = try ServiceMetricsSettings.decode(
            yaml: """
                url: http://prometheus:9090
                preset: ingress-nginx
                selector: 'namespace="{namespace}",service=~"{service}(-canary)?"'
                histograms: native
                window: 30
                """)
        #expect(settings.preset == .ingressNginx)
        #expect(settings.histograms == .native)
        #expect(try ServiceMetricsSettings.decode(yaml: "").window == 20)
        _ = try ServiceMetricsSettings.decode(
            yaml: """
                preset: own
                queries:
                  newest: max(timestamp(a{s="{service}",n=~"[a-z]{2,3}"}))
                  requestRate: sum(rate(a{s="{service}"}[{window}]))
                  quantile: quantile_over_time({quantile}, b{s="{service}"}[{window}])
                """)
    }

    @Test(arguments: [
        ("url: prometheus:9090", "url", "begin with http://"),
        ("preset: nginx", "preset", "ingress-nginx"),
        ("window: 1", "window", "from 2 to 3600"),
        (#"selector: 'service="{service}"'"#, "selector", "must contain {namespace}"),
        (#"selector: 'namespace="{namespace}",service="{servce}"'"#, "selector", "did you mean service?"),
        ("preset: own", "queries", "must be given"),
        (#"{preset: own, queries: {requestRate: 'r{s="{service}"}'}}"#, "queries.newest", "must not be empty"),
        (#"{preset: own, queries: {newest: 'n{s="{service}"}'}, selector: x}"#, "selector", "must be empty"),
        (#"{preset: istio, queries: {newest: 'n{s="{service}"}'}}"#, "queries", "left out with the preset istio"),
        (#"{preset: own, queries: {newest: up}}"#, "queries.newest", "must contain {service}"),
        (
            #"{preset: own, queries: {newest: 'n{s="{service}"}', quantile: 'q{s="{service}"}'}}"#,
            "queries.quantile", "must contain {quantile}"
        ),
        (
            #"{preset: own, queries: {newest: 'n{s="{service}"}', buckets: 'b{s="{service}",q="{quantile}"}'}}"#,
            "queries.buckets", "unknown placeholder {quantile}"
        ),
        (
            #"{preset: own, queries: {newest: 'n{s="{service}"}', buckets: 'b{s="{service}"}', quantile: x}}"#,
            "queries.quantile", "left out where buckets"
        ),
        (
            "{preset: own, queries: {newest: 'n{s=\"{service}\"}', "
                + "quantile: 'histogram_quantile({quantile}, a_bucket{s=\"{service}\"})'}}",
            "queries.quantile", "give buckets"
        ),
    ])
    func refusesSettings(_ yaml: String, _ key: String, _ problem: String) throws {
        let error = try #require(throws: SettingsError.self) { try ServiceMetricsSettings.decode(yaml: yaml) }
        #expect(error.key == key)
        #expect(error.description.contains(problem), "\(error)")
    }
}
