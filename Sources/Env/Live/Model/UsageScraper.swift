import HTTP
public import Kubernetes
public import Logging
import Synchronization
public import Telemetry

/// Measures what nodes and their pods use: from each kubelet's cadvisor, through the API server or as a Prometheus server
/// has scraped it, and from the nodes' PCM where there is one.
///
/// A scrape that fails leaves what was measured before, which grows old and then counts as missing.
public final class UsageScraper: Sendable {
    /// What came of scraping one node.
    public enum Outcome: Sendable {
        /// What the node and its pods use, and whether the scrape before had failed.
        case measured(ResourceUsage, pods: [CadvisorScrape.PodName: ResourceUsage], isRecovery: Bool)
        /// Why it could not be measured, and whether the scrape before had succeeded.
        case failed(any Error, isNew: Bool)
        /// Why its PCM could not be read, beside what else came of it, and whether it could be before.
        case withoutCounters(any Error, isNew: Bool)
    }

    private struct Contents {
        var usage: UsageTracker
        var counters: [String: PCMFigures] = [:]
        var failing: Set<String> = []
        var failingCounters: Set<String> = []
    }

    /// Where cadvisor's figures come from.
    private enum Source: Sendable {
        case kubelets
        case prometheus(PrometheusClient)
    }

    /// Scrapes under way at any one time.
    private static let concurrency = 16

    private let client: APIClient
    private let settings: UsageSettings
    private let timeout: Double
    private let source: Source
    /// What connects to the nodes' PCM; `nil` without.
    private let pcm: HTTPClient?
    private let contents: Mutex<Contents>

    /// A scraper that has measured nothing yet.
    /// - Parameters:
    ///   - client: the way to the API server.
    ///   - settings: what is asked, and how old a measurement may be.
    ///   - timeout: seconds that one scrape may take.
    /// - Throws: what the HTTP client throws where the system lacks what it needs.
    public init(client: APIClient, settings: UsageSettings, timeout: Double) throws {
        self.client = client
        self.settings = settings
        self.timeout = timeout
        if settings.prometheus.url.isEmpty {
            source = .kubelets
        } else {
            source = .prometheus(
                PrometheusClient(server: settings.prometheus.url, timeout: timeout, client: try HTTPClient()))
        }
        pcm = settings.pcm.url.isEmpty ? nil : try HTTPClient()
        contents = Mutex(
            Contents(
                usage: UsageTracker(nodeCgroup: settings.nodeCgroup, maximumWindow: max(120, settings.maximumAge))))
    }

    /// Scrapes `nodes` once, 16 at a time, and forgets all others.
    /// - Parameters:
    ///   - nodes: the nodes' names.
    ///   - report: told of each node as its scrape ends, on several tasks at once.
    public func scrape(_ nodes: [String], report: @escaping @Sendable (String, Outcome) -> Void) async {
        contents.withLock { contents in
            for gone in contents.usage.nodes.subtracting(nodes) { contents.usage.remove(node: gone) }
            contents.counters = contents.counters.filter { nodes.contains($0.key) }
            contents.failing.formIntersection(nodes)
            contents.failingCounters.formIntersection(nodes)
        }
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in nodes.enumerated() {
                if index >= Self.concurrency { await group.next() }
                group.addTask { await self.scrape(name) { report(name, $0) } }
            }
        }
    }

    private func scrape(_ node: String, report: (Outcome) -> Void) async {
        if let pcm {
            do {
                let endpoint = PCMEndpoint(
                    server: settings.pcm.url.replacing("{node}", with: node), timeout: timeout, client: pcm)
                let figures = try await endpoint.window(seconds: settings.pcm.seconds, at: Timestamp.now.seconds)
                contents.withLock { contents in
                    contents.counters[node] = figures
                    contents.failingCounters.remove(node)
                }
            } catch {
                if Task.isCancelled { return }
                let isNew = contents.withLock { $0.failingCounters.insert(node).inserted }
                report(.withoutCounters(error, isNew: isNew))
            }
        }
        do {
            let scrape = try await cadvisor(of: node)
            report(
                contents.withLock { contents in
                    contents.usage.update(node: node, scrape: scrape)
                    var usage = contents.usage.usage(ofNode: node)
                    if let figures = contents.counters[node] { usage.add(figures) }
                    return .measured(
                        usage, pods: contents.usage.podUsage(onNode: node),
                        isRecovery: contents.failing.remove(node) != nil)
                })
        } catch {
            if Task.isCancelled { return }
            report(.failed(error, isNew: contents.withLock { $0.failing.insert(node).inserted }))
        }
    }

    private func cadvisor(of node: String) async throws -> CadvisorScrape {
        let cgroup = contents.withLock { $0.usage.cgroup(of: node) }
        switch source {
        case .kubelets:
            let reply = try await client.request(
                .get, "/api/v1/nodes/\(node)/proxy/metrics/cadvisor", timeout: timeout)
            return try CadvisorScrape(parsing: reply.body, nodeCgroup: cgroup, receivedAt: Timestamp.now.seconds)
        case .prometheus(let prometheus):
            let names = CadvisorScrape.metrics.sorted().joined(separator: "|")
            let selector = settings.prometheus.nodeSelector.replacing("{node}", with: node)
            // Raw samples keep the times at which cadvisor measured.
            let query = "{__name__=~\"\(names)\",\(selector)}[\(settings.prometheus.range)s]"
            let samples = try await prometheus.query(query).latest
            guard !samples.isEmpty else {
                throw LiveError(
                    "\(prometheus.server) has no series of cadvisor for \(selector): see that it scrapes the kubelets, "
                        + "and which label bears the node's name (prometheus.nodeSelector)")
            }
            return CadvisorScrape(samples: samples, nodeCgroup: cgroup, receivedAt: Timestamp.now.seconds)
        }
    }
}

extension UsageScraper.Outcome {
    /// Tells `logger` when `node`, or its PCM, can no longer be measured, and when it can again.
    public func report(of node: String, to logger: Logger) {
        switch self {
        case .measured(_, _, let isRecovery):
            guard isRecovery else { return }
            logger.notice("node is measured again", metadata: ["node": "\(node)"])
        case .failed(let error, let isNew):
            guard isNew else { return }
            logger.warning(
                "node cannot be measured; its usage will count as missing",
                metadata: ["node": "\(node)", "error": "\(error)"])
        case .withoutCounters(let error, let isNew):
            guard isNew else { return }
            logger.warning(
                "PCM of node cannot be read; what it measures will count as missing",
                metadata: ["node": "\(node)", "error": "\(error)"])
        }
    }
}
