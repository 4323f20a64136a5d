import HTTP
public import Hummingbird
import Kubernetes
public import Logging
public import Monitoring
import ServiceLifecycle
import Telemetry

/// The collector: measures nodes over windows when asked to, and hands out what it found.
public struct CollectorServer: Sendable {
    /// What measures.
    public let collector: WindowCollector
    /// What `/metrics` shows beside the windows.
    public let registry: PrometheusRegistry
    private let settings: CollectorSettings
    private let metrics: CollectorMetrics
    private let logger: Logger

    /// A server that does not listen yet.
    /// - Parameters:
    ///   - settings: validated settings.
    ///   - sources: what measures nodes.
    ///   - clock: the present.
    ///   - registry: where metrics are kept; pass the one that swift-metrics was bootstrapped with to show all metrics
    ///     of the process.
    ///   - logger: told what happens.
    public init(
        settings: CollectorSettings, sources: [any WindowSource], clock: CollectorClock = .system,
        registry: PrometheusRegistry = PrometheusRegistry(), logger: Logger
    ) {
        self.settings = settings
        self.registry = registry
        self.logger = logger
        let metrics = CollectorMetrics(registry: registry)
        self.metrics = metrics
        collector = WindowCollector(settings: settings, sources: sources, clock: clock) { window, asked in
            metrics.count(window, asked: asked)
            for (source, error) in window.errors {
                logger.warning(
                    "source failed; its values are missing",
                    metadata: ["id": "\(window.id)", "source": "\(source)", "error": "\(error)"])
            }
        }
    }

    /// The sources that the settings name.
    /// - Throws: `AccessError` and `APIError` where the cluster's configuration is unusable, `TransportError`. A source
    ///   that cannot be reached is no error: its values are missing until it can.
    public static func sources(_ settings: CollectorSettings) throws -> [any WindowSource] {
        var sources: [any WindowSource] = []
        let http = try HTTPClient()
        let local = settings.local
        if !local.node.isEmpty {
            sources.append(ProcSource(node: local.node, root: local.proc))
            if !local.pcmFile.isEmpty {
                sources.append(PCMFileSource(node: local.node, path: local.pcmFile, seconds: settings.length))
            } else if !local.pcm.isEmpty {
                let endpoint = PCMEndpoint(server: local.pcm, timeout: settings.timeout, client: http)
                sources.append(PCMSource(node: local.node, endpoint: endpoint, seconds: settings.length))
            }
        }
        let remote = settings.remote
        if remote.cadvisor {
            let access = try ClusterAccess.discover(
                kubeconfig: remote.kubeconfig.isEmpty ? nil : remote.kubeconfig,
                context: remote.context.isEmpty ? nil : remote.context)
            sources.append(CadvisorSource(client: try APIClient(access: access), timeout: settings.timeout))
        }
        if !remote.prometheus.isEmpty {
            let client = PrometheusClient(server: remote.prometheus, timeout: settings.timeout, client: http)
            sources.append(PrometheusSource(client: client, selector: remote.nodeSelector, range: remote.range))
        }
        return sources
    }

    /// Serves until SIGTERM or SIGINT.
    /// - Throws: errors of listening.
    public func run() async throws {
        logger.info("collecting", metadata: ["listen": "\(settings.host):\(settings.port)"])
        try await application().runService()
    }

    /// The server as an application.
    public func application() -> some ApplicationProtocol {
        let routes = CollectorRoutes(
            collector: collector, metrics: metrics, maximumAge: settings.maximumAge, logger: logger)
        var application = Application(
            router: routes.router(),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: "berth"),
            logger: logger)
        application.addServices(CollectorService(collector: collector))
        return application
    }
}

/// Gives up windows under way when the server ends.
private struct CollectorService: Service {
    let collector: WindowCollector

    func run() async throws {
        try? await gracefulShutdown()
        await collector.close()
    }
}
