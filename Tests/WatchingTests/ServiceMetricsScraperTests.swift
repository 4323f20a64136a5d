import Cluster
import Foundation
import Kubernetes
import Logging
import Synchronization
import Telemetry
import TestServers
import Testing
import Watching
import Windows

/// What services do, from Prometheus into a watched cluster.
@Suite struct ServiceMetricsScraperTests {
    /// Keeps what is logged.
    private struct Handler: LogHandler {
        let messages: Box<[String]>
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { messages.value += ["\(event.level): \(event.message)"] }
    }

    private let messages = Box<[String]>([])
    private var logger: Logger { Logger(label: "test") { _ in Handler(messages: messages) } }

    /// A cluster with the declared service `web` in the namespace `shop`.
    private func cluster(maximumAge: Double) -> WatchedCluster {
        var usage = UsageSettings()
        usage.maximumAge = maximumAge
        let service = DeclaredService(
            deployment: "web", objective: 0.2, minimumReplicas: 1, maximumReplicas: 8, cpuRequestRange: 0.1...1)
        return WatchedCluster(interval: 5, usage: usage, namespace: "shop", services: [service])
    }

    private func settings(_ url: String) -> ServiceMetricsSettings {
        var settings = ServiceMetricsSettings()
        settings.url = url
        settings.window = 5
        return settings
    }

    /// 40 requests a second, of which one in eight fails: 60 % take at most 25 ms, 99.5 % at most 100 ms.
    private static func page(after seconds: Double) -> String {
        var lines: [String] = []
        for (code, share) in [("200", 0.875), ("500", 0.125)] {
            let count = 40 * seconds * share
            for (bound, below) in [("0.025", 0.6), ("0.1", 0.995), ("+Inf", 1)] {
                lines.append(
                    #"http_request_duration_seconds_bucket{code="\#(code)",le="\#(bound)"} \#(count * below)"#)
            }
            lines.append(#"http_request_duration_seconds_count{code="\#(code)"} \#(count)"#)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A real Prometheus fills the declared service; once it is gone, everything is missing after the largest age.
    @Test(
        .enabled(if: ServiceMetricsServer.isInstalled, "scripts/setup.sh --test installs Prometheus"),
        .timeLimit(.minutes(3)))
    func prometheusFillsAServiceUntilItIsGone() async throws {
        let start = Date()
        let endpoint = try TextServer { _ in
            .init(type: "text/plain; version=0.0.4", body: Self.page(after: Date().timeIntervalSince(start)))
        }
        let server = try ServiceMetricsServer(
            scraping: [.init(port: endpoint.port, path: "/", labels: ["namespace": "shop", "service": "web"])])
        var cluster = cluster(maximumAge: 60)
        let scraper = try ServiceMetricsScraper(settings(server.url), logger: logger)
        let names = cluster.serviceNames
        #expect(names == [ServiceName(namespace: "shop", name: "web")])
        // The first windows are not full.
        for _ in 0..<600 {
            let full = try? await server.client.query("count_over_time(up[9s]) > 7").singleValue
            if full != nil { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        // The window before is another.
        for _ in 0..<600 where cluster.snapshot.services[0].previousArrivalRate == nil {
            for (service, sample) in await scraper.scrape(names) ?? [] { cluster.add(sample, of: service) }
            cluster.prepare(now: Timestamp.now.seconds)
            try await Task.sleep(for: .milliseconds(100))
        }
        let service = cluster.snapshot.services[0]
        let rate = try #require(service.arrivalRate)
        // The page is written a little after the moment that the server notes.
        #expect(abs(rate.value / 40 - 1) < 0.2 && rate.source == .service && rate.seconds == 5)
        #expect(abs((service.previousArrivalRate?.value ?? 0) / 40 - 1) < 0.2)
        #expect(abs((service.errorShare?.value ?? 0) - 0.125) < 1e-9)
        #expect(abs((service.throughput?.value ?? 0) - rate.value * 0.875) < 1e-9)
        #expect(abs((service.latencyP50?.value ?? 0) - 0.025 * 0.5 / 0.6) < 1e-6)
        #expect(abs((service.latencyP99?.value ?? 0) - (0.025 + 0.075 * 0.39 / 0.395)) < 1e-6)

        server.stop()
        for _ in 0..<2 { #expect(await scraper.scrape(names) == nil) }
        #expect(messages.value == ["warning: Prometheus does not say what services do; that will count as missing"])
        cluster.prepare(now: rate.time + 59)
        #expect(cluster.snapshot.services[0].arrivalRate == rate && cluster.snapshot.services[0].latencyP99 != nil)
        cluster.prepare(now: rate.time + 61)
        let gone = cluster.snapshot.services[0]
        #expect(gone.arrivalRate == nil && gone.errorShare == nil && gone.throughput == nil)
        #expect(gone.latencyP50 == nil && gone.latencyP95 == nil && gone.latencyP99 == nil)
    }

    /// A server that knows nothing of a service leaves everything missing; one that fails is reported once, and once more
    /// when it is back.
    @Test func whatIsNotSaidIsMissing() async throws {
        let isWell = Box(true)
        let server = try TextServer { _ in
            guard isWell.value else { return .init(status: 503, body: "no") }
            return .init(
                type: "application/json",
                body: #"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a store is away"]}"#
            )
        }
        var cluster = cluster(maximumAge: 60)
        let scraper = try ServiceMetricsScraper(settings(server.url), logger: logger)
        for isUp in [true, true, false, false, true] {
            isWell.value = isUp
            let samples = await scraper.scrape(cluster.serviceNames)
            #expect((samples != nil) == isUp)
            for (service, sample) in samples ?? [] { cluster.add(sample, of: service) }
            cluster.prepare(now: Timestamp.now.seconds)
            let service = cluster.snapshot.services[0]
            #expect(service.arrivalRate == nil && service.errorShare == nil && service.latencyP99 == nil)
        }
        #expect(
            messages.value == [
                "warning: Prometheus may lack part of what services do: it counts as missing",
                "warning: Prometheus does not say what services do; that will count as missing",
                "notice: Prometheus is asked again what services do",
            ])
    }
}
