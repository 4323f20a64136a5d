import CoreMetrics
import HTTP
import Kubernetes
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Scrapes every node's cadvisor through the API server, at an interval, and passes on what nodes and pods use.
///
/// A scrape that fails leaves what was measured before, which grows old and then counts as missing.
struct CadvisorScraper: Service {
    let client: APIClient
    let nodes: ObjectStore<Kubernetes.Node>
    let settings: TelemetrySettings
    let scorer: PlacementScorer
    let metrics: ExtenderMetrics
    let logger: Logger
    private let tracker: Tracker

    /// Scrapes under way at any one time.
    private static let concurrency = 16

    /// The counters' last readings, and which nodes' scrapes fail.
    private final class Tracker: Sendable {
        struct Contents {
            var usage: UsageTracker
            var failing: Set<String> = []
        }

        let contents: Mutex<Contents>

        init(_ usage: UsageTracker) {
            contents = Mutex(Contents(usage: usage))
        }
    }

    init(
        client: APIClient, nodes: ObjectStore<Kubernetes.Node>, settings: TelemetrySettings, scorer: PlacementScorer,
        metrics: ExtenderMetrics, logger: Logger
    ) {
        self.client = client
        self.nodes = nodes
        self.settings = settings
        self.scorer = scorer
        self.metrics = metrics
        self.logger = logger
        tracker = Tracker(UsageTracker(nodeCgroup: settings.nodeCgroup, maximumWindow: settings.maximumAge))
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            guard settings.interval > 0 else {
                try? await gracefulShutdown()
                return
            }
            while !Task.isCancelled {
                let start = ContinuousClock.now
                await scrapeAll()
                do {
                    // The first list comes a moment after the start.
                    let pause = nodes.hasSynced ? settings.interval : 0.1
                    try await Task.sleep(until: start + .seconds(pause), clock: .continuous)
                } catch {
                    return
                }
            }
        }
    }

    private func scrapeAll() async {
        let names = nodes.objects.keys.sorted()
        tracker.contents.withLock { contents in
            for gone in contents.usage.nodes.subtracting(names) { contents.usage.remove(node: gone) }
            contents.failing.formIntersection(names)
        }
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in names.enumerated() {
                if index >= Self.concurrency { await group.next() }
                group.addTask { await scrape(name) }
            }
        }
    }

    private func scrape(_ node: String) async {
        do {
            let reply = try await client.request(
                .get, "/api/v1/nodes/\(node)/proxy/metrics/cadvisor", timeout: max(1, min(settings.interval, 10)))
            let scrape = try CadvisorScrape(
                parsing: reply.body, nodeCgroup: settings.nodeCgroup.replacing("{node}", with: node),
                receivedAt: Timestamp.now.seconds)
            let (usage, pods, recovered) = tracker.contents.withLock { contents in
                contents.usage.update(node: node, scrape: scrape)
                return (
                    contents.usage.usage(ofNode: node), contents.usage.podUsage(onNode: node),
                    contents.failing.remove(node) != nil
                )
            }
            if recovered { logger.info("node is measured again", metadata: ["node": "\(node)"]) }
            scorer.apply(usage: usage, pods: pods, ofNode: node)
            metrics.scrapes.increment()
        } catch {
            if Task.isCancelled { return }
            metrics.failedScrapes.increment()
            let isNew = tracker.contents.withLock { $0.failing.insert(node).inserted }
            if isNew {
                logger.warning(
                    "node cannot be measured; its usage will count as missing",
                    metadata: ["node": "\(node)", "error": "\(error)"])
            }
        }
    }
}
