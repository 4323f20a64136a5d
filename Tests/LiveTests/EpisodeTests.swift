import Cluster
import Foundation
import Live
import LoadGeneration
import Logging
import Synchronization
import Telemetry
import TestServers
import Testing
import Watching
import Windows

/// Whole episodes on an API server that the tests play, with a real load generator and a real Prometheus.
@Suite(.serialized) struct EpisodeTests {
    private let log = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString)").path

    private func settings(_ server: EpisodeServer, port: Int) throws -> LiveSettings {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("web-\(UUID().uuidString).yaml")
        try """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, annotations: {berth.dev/latency-objective: 100ms}}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: nginx, image: nginx, resources: {requests: {cpu: 150m}}}]}
        """.write(to: file, atomically: true, encoding: .utf8)
        var service = LiveServiceSettings()
        service.manifest = file.path
        service.port = port
        service.load.rate = 40
        var settings = LiveSettings()
        settings.kubernetes.kubeconfig = server.kubeconfig
        settings.interval = 1
        settings.services = [service]
        settings.auditLog = log
        try settings.validate()
        return settings
    }

    private func entries() throws -> [AuditLog.Entry] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map { line in
            try JSONDecoder().decode(AuditLog.Entry.self, from: Data(line.utf8))
        }
    }

    /// A pod that answers at once and counts its requests, as a histogram on the page /metrics.
    private func pod() throws -> TextServer {
        let count = Mutex(0)
        return try TextServer { request in
            guard request.path == "/metrics" else {
                count.withLock { $0 += 1 }
                return .init(type: "text/plain", body: "hello")
            }
            let requests = count.withLock { $0 }
            let name = "http_request_duration_seconds"
            return .init(
                type: "text/plain; version=0.0.4",
                body: """
                    \(name)_bucket{code="200",le="0.05"} \(requests)
                    \(name)_bucket{code="200",le="+Inf"} \(requests)
                    \(name)_count{code="200"} \(requests)

                    """)
        }
    }

    /// Policies see what Prometheus says and nothing else, while the report is the load generator's.
    @Test(
        .enabled(if: ServiceMetricsServer.isInstalled, "scripts/setup.sh --test installs Prometheus"),
        .timeLimit(.minutes(3)))
    func prometheusSaysWhatServicesDo() async throws {
        let (server, pod) = (try EpisodeServer(), try pod())
        let prometheus = try ServiceMetricsServer(
            scraping: [
                .init(
                    port: pod.port, path: "/metrics", labels: ["namespace": EpisodeServer.namespace, "service": "web"])
            ])
        var settings = try settings(server, port: pod.port)
        settings.serviceMetrics.url = prometheus.url
        settings.serviceMetrics.window = 4
        settings.usage.maximumAge = 4
        let cluster = try LiveCluster(settings: settings, logger: Logger(label: "test"))
        try await onThread { try cluster.reset(seed: 3) }
        // It takes two scrapes at least, so that what the load generator has seen by now is not what is shown.
        var reports = [try await onThread { try cluster.advance() }]
        for _ in 0..<30 where cluster.snapshot.services[0].latencyP99 == nil {
            reports.append(try await onThread { try cluster.advance() })
        }
        let service = cluster.snapshot.services[0]
        let rate = try #require(service.arrivalRate)
        #expect(rate.source == .service && rate.seconds == 4 && rate.value > 0)
        #expect(service.errorShare?.value == 0 && service.throughput?.value == rate.value)
        // In the middle of the one bucket that requests are in.
        #expect(abs((service.latencyP50?.value ?? 0) - 0.025) < 1e-9)
        #expect(reports.allSatisfy { $0.services[0].arrived > 0 && $0.services[0].latencyP50 != 0.025 })

        prometheus.stop()
        for _ in 0..<20 where cluster.snapshot.services[0].arrivalRate != nil {
            #expect(try await onThread { try cluster.advance() }.services[0].arrived > 0)
        }
        let gone = cluster.snapshot.services[0]
        #expect(gone.arrivalRate == nil && gone.latencyP99 == nil && gone.errorShare == nil)
        // Neither load nor CPU is measured now.
        let refusal = try await onThread { try cluster.apply(.scale(service: 0, change: 1)) }
        #expect(refusal == .guarded("nothing is measured of service web"))

        try await onThread { try cluster.close() }
        let compared = try #require(try entries().last)
        #expect(compared.action == "compare" && compared.object == "deployment web" && compared.outcome == .done)
        #expect(compared.detail.wholeMatch(of: /requests [\d.]+ against [\d.]+\/s, .*p99 49.5 against .*/) != nil)
    }

    /// What a recording makes again is what was shown in the episode, action by action.
    @Test(.timeLimit(.minutes(1)))
    func aRecordingShowsTheEpisodeAgain() async throws {
        let (server, pod) = (try EpisodeServer(), try pod())
        var settings = try settings(server, port: pod.port)
        settings.recording =
            FileManager.default.temporaryDirectory.appendingPathComponent("recording-\(UUID().uuidString)").path
        let cluster = try LiveCluster(settings: settings, logger: Logger(label: "test"))
        var shown: [ClusterSnapshot] = []
        try await onThread { try cluster.reset(seed: 3) }
        shown.append(cluster.snapshot)
        let scaling = ClusterAction.scale(service: 0, change: 1)
        let refusal = try await onThread { try cluster.apply(scaling) }
        shown.append(cluster.snapshot)
        let report = try await onThread { try cluster.advance() }
        shown.append(cluster.snapshot)
        try await onThread { try cluster.close() }

        let file = try Data(contentsOf: URL(filePath: settings.recording))
        var replay = try #require(try RecordedCluster.episodes(in: file).first)
        replay.reset(seed: 0)
        #expect(replay.snapshot == shown[0])
        #expect(replay.next == scaling && replay.apply(scaling) == refusal && replay.snapshot == shown[1])
        #expect(replay.next == .advance && replay.advance() == report && replay.snapshot == shown[2])
        #expect(replay.next == nil)
        #expect(shown[2].services[0].arrivalRate != nil && shown[1].services[0].replicas == 3)
    }
}
