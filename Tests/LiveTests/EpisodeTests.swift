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
        var service = try webService()
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

    /// An episode on a server with pods that can be resized, with two replicas of 0.15 cores.
    private func resizing(_ change: (inout LiveSettings) -> Void = { _ in }) async throws -> (
        EpisodeServer, LiveCluster
    ) {
        let (server, pod) = (try EpisodeServer(resizesPods: true), try pod())
        var settings = try settings(server, port: pod.port)
        change(&settings)
        let cluster = try LiveCluster(settings: settings, logger: Logger(label: "test"))
        try await onThread { try cluster.reset(seed: 3) }
        #expect(cluster.snapshot.services[0].resizing == .inPlace)
        return (server, cluster)
    }

    /// What was recorded of resizing, as "object: detail: outcome".
    private func resizings() throws -> [String] {
        try entries().filter { $0.action == "resize" }.map { "\($0.object): \($0.detail): \($0.outcome.rawValue)" }
    }

    private func requests(_ cluster: LiveCluster) -> [Double] {
        cluster.snapshot.pods.filter { $0.service == 0 }.sorted { $0.name < $1.name }.map(\.requests.cpu)
    }

    /// Running replicas are changed where they are; those that come later are made by the old template and changed before
    /// they are placed. Nothing rolls.
    @Test(.timeLimit(.minutes(2))) func resizesReplicasInPlace() async throws {
        let (server, cluster) = try await resizing()
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) } == nil)
        #expect(requests(cluster) == [0.18, 0.18] && cluster.snapshot.services[0].requests.cpu == 0.18)
        #expect(server.replicas.values.allSatisfy { $0 == (180, 180) })

        #expect(try await onThread { try cluster.apply(.scale(service: 0, change: 1)) } == nil)
        let pending = try #require(cluster.snapshot.pods.first { $0.phase == .pending })
        #expect(pending.requests.cpu == 0.18)
        #expect(try await onThread { try cluster.apply(.place(pod: pending.id, node: 0)) } == nil)
        let report = try await onThread { try cluster.advance() }
        #expect(report.replicaChanges == 1 && report.evictions == 0)
        #expect(server.replicas.count == 3 && server.replicas.values.allSatisfy { $0 == (180, 180) })
        // From where it is now, not from what the template says.
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 0.5)) } == nil)
        #expect(requests(cluster) == [0.09, 0.09, 0.09])
        try await onThread { try cluster.close() }
        #expect(server.changes.allSatisfy { !$0.hasPrefix("PATCH") || $0.hasSuffix("/resize") })
        #expect(
            try resizings() == [
                "deployment web: from 0.15 to 0.18 cores, in place: done",
                "pod berth-episode/web-5d4-2: from 0.15 to 0.18 cores: done",
                "deployment web: from 0.18 to 0.09 cores, in place: done",
            ])
    }

    /// A replica whose kubelet has no room keeps what it holds, whether it can be later or never; the others change.
    @Test(.timeLimit(.minutes(2)), arguments: [Kubelet.defers, .refuses])
    func aReplicaWithoutRoomKeepsWhatItHolds(_ kubelet: Kubelet) async throws {
        let (server, cluster) = try await resizing()
        server.answerResizing(of: ["web-5d4-0": kubelet])
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) } == nil)
        #expect(cluster.snapshot.services[0].requests.cpu == 0.18)
        _ = try await onThread { try cluster.advance() }
        #expect(requests(cluster) == [0.15, 0.18])
        #expect(server.replicas["web-5d4-0"] ?? (0, 0) == (150, 150))
        let taken = try #require(
            try entries().first { $0.action == "resize" && $0.object == "pod berth-episode/web-5d4-0" })
        #expect(taken.outcome == .refused)
        #expect(taken.detail == "from 0.15 to 0.18 cores, taken back")
        #expect(
            taken.reason == "the kubelet cannot do it: \(kubelet.rawValue): Node didn't have enough resource: cpu")
        // With room, the next resizing changes it again.
        server.answerResizing(of: [:])
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 1.5)) } == nil)
        #expect(requests(cluster) == [0.27, 0.27])
        try await onThread { try cluster.close() }
        #expect(try resizings().count == 3)
    }

    /// Where no replica can be resized, the action is refused and everything stays as it was.
    @Test(.timeLimit(.minutes(2))) func aResizingWithoutAnyRoomIsRefused() async throws {
        let (server, cluster) = try await resizing()
        server.answerResizing(of: ["web-5d4-0": .defers, "web-5d4-1": .refuses])
        let refusal = try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) }
        let reason = "the kubelet cannot do it: Deferred: Node didn't have enough resource: cpu"
        #expect(refusal == .refused("no replica can be resized: \(reason)"))
        #expect(cluster.snapshot.services[0].requests.cpu == 0.15)
        _ = try await onThread { try cluster.advance() }
        #expect(requests(cluster) == [0.15, 0.15] && server.replicas.values.allSatisfy { $0 == (150, 150) })
        // A replica that comes later is as the template says, and is left alone.
        #expect(try await onThread { try cluster.apply(.scale(service: 0, change: 1)) } == nil)
        #expect(requests(cluster) == [0.15, 0.15, 0.15])
        try await onThread { try cluster.close() }
        #expect(
            try resizings() == [
                "deployment web: from 0.15 to 0.18 cores, in place: refused",
                "pod berth-episode/web-5d4-0: from 0.15 to 0.18 cores, taken back: refused",
                "pod berth-episode/web-5d4-1: from 0.15 to 0.18 cores, taken back: refused",
            ])
    }

    /// What a kubelet says long after it was asked is taken back then, and logged.
    @Test(.timeLimit(.minutes(2))) func whatTurnsOutLaterIsTakenBackLater() async throws {
        let (server, cluster) = try await resizing()
        server.answerResizing(of: ["web-5d4-1": .isSilent])
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) } == nil)
        // What was asked for counts until the kubelet has spoken, as for the scheduler.
        #expect(requests(cluster) == [0.18, 0.18] && server.replicas["web-5d4-1"] ?? (0, 0) == (180, 150))
        server.answerResizing(of: ["web-5d4-1": .defers])
        for _ in 0..<20 where try resizings().count < 2 { _ = try await onThread { try cluster.advance() } }
        #expect(requests(cluster) == [0.18, 0.15] && server.replicas["web-5d4-1"] ?? (0, 0) == (150, 150))
        try await onThread { try cluster.close() }
        #expect(
            try resizings() == [
                "deployment web: from 0.15 to 0.18 cores, in place: done",
                "pod berth-episode/web-5d4-1: from 0.15 to 0.18 cores, taken back: refused",
            ])
    }

    /// A replica that the API server does not let be resized keeps what it holds, as one without room.
    @Test(.timeLimit(.minutes(2))) func aReplicaThatTheServerRefusesKeepsWhatItHolds() async throws {
        let (server, cluster) = try await resizing()
        server.refuseResizing(of: ["web-5d4-0": 422])
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) } == nil)
        _ = try await onThread { try cluster.advance() }
        #expect(requests(cluster) == [0.15, 0.18])
        try await onThread { try cluster.close() }
        // It is not asked for again and again.
        #expect(server.changes.count { $0.hasSuffix("web-5d4-0/resize") } == 1)
        #expect(
            try resizings() == [
                "deployment web: from 0.15 to 0.18 cores, in place: done",
                "pod berth-episode/web-5d4-0: from 0.15 to 0.18 cores: refused",
            ])
        #expect(try entries().contains { $0.reason?.contains("422 Refused: refused") == true })
    }

    /// A server that breaks off halfway: what was changed by then is changed back.
    @Test(.timeLimit(.minutes(2))) func whatBreaksOffIsTakenBack() async throws {
        let (server, cluster) = try await resizing()
        server.refuseResizing(of: ["web-5d4-1": 503])
        guard case .refused(let reason)? = try await onThread({ try cluster.apply(.resize(service: 0, factor: 1.2)) })
        else {
            Issue.record("it was carried out")
            return
        }
        #expect(reason.contains("503 Refused: refused"))
        #expect(cluster.snapshot.services[0].requests.cpu == 0.15)
        server.refuseResizing(of: [:])
        for _ in 0..<20 where server.replicas["web-5d4-0"]?.asked != 150 {
            _ = try await onThread { try cluster.advance() }
        }
        #expect(server.replicas.values.allSatisfy { $0 == (150, 150) } && requests(cluster) == [0.15, 0.15])
        try await onThread { try cluster.close() }
        #expect(
            try resizings() == [
                "deployment web: from 0.15 to 0.18 cores, in place: failed",
                "pod berth-episode/web-5d4-0: from 0.18 to 0.15 cores: done",
            ])
    }

    /// Also what was done without an answer, to a replica that was resized before.
    @Test(.timeLimit(.minutes(2))) func whatWasNotAnsweredIsTakenBack() async throws {
        let (server, cluster) = try await resizing()
        #expect(try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) } == nil)
        #expect(server.replicas.values.allSatisfy { $0 == (180, 180) })
        server.refuseResizing(of: ["web-5d4-1": 504])
        let refusal = try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) }
        #expect(refusal?.description.contains("504 Refused: refused") == true)
        #expect(server.replicas["web-5d4-1"]?.asked == 216 && cluster.snapshot.services[0].requests.cpu == 0.18)
        server.refuseResizing(of: [:])
        for _ in 0..<20 where !server.replicas.values.allSatisfy({ $0.asked == 180 }) {
            _ = try await onThread { try cluster.advance() }
        }
        #expect(server.replicas.values.allSatisfy { $0 == (180, 180) } && requests(cluster) == [0.18, 0.18])
        try await onThread { try cluster.close() }
    }

    @Test(.timeLimit(.minutes(2))) func aDryRunResizesNothing() async throws {
        let (server, cluster) = try await resizing { $0.guards.dryRun = true }
        guard case .guarded(let reason)? = try await onThread({ try cluster.apply(.resize(service: 0, factor: 1.2)) })
        else {
            Issue.record("it was carried out")
            return
        }
        #expect(reason.hasPrefix("dry run"))
        try await onThread { try cluster.close() }
        #expect(server.changes.count { $0.hasSuffix("/resize") } == 2)
        #expect(cluster.snapshot.services[0].requests.cpu == 0.15)
    }

    /// An older server rolls out.
    @Test(.timeLimit(.minutes(2))) func anOlderServerRollsOut() async throws {
        let (server, pod) = (try EpisodeServer(), try pod())
        let settings = try settings(server, port: pod.port)
        let cluster = try LiveCluster(settings: settings, logger: Logger(label: "test"))
        try await onThread { try cluster.reset(seed: 3) }
        #expect(cluster.snapshot.services[0].resizing == .rollout)
        // The server has no rollouts to show: what is asked for is what counts.
        _ = try await onThread { try cluster.apply(.resize(service: 0, factor: 1.2)) }
        try await onThread { try cluster.close() }
        #expect(server.changes.contains("PATCH /apis/apps/v1/namespaces/berth-episode/deployments/web"))
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
