import Windows
import HTTP
public import Kubernetes
public import Logging
import Synchronization
public import Telemetry

/// Measures what nodes and their pods use: from each kubelet's cadvisor, through the API server or as a Prometheus
/// server has scraped it; from the nodes' PCM where there is one; and from their node-exporter where cadvisor says
/// nothing of a node.
///
/// A scrape that fails leaves what was measured before, which grows old and then counts as missing.
public final class UsageScraper: Sendable {
    /// What came of scraping one node.
    public enum Outcome: Sendable {
        /// What cadvisor read of the node and of its pods, and whether it could not be read before.
        case measured(UsageReading, pods: [CadvisorScrape.PodName: UsageReading], isRecovery: Bool)
        /// What another source said of the node.
        case read(NodeReading)
        /// Why cadvisor could not be read, and whether it could be before.
        case failed(any Error, isNew: Bool)
        /// Why another source could not be read, and whether it could be before.
        case without(MeasurementSource, any Error, isNew: Bool)
        /// These sources are not asked: they measure the node's whole machine, which it shares. Said once of a node.
        case shared([MeasurementSource])

        /// What is to be taken in of the node; `nil` for nothing.
        public var reading: NodeReading? {
            switch self {
            case .measured(let usage, _, _): .cadvisor(usage)
            case .read(let reading): reading
            case .failed, .without, .shared: nil
            }
        }

        /// What is to be taken in of its pods.
        public var pods: [CadvisorScrape.PodName: UsageReading] {
            if case .measured(_, let pods, _) = self { pods } else { [:] }
        }
    }

    private struct Contents {
        /// Nodes whose source could not be read the last time.
        var failing: [MeasurementSource: Set<String>] = [:]
        /// Nodes that were reported to share their machine.
        var shared: Set<String> = []
    }

    /// Where cadvisor's figures come from.
    private enum Source: Sendable {
        case kubelets
        case prometheus(PrometheusClient)
    }

    /// A source that measures a node's whole machine.
    private struct MachineSource: Sendable {
        var kind: MeasurementSource
        var ask: @Sendable (_ node: String) async throws -> NodeReading
    }

    /// Scrapes under way at any one time.
    private static let concurrency = 16

