import Telemetry
public import Hummingbird
public import Kubernetes
public import Logging
public import Monitoring
import Randomness
import ServiceLifecycle
import Watching

/// The scheduler extender: watches a cluster and answers kube-scheduler's filter and prioritize requests.
public struct ExtenderServer: Sendable {
    /// What answers the requests.
    public let scorer: PlacementScorer
    /// What `/metrics` shows.
    public let registry: PrometheusRegistry
    private let settings: ExtenderSettings
    private let metrics: ExtenderMetrics
    private let logger: Logger

    /// A server that is not connected to a cluster and does not listen yet.
    /// - Parameters:
    ///   - settings: validated settings.
    ///   - scorer: what answers the requests.
    ///   - registry: where metrics are kept; pass the one that swift-metrics was bootstrapped with to show all metrics
    ///     of the process.
    ///   - logger: told what happens.
    public init(
        settings: ExtenderSettings, scorer: PlacementScorer, registry: PrometheusRegistry = PrometheusRegistry(),
        logger: Logger
    ) {
        self.settings = settings
        self.scorer = scorer
        self.registry = registry
        metrics = ExtenderMetrics(registry: registry)
        self.logger = logger
    }

    /// Finds the cluster that the settings name, then serves until SIGTERM or SIGINT.
    /// - Throws: `AccessError` and `APIError` where the cluster's configuration is unusable, and errors of listening.
    ///   A cluster that cannot be reached is no error: the fallback answers until it can.
    public func run() async throws {
        let access = try settings.kubernetes.access()
        logger.info(
            "serving",
            metadata: [
                "listen": "\(settings.host):\(settings.port)", "cluster": "\(access.server)",
                "policy": "\(scorer.hasPolicy ? settings.policy : "none")", "invertScores": "\(settings.invertScores)",
            ])
        try await application(watching: try APIClient(access: access)).runService()
    }

    /// The server as an application, whose services watch the cluster.
    /// - Parameter client: the way to the cluster; `nil` for an application that only answers requests.
    public func application(watching client: APIClient? = nil) -> some ApplicationProtocol {
        let routes = ExtenderRoutes(
            scorer: scorer, metrics: metrics, registry: registry, maximumBodyBytes: settings.maximumBodyBytes,
            logger: logger)
        var application = Application(
            router: routes.router(),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: "berth"),
            logger: logger)
        if let client { application.addServices(clusterServices(client)) }
        return application
    }

    private func clusterServices(_ client: APIClient) -> [any ServiceLifecycle.Service] {
        var generator = RandomGenerator(seed: UInt64(settings.seed))
        let scorer = scorer
        let nodes = ObjectStore<Kubernetes.Node> { scorer.apply($0) }
        let pods = ObjectStore<Kubernetes.Pod> { scorer.apply($0) }
        var services: [any ServiceLifecycle.Service] = [
            ReflectorService(
                reflector: Reflector(
                    store: nodes, client: client, generator: generator.split(), logger: logger,
                    observe: observer(Kubernetes.Node.self) { scorer.markNodesListed() })),
            ReflectorService(
                reflector: Reflector(
                    store: pods, client: client, generator: generator.split(), logger: logger,
                    observe: observer(Kubernetes.Pod.self) { scorer.markPodsListed() })),
            BudgetWatch(
                client: client, scorer: scorer, generator: generator.split(), logger: logger,
                observe: observer(PodDisruptionBudget.self) {}),
            CadvisorScraper(
                nodes: nodes, client: client, settings: settings.telemetry, scorer: scorer, metrics: metrics,
                logger: logger),
        ]
        if !settings.services.url.isEmpty {
            services.append(
                PrometheusScraper(settings: settings, scorer: scorer, metrics: metrics, logger: logger))
        }
        return services
    }

    private func observer<Object: APIObject>(
        _ kind: Object.Type, listed: @escaping @Sendable () -> Void
    ) -> @Sendable (Reflector<Object>.Event) -> Void {
        { [metrics, logger] event in
            switch event {
            case .listed(let count):
                listed()
                metrics.countReflector("lists", kind: Object.kind)
                logger.info("listed", metadata: ["kind": "\(Object.kind)", "count": "\(count)"])
            case .watching: metrics.countReflector("watches", kind: Object.kind)
            case .failed: metrics.countReflector("failures", kind: Object.kind)
            }
        }
    }
}

/// A reflector as a service that ends with the others.
private struct ReflectorService<Object: APIObject>: ServiceLifecycle.Service {
    let reflector: Reflector<Object>

    func run() async throws {
        await cancelWhenGracefulShutdown { await reflector.run() }
    }
}

/// Watches disruption budgets, under the version of the API that the server has.
private struct BudgetWatch: ServiceLifecycle.Service {
    let client: APIClient
    let scorer: PlacementScorer
    let generator: RandomGenerator
    let logger: Logger
    let observe: @Sendable (Reflector<PodDisruptionBudget>.Event) -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let scorer = scorer
            let store = ObjectStore<PodDisruptionBudget> { scorer.apply($0) }
            while !Task.isCancelled {
                do {
                    let path = try await client.disruptionBudgetPath()
                    await Reflector(
                        store: store, client: client, path: path, generator: generator, logger: logger,
                        observe: observe
                    ).run()
                    return
                } catch {
                    if Task.isCancelled { return }
                    observe(.failed(error, delay: 5))
                }
                do { try await Task.sleep(for: .seconds(5)) } catch { return }
            }
        }
    }
}
