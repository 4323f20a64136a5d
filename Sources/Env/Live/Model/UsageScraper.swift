import HTTP
public import Kubernetes
import Synchronization
public import Telemetry

/// Measures what nodes and their pods use: from each kubelet's cadvisor, through the API server.
///
/// A scrape that fails leaves what was measured before, which grows old and then counts as missing.
public final class UsageScraper: Sendable {
    /// What came of scraping one node.
    public enum Outcome: Sendable {
        /// What the node and its pods use, and whether the scrape before had failed.
        case measured(ResourceUsage, pods: [CadvisorScrape.PodName: ResourceUsage], isRecovery: Bool)
        /// Why it could not be measured, and whether the scrape before had succeeded.
        case failed(any Error, isNew: Bool)
    }

    private struct Contents {
        var usage: UsageTracker
        var failing: Set<String> = []
    }

    /// Scrapes under way at any one time.
    private static let concurrency = 16

    private let client: APIClient
    private let timeout: Double
    private let contents: Mutex<Contents>

    /// A scraper that has measured nothing yet.
    /// - Parameters:
    ///   - client: the way to the API server.
    ///   - nodeCgroup: the cgroup that stands for a node: "/" where a node is a machine; with "{node}" for the node's
    ///     name where several share one.
    ///   - maximumWindow: the longest time between two scrapes that still gives a CPU rate, in seconds.
    ///   - timeout: seconds that one scrape may take.
    public init(client: APIClient, nodeCgroup: String, maximumWindow: Double, timeout: Double) {
        self.client = client
        self.timeout = timeout
        contents = Mutex(Contents(usage: UsageTracker(nodeCgroup: nodeCgroup, maximumWindow: maximumWindow)))
    }

    /// Scrapes `nodes` once, 16 at a time, and forgets all others.
    /// - Parameters:
    ///   - nodes: the nodes' names.
    ///   - report: told of each node as its scrape ends, on several tasks at once.
    public func scrape(_ nodes: [String], report: @escaping @Sendable (String, Outcome) -> Void) async {
        contents.withLock { contents in
            for gone in contents.usage.nodes.subtracting(nodes) { contents.usage.remove(node: gone) }
            contents.failing.formIntersection(nodes)
        }
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in nodes.enumerated() {
                if index >= Self.concurrency { await group.next() }
                group.addTask {
                    if let outcome = await self.scrape(name) { report(name, outcome) }
                }
            }
        }
    }

    /// `nil` when the task was cancelled.
    private func scrape(_ node: String) async -> Outcome? {
        do {
            let reply = try await client.request(
                .get, "/api/v1/nodes/\(node)/proxy/metrics/cadvisor", timeout: timeout)
            let cgroup = contents.withLock { $0.usage.cgroup(of: node) }
            let scrape = try CadvisorScrape(
                parsing: reply.body, nodeCgroup: cgroup, receivedAt: Timestamp.now.seconds)
            return contents.withLock { contents in
                contents.usage.update(node: node, scrape: scrape)
                return .measured(
                    contents.usage.usage(ofNode: node), pods: contents.usage.podUsage(onNode: node),
                    isRecovery: contents.failing.remove(node) != nil)
            }
        } catch {
            if Task.isCancelled { return nil }
            return .failed(error, isNew: contents.withLock { $0.failing.insert(node).inserted })
        }
    }
}