    private let client: APIClient
    private let settings: UsageSettings
    private let timeout: Double
    private let source: Source
    /// The nodes' PCM; `nil` without.
    private let pcm: MachineSource?
    /// The nodes' node-exporter; `nil` without.
    private let nodeExporter: MachineSource?
    private let contents = Mutex(Contents())

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
        pcm = try Self.makePCM(settings.pcm, timeout: timeout)
        nodeExporter = try Self.makeNodeExporter(settings.nodeExporter, timeout: timeout)
    }

    private static func makePCM(_ settings: PCMSettings, timeout: Double) throws -> MachineSource? {
        guard !settings.url.isEmpty else { return nil }
        let client = try HTTPClient()
        return MachineSource(kind: .pcm) { node in
            let endpoint = PCMEndpoint(
                server: settings.url.replacing("{node}", with: node), timeout: timeout, client: client)
            return .pcm(try await endpoint.window(seconds: settings.seconds, at: Timestamp.now.seconds))
        }
    }

    private static func makeNodeExporter(_ settings: NodeExporterSettings, timeout: Double) throws -> MachineSource? {
        guard !settings.url.isEmpty else { return nil }
        let client = try HTTPClient()
        return MachineSource(kind: .nodeExporter) { node in
            let endpoint = MetricsEndpoint(
                url: settings.url.replacing("{node}", with: node), timeout: timeout, client: client)
            let scrape = try await endpoint.scrape(
                named: MachineReading.nodeExporterMetrics, at: Timestamp.now.seconds)
            let reading = MachineReading(nodeExporter: scrape.samples, time: scrape.time)
            guard reading.totalBusySeconds != nil || reading.memoryBytes != nil else {
                throw ScrapeError(
                    "\(endpoint.url) has no node_cpu_seconds_total and no node_memory_...: see that it is a "
                        + "node-exporter's page (nodeExporter.url)")
            }
            return .machine(reading)
        }
    }

    /// Scrapes `nodes` once, 16 at a time, and forgets all others.
    /// - Parameters:
    ///   - nodes: the nodes' names.
    ///   - report: told of each node as its scrape ends, on several tasks at once.
    public func scrape(_ nodes: [String], report: @escaping @Sendable (String, Outcome) -> Void) async {
        contents.withLock { contents in
            contents.failing = contents.failing.mapValues { $0.intersection(nodes) }
            contents.shared.formIntersection(nodes)
        }
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in nodes.enumerated() {
                if index >= Self.concurrency { await group.next() }
                group.addTask { await self.scrape(name) { report(name, $0) } }
            }
        }
    }

    private func scrape(_ node: String, report: (Outcome) -> Void) async {
        // What is measured of a shared machine would be thrown away.
        let isShared = settings.scope(of: node).isShared
        let machineSources = [pcm, nodeExporter].compactMap { $0?.kind }
        if isShared, !machineSources.isEmpty, contents.withLock({ $0.shared.insert(node).inserted }) {
            report(.shared(machineSources))
        }
        if let pcm, !isShared { await read(pcm, of: node, report) }
        let scrape: Result<CadvisorScrape, any Error>
        do {
            scrape = .success(try await cadvisor(of: node))
        } catch {
            if Task.isCancelled { return }
            scrape = .failure(error)
        }
        if let nodeExporter, !isShared, !isComplete(scrape) { await read(nodeExporter, of: node, report) }
        switch scrape {
        case .success(let scrape):
            let isRecovery = contents.withLock { $0.failing[.cadvisor]?.remove(node) != nil }
            report(.measured(scrape.node, pods: scrape.pods, isRecovery: isRecovery))
        case .failure(let error):
            report(
                .failed(error, isNew: contents.withLock { $0.failing[.cadvisor, default: []].insert(node).inserted }))
        }
    }

    /// Asks a source of the node's machine.
    private func read(_ source: MachineSource, of node: String, _ report: (Outcome) -> Void) async {
        do {
            let reading = try await source.ask(node)
            contents.withLock { _ = $0.failing[source.kind]?.remove(node) }
            report(.read(reading))
        } catch {
            if Task.isCancelled { return }
            let isNew = contents.withLock { $0.failing[source.kind, default: []].insert(node).inserted }
            report(.without(source.kind, error, isNew: isNew))
        }
    }

    /// Whether a scrape says of the node all that node-exporter could, and lately.
    private func isComplete(_ scrape: Result<CadvisorScrape, any Error>) -> Bool {
        guard case .success(let scrape) = scrape else { return false }
        let now = Timestamp.now.seconds
        return [scrape.node.cpuSeconds, scrape.node.workingSetBytes].allSatisfy { figure in
            guard let figure else { return false }
            return figure.age(at: now) <= settings.maximumAge
        }
    }

    private func cadvisor(of node: String) async throws -> CadvisorScrape {
        let cgroup = settings.scope(of: node).cgroup
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
                throw ScrapeError(
                    "\(prometheus.server) has no series of cadvisor for \(selector): see that it scrapes the kubelets, "
                        + "and which label bears the node's name (prometheus.nodeSelector)")
            }
            return CadvisorScrape(samples: samples, nodeCgroup: cgroup, receivedAt: Timestamp.now.seconds)
        }
    }
}

extension UsageScraper.Outcome {
    /// Tells `logger` when a source of `node` can no longer be read, when cadvisor can again, and that the node shares
    /// its machine.
    public func report(of node: String, to logger: Logger) {
        switch self {
        case .measured(_, _, let isRecovery):
            guard isRecovery else { return }
            logger.notice("cadvisor of node is read again", metadata: ["node": "\(node)"])
        case .failed(let error, let isNew):
            guard isNew else { return }
            logger.warning(
                "cadvisor of node cannot be read; what no other source measures will count as missing",
                metadata: ["node": "\(node)", "error": "\(error)"])
        case .without(let source, let error, let isNew):
            guard isNew else { return }
            logger.warning(
                "a source of node cannot be read; what it measures will count as missing",
                metadata: ["node": "\(node)", "source": "\(source.rawValue)", "error": "\(error)"])
        case .read: break
        case .shared(let sources):
            let names = sources.map(\.rawValue).joined(separator: ", ")
            logger.warning(
                "node shares its machine: what is measured of the whole machine is not its own and counts as missing",
                metadata: ["node": "\(node)", "sources": "\(names)"])
        }
    }
}

/// A page or a server that has not what a source should have.
public struct ScrapeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was found, what was expected and what to do.
    public let description: String

    init(_ description: String) { self.description = description }
}
