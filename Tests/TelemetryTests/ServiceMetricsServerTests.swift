import Windows
import Foundation
import HTTP
import Telemetry
import TestServers
import Testing

/// The reader against Prometheus itself, which scrapes pages of ours.
@Suite(
    .enabled(if: ServiceMetricsServer.isInstalled, "scripts/setup.sh --test installs Prometheus"), .serialized,
    .timeLimit(.minutes(3)))
struct ServiceMetricsServerTests {
    private static let presets = ServiceMetricsPreset.allCases.filter { $0 != .own }
    private static let window = 5

    private static func settings(
        _ preset: ServiceMetricsPreset, _ change: (inout ServiceMetricsSettings) -> Void = { _ in }
    ) throws -> ServiceMetricsSettings {
        var settings = ServiceMetricsSettings()
        settings.preset = preset
        settings.window = window
        change(&settings)
        try settings.validate()
        return settings
    }

    private static func name(_ kind: ServicePages.Kind) -> ServiceName {
        ServiceName(namespace: "shop", name: kind.rawValue)
    }

    /// The server's time once every target has been scraped for longer than a window.
    private func alive(_ client: PrometheusClient, targets: Int) async throws -> Double {
        try #require(
            await eventually {
                try? await client.query("count(count_over_time(up[9s]) > 7) == \(targets)").singleValue?.time
            }, "Prometheus has not scraped within a minute")
    }

    @Test func readsEveryPreset() async throws {
        let start = Date()
        let pages = Self.presets.flatMap { preset in
            ServicePages.Kind.allCases.map { ServicePages(preset: preset, kind: $0) }
        }
        let endpoint = try TextServer { request in
            guard let page = pages.first(where: { Self.path($0) == request.path }) else {
                return .init(status: 404, body: "")
            }
            return .init(
                type: "text/plain; version=0.0.4", body: page.page(after: Date().timeIntervalSince(start)))
        }
        let server = try ServiceMetricsServer(
            scraping: pages.map { .init(port: endpoint.port, path: Self.path($0), labels: $0.targetLabels) })
        let time = try await alive(server.client, targets: pages.count)
        for preset in Self.presets {
            let reader = ServiceMetricsReader(try Self.settings(preset), client: server.client)
            let names = ServicePages.Kind.allCases.map(Self.name) + [ServiceName(namespace: "shop", name: "nobody")]
            let result = try await reader.read(names, at: time)
            #expect(result.warnings.isEmpty)
            #expect(result.readings.map(\.service) == names)
            #expect(result.readings.last == ServiceReading(service: names[4], time: time, seconds: 5))
            for (kind, reading) in zip(ServicePages.Kind.allCases, result.readings) {
                try check(reading, of: ServicePages(preset: preset, kind: kind), at: time)
            }
        }
        // What `histogram_quantile` says of the slow service is the last bound; and where there is a value, it is ours.
        for (kind, share, isBound) in [(ServicePages.Kind.slow, 0.99, true), (.web, 0.99, false), (.slow, 0.5, false)] {
            let query =
                "histogram_quantile(\(share), sum by (le) (rate(traefik_service_request_duration_seconds_bucket"
                + "{service=\"shop-\(kind)-80@kubernetes\"}[5s])))"
            let value = try #require(try await server.client.query(query, at: time).singleValue?.value)
            let ours = ServicePages(preset: .traefik, kind: kind).quantile(share).expected?.seconds
            #expect(isBound ? value == 5 && ours == nil : abs(value - (ours ?? 0)) < 1e-9)
        }
    }

    private static func path(_ page: ServicePages) -> String { "/\(page.preset.rawValue)/\(page.kind)" }

    private func check(_ reading: ServiceReading, of page: ServicePages, at time: Double) throws {
        let place = Comment("\(page.preset) \(page.kind): \(reading)")
        #expect(reading.time > time - 2.75 && reading.time <= time, place)
        let rate = try #require(reading.requestRate, place)
        if page.kind == .idle {
            #expect(rate == 0, place)
            #expect(reading.errorShare == nil, place)
        } else {
            // The page is written a little after the moment that the server notes.
            #expect(abs(rate / ServicePages.requestsPerSecond - 1) < 0.2, place)
            #expect(abs((reading.errorShare ?? .nan) - (page.kind == .clean ? 0 : 0.125)) < 1e-9, place)
        }
        for (share, found) in [(0.5, reading.p50), (0.95, reading.p95), (0.99, reading.p99)] {
            let (seconds, expected) = page.quantile(share)
            #expect((found == nil) == (expected == nil), place)
            #expect((found == nil) == (page.kind == .idle || (page.kind == .slow && share == 0.99)), place)
            guard let found, let expected else { continue }
            #expect(abs(found.seconds / expected.seconds - 1) < 1e-6, place)
            #expect(found.bucket == expected.bucket, place)
            #expect(found.bucket?.contains(seconds) == true, place)
        }
    }

    /// Failures that begin: none is 0 of all; of a first sample nobody knows when they happened.
    @Test func failuresBegin() async throws {
        let start = Date()
        let endpoint = try TextServer { request in
            let count = Int(Date().timeIntervalSince(start) * 40)
            var lines = ["http_request_duration_seconds_count{code=\"200\"} \(count)"]
            if request.path == "/plain" { lines = ["http_request_duration_seconds_count \(count)"] }
            if count > 300 { lines.append("http_request_duration_seconds_count{code=\"500\"} \(count - 300)") }
            return .init(type: "text/plain; version=0.0.4", body: lines.joined(separator: "\n") + "\n")
        }
        let server = try ServiceMetricsServer(
            scraping: ["web", "plain"].map {
                .init(port: endpoint.port, path: "/\($0)", labels: ["namespace": "shop", "service": $0])
            })
        let reader = ServiceMetricsReader(try Self.settings(.histogram), client: server.client)
        let samples = try #require(
            await eventually {
                let query = #"http_request_duration_seconds_count{code="500",service="web"}[1m]"#
                let reply = try? await server.client.query(query)
                guard case .matrix(let series)? = reply?.result, let samples = series.first?.samples, samples.count > 3
                else { return nil as [Double]? }
                return samples.map(\.time)
            })
        func read(_ name: String, at time: Double) async throws -> ServiceReading {
            let result = try await reader.read([ServiceName(namespace: "shop", name: name)], at: time)
            return try #require(result.readings.first)
        }
        let (before, first, later) = (
            try await read("web", at: samples[0] - 0.01), try await read("web", at: samples[0] + 0.01),
            try await read("web", at: samples[3] + 0.01)
        )
        #expect(before.requestRate != nil)
        #expect(before.errorShare == 0)
        #expect(first.requestRate != nil)
        #expect(first.errorShare == nil)
        #expect(later.time == samples[3])
        #expect((later.errorShare ?? 0) > 0)
        // Requests without a code say nothing of failures.
        let plain = try await read("plain", at: samples[0] - 0.01)
        #expect(plain.requestRate != nil)
        #expect(plain.errorShare == nil)
        #expect(plain.p50 == nil)
    }

    @Test func readsNativeHistograms() async throws {
        let start = Date()
        let endpoint = try TextServer { _ in
            let hundreds = 1 + Int(Date().timeIntervalSince(start) * 10)
            return .init(type: NativeHistogramPage.type, bytes: NativeHistogramPage.page(hundreds: hundreds))
        }
        let server = try ServiceMetricsServer(
            scraping: [
                .init(port: endpoint.port, path: "/metrics", labels: ["namespace": "shop", "service": "web"])
            ])
        let time = try await alive(server.client, targets: 1)
        let settings = try Self.settings(.histogram) { $0.histograms = .native }
        let reading = try #require(
            try await ServiceMetricsReader(settings, client: server.client).read([Self.name(.web)], at: time)
                .readings.first)
        // 4 times 100 requests ten times a second.
        #expect(abs((reading.requestRate ?? 0) / 4_000 - 1) < 0.2)
        #expect(abs((reading.errorShare ?? 0) - 0.25) < 1e-9)
        // Inside a bucket Prometheus interpolated linearly before version 3 and does exponentially since.
        for (found, lower, inside) in [
            (reading.p50, 1.0 / 64, 0.5 / 0.6), (reading.p95, 1.0 / 32, 0.35 / 0.36),
            (reading.p99, 1.0 / 16, 0.03 / 0.04),
        ] {
            let seconds = try #require(found?.seconds)
            #expect(found?.bucket == nil)
            #expect([lower * (1 + inside), lower * exp2(inside)].contains { abs($0 - seconds) < 1e-9 }, "\(seconds)")
        }
    }

    @Test func whatDiesIsMissingAndThenUnreadable() async throws {
        let start = Date()
        let page = ServicePages(preset: .histogram, kind: .web)
        var endpoint: TextServer? = try TextServer { _ in
            .init(type: "text/plain; version=0.0.4", body: page.page(after: Date().timeIntervalSince(start)))
        }
        let port = try #require(endpoint?.port)
        let server = try ServiceMetricsServer(
            scraping: [.init(port: port, path: "/metrics", labels: page.targetLabels)])
        let client = server.client
        let own = try Self.settings(.own) {
            let selector = #"namespace="{namespace}",service="{service}""#
            $0.queries.newest = #"max(timestamp(http_request_duration_seconds_count{\#(selector)}))"#
            $0.queries.requestRate = "sum(rate(http_request_duration_seconds_count{\(selector)}[{window}])) # a comment"
            $0.queries.quantile = "max(http_request_duration_seconds_sum{\(selector)}) * 0 + {quantile}"
        }
        // Takes the present for the time of the newest sample.
        let careless = try Self.settings(.own) {
            $0.queries.newest = #"vector(time()) and on() absent(nothing{service="{service}"})"#
            $0.queries.requestRate =
                #"sum(rate(http_request_duration_seconds_count{service="{service}"}[{window}]))"#
        }
        func read(_ settings: ServiceMetricsSettings, at time: Double) async throws -> ServiceReading {
            let reader = ServiceMetricsReader(settings, client: client)
            return try #require(try await reader.read([Self.name(.web)], at: time).readings.first)
        }
        let preset = try Self.settings(.histogram)
        let time = try await alive(client, targets: 1)
        for settings in [preset, own, careless] {
            let rate = try await read(settings, at: time).requestRate
            #expect(abs((rate ?? 0) / ServicePages.requestsPerSecond - 1) < 0.2)
        }
        #expect(try await read(own, at: time).p95 == LatencyQuantile(seconds: 0.95))

        endpoint = nil
        let dead = try #require(await eventually { try? await client.query("up == 0").singleValue?.time })
        let missing = ServiceReading(service: Self.name(.web), time: dead, seconds: 5)
        // The failed scrape has ended the series.
        #expect(try await read(preset, at: dead) == missing)
        #expect(try await read(own, at: dead) == missing)
        let query = "http_request_duration_seconds_count{code=\"200\"}[1m]"
        guard case .matrix(let series) = try await client.query(query, at: dead).result,
            let last = series.first?.samples.last?.time
        else {
            Issue.record("the dead target's samples are gone")
            return
        }
        // Even so, what the samples say goes no further than the window and one scrape.
        #expect(try await read(careless, at: last + 1).requestRate != nil)
        #expect(try await read(careless, at: last + 5 + 1).requestRate == nil)

        server.stop()
        let many = (0..<41).map { ServiceName(namespace: "shop", name: "s\($0)") }
        let error = await #expect(throws: PrometheusError.self) {
            try await ServiceMetricsReader(preset, client: client).read(many, at: time)
        }
        #expect(error?.kind == .unreachable)
    }
}
