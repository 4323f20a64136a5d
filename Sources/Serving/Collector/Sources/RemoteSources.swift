import Windows
import HTTP
public import Kubernetes
public import Telemetry

/// The kubelets' cadvisor, through the API server.
public struct CadvisorSource: WindowSource {
    /// "cadvisor"
    public let name = "cadvisor"
    private let client: APIClient
    private let timeout: Double

    /// The kubelets behind `client`'s API server.
    /// - Parameter timeout: seconds for a scrape.
    public init(client: APIClient, timeout: Double) {
        self.client = client
        self.timeout = timeout
    }

    /// Whether the API server has such a node.
    public func measures(_ node: String) async throws -> Bool {
        do {
            _ = try await client.request(.get, "/api/v1/nodes/\(node)", timeout: timeout)
            return true
        } catch let error as APIError where error.code == 404 {
            return false
        }
    }

    /// Scrapes the node.
    public func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) async throws
        -> [NodeReading]
    {
        let reply = try await client.request(
            .get, "/api/v1/nodes/\(node)/proxy/metrics/cadvisor", timeout: timeout)
        let format = ExpositionFormat(contentType: reply.headers["content-type"]) ?? .prometheus
        return [
            .cadvisor(
                try CadvisorScrape(
                    parsing: reply.body, nodeCgroup: scope.cgroup, receivedAt: time, format: format
                ).node)
        ]
    }

    /// Asks the API server whether it is ready.
    public func check() async throws {
        _ = try await client.request(.get, "/readyz", timeout: timeout)
    }
}

/// What a Prometheus server has scraped: node-exporter and pcm-sensor-server.
///
/// It is asked for raw samples, which keep the times at which they were scraped, so that a window's ages are true.
public struct PrometheusSource: WindowSource {
    /// "prometheus"
    public let name = "prometheus"
    private let client: PrometheusClient
    private let selector: String
    private let range: Int

    /// What `client`'s server has scraped.
    /// - Parameters:
    ///   - client: the server.
    ///   - selector: label matchers that tell a node's series from others', with {node} for its name.
    ///   - range: seconds of samples to ask for.
    public init(client: PrometheusClient, selector: String, range: Int) {
        self.client = client
        self.selector = selector
        self.range = range
    }

    /// Whether the server has series of the node.
    public func measures(_ node: String) async throws -> Bool {
        let count = try await client.query("count(\(selection(of: node, Self.metrics)))")
        return (count.singleValue?.value ?? 0) > 0
    }

    /// Asks at the end for the samples of the last `range` seconds.
    public func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) async throws
        -> [NodeReading]
    {
        guard moment == .end else { return [] }
        let exported = try await client.query("\(selection(of: node, MachineReading.nodeExporterMetrics))[\(range)s]")
        var readings = try scrapes(exported, of: node).map {
            NodeReading.machine(MachineReading(nodeExporter: $0.samples, time: $0.time))
        }
        guard !scope.isShared else { return readings }
        let counted = try await client.query("\(selection(of: node, PCMCounters.metrics))[\(range)s]")
        for scrape in try scrapes(counted, of: node) {
            // A node without PCM has no such scrapes, and one of a server that has just started holds no counters yet.
            guard let counters = try? PCMCounters(samples: scrape.samples) else { continue }
            readings.append(.pcmSinceStart(counters.totals, time: scrape.time))
        }
        return readings
    }

    /// Asks the server whether it answers queries.
    public func check() async throws {
        _ = try await client.query("vector(1)")
    }

    /// Counters of two exporters must not be mixed up: each would seem to run backwards.
    private func scrapes(
        _ reply: PrometheusReply, of node: String
    ) throws -> [(time: Double, samples: [MetricSample])] {
        let scrapes = reply.scrapes
        let instances = Set(scrapes.flatMap { $0.samples.compactMap { $0.labels["instance"] } })
        guard instances.count <= 1 else {
            throw CollectorError(
                "remote.nodeSelector matches several exporters for node \(node): \(instances.sorted()); "
                    + "narrow it down to one")
        }
        return scrapes
    }

    private static let metrics = MachineReading.nodeExporterMetrics.union(PCMCounters.metrics)

    private func selection(of node: String, _ metrics: Set<String>) -> String {
        let names = metrics.sorted().joined(separator: "|")
        return "{__name__=~\"\(names)\",\(selector.replacing("{node}", with: node))}"
    }
}
