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
        /// What the node and its pods use, and whether cadvisor could not be read before.
        case measured(ResourceUsage, pods: [CadvisorScrape.PodName: ResourceUsage], isRecovery: Bool)
        /// Why cadvisor could not be read, whether it could be before, and what the node uses as far as it is known
        /// without; `nil` where no other source has said anything.
        case failed(any Error, isNew: Bool, instead: ResourceUsage?)
        /// Why another source could not be read, beside what else came of the node, and whether it could be before.
        case without(TelemetrySource, any Error, isNew: Bool)
        /// These sources are not asked: they measure the node's whole machine, which it shares. Said once of a node.
        case shared([TelemetrySource])

        /// What the node and its pods use, without pods where cadvisor could not be read; `nil` for nothing new.
        public var usage: (node: ResourceUsage, pods: [CadvisorScrape.PodName: ResourceUsage])? {
            switch self {
            case .measured(let usage, let pods, _): return (node: usage, pods: pods)
            case .failed(_, _, let instead):
                guard let instead else { return nil }
                return (node: instead, pods: [:])
            case .without, .shared: return nil
            }
        }
    }

    private struct Contents {
        var usage: UsageTracker
        /// What was measured of the nodes' machines.
        var machines: [String: WindowAssembler] = [:]
        /// Nodes whose source could not be read the last time.
        var failing: [TelemetrySource: Set<String>] = [:]
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
        var kind: TelemetrySource
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
        pcm = try Self.makePCM(settings.pcm, timeout: timeout)
        nodeExporter = try Self.makeNodeExporter(settings.nodeExporter, timeout: timeout)
        contents = Mutex(
            Contents(
                usage: UsageTracker(nodeCgroup: settings.nodeCgroup, maximumWindow: max(120, settings.maximumAge))))
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
                throw LiveError(
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
            for gone in contents.usage.nodes.subtracting(nodes) { contents.usage.remove(node: gone) }
            contents.machines = contents.machines.filter { nodes.contains($0.key) }
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
        if let pcm, !isShared, let failure = await read(pcm, of: node) { report(failure) }
        let scrape: Result<CadvisorScrape, any Error>
        do {
            scrape = .success(try await cadvisor(of: node))
        } catch {
            if Task.isCancelled { return }
            scrape = .failure(error)
        }
        if let nodeExporter, !isShared, !isComplete(scrape), let failure = await read(nodeExporter, of: node) {
            report(failure)
        }
        report(takeIn(scrape, of: node))
    }

    /// Takes in what a source measures of the node's machine.
    /// - Returns: why it could not be read; `nil` where it could, or the task was cancelled.
    private func read(_ source: MachineSource, of node: String) async -> Outcome? {
        do {
            let reading = try await source.ask(node)
            contents.withLock { contents in
                contents.machines[node, default: makeAssembler(of: node)].add(reading)
                contents.failing[source.kind]?.remove(node)
            }
            return nil
        } catch {
            if Task.isCancelled { return nil }
            let isNew = contents.withLock { $0.failing[source.kind, default: []].insert(node).inserted }
            return Outcome.without(source.kind, error, isNew: isNew)
        }
    }

    /// What puts together the readings of a node's machine: counters over about 20 s, or over what lies between two
    /// scrapes where that is more.
    private func makeAssembler(of node: String) -> WindowAssembler {
        WindowAssembler(
            node: node, scope: settings.scope(of: node), length: max(20, settings.interval),
            maximumAge: settings.maximumAge)
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

    private func takeIn(_ scrape: Result<CadvisorScrape, any Error>, of node: String) -> Outcome {
        let now = Timestamp.now.seconds
        return contents.withLock { contents -> Outcome in
            if case .success(let scrape) = scrape { contents.usage.update(node: node, scrape: scrape) }
            var usage = contents.usage.usage(ofNode: node)
            let window = contents.machines[node]?.window(at: now)
            if let window { usage.add(window, maximumAge: settings.maximumAge) }
            switch scrape {
            case .success:
                let isRecovery = contents.failing[.cadvisor]?.remove(node) != nil
                return .measured(usage, pods: contents.usage.podUsage(onNode: node), isRecovery: isRecovery)
            case .failure(let error):
                let isNew = contents.failing[.cadvisor, default: []].insert(node).inserted
                return .failed(error, isNew: isNew, instead: window == nil ? nil : usage)
            }
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
    /// Tells `logger` when a source of `node` can no longer be read, when cadvisor can again, and that the node shares
    /// its machine.
    public func report(of node: String, to logger: Logger) {
        switch self {
        case .measured(_, _, let isRecovery):
            guard isRecovery else { return }
            logger.notice("cadvisor of node is read again", metadata: ["node": "\(node)"])
        case .failed(let error, let isNew, _):
            guard isNew else { return }
            logger.warning(
                "cadvisor of node cannot be read; what no other source measures will count as missing",
                metadata: ["node": "\(node)", "error": "\(error)"])
        case .without(let source, let error, let isNew):
            guard isNew else { return }
            logger.warning(
                "a source of node cannot be read; what it measures will count as missing",
                metadata: ["node": "\(node)", "source": "\(source.rawValue)", "error": "\(error)"])
        case .shared(let sources):
            let names = sources.map(\.rawValue).joined(separator: ", ")
            logger.warning(
                "node shares its machine: what is measured of the whole machine is not its own and counts as missing",
                metadata: ["node": "\(node)", "sources": "\(names)"])
        }
    }
}
