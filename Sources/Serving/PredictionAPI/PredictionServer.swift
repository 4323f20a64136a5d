public import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
public import Monitoring
import NIOSSL
public import Prediction
import ServiceLifecycle

/// Answers with predictions over HTTP: `POST /predict`, and the Open Inference Protocol v2.
public struct PredictionServer: Sendable {
    /// What `/metrics` shows.
    public let registry: PrometheusRegistry
    private let slot: PredictorSlot
    private let events: EventLog
    private let retrainer: Retrainer?
    private let settings: PredictionServerSettings
    private let metrics: PredictionServerMetrics
    private let logger: Logger

    /// A server that does not listen yet.
    /// - Parameters:
    ///   - settings: validated settings.
    ///   - predictor: what answers.
    ///   - registry: where metrics are kept; pass the one that swift-metrics was bootstrapped with to show all metrics
    ///     of the process.
    ///   - logger: told what happens.
    /// - Throws: `PredictionError` where the settings ask for drift and the predictor's cannot be watched.
    public init(
        settings: PredictionServerSettings, predictor: LatencyPredictor,
        registry: PrometheusRegistry = PrometheusRegistry(), logger: Logger
    ) throws {
        (self.settings, self.registry, self.logger) = (settings, registry, logger)
        metrics = PredictionServerMetrics(registry: registry)
        events = EventLog(metrics: metrics, logger: logger)
        let slot = try PredictorSlot(predictor, settings, metrics: metrics, events: events, logger: logger)
        self.slot = slot
        retrainer = settings.retraining.map { [events] in
            Retrainer($0, file: PredictorFile(settings.predictor), slot: slot, events: events)
        }
    }

    /// Version of the predictor in use.
    public var version: String { slot.version }

    /// Serves until SIGTERM or SIGINT.
    /// - Throws: errors of listening; `PredictionError` for a certificate or key that cannot be used.
    public func run() async throws {
        logger.info(
            "predicting",
            metadata: [
                "listen": "\(settings.host):\(settings.port)", "predictor": "\(settings.predictor)",
                "version": "\(version)", "tls": "\(settings.tls != nil)",
            ])
        // A request that asks Redis waits for it on the thread that answers; no other connection should wait with it.
        // Contributions, which may be there too, are never answered on an event loop.
        let asksRedis = settings.cache.redis != nil && settings.cache.predictions.redis
        try await withTaskExecutorPreference(asksRedis ? nil : EventLoopExecutor.shared) {
            try await serve()
        }
    }

    private func serve() async throws {
        guard let tls = settings.tls else { return try await application().runService() }
        var application = Application(
            router: routes.router(), server: try .tls(protocolSettings, tlsConfiguration: Self.configuration(tls)),
            configuration: configuration, logger: logger)
        application.addServices(services)
        try await application.runService()
    }

    /// The server as an application, without TLS.
    public func application() -> some ApplicationProtocol {
        var application = Application(
            router: routes.router(), server: protocolSettings, configuration: configuration, logger: logger)
        application.addServices(services)
        return application
    }

    private var configuration: ApplicationConfiguration {
        ApplicationConfiguration(
            address: .hostname(settings.host, port: settings.port), serverName: "berth",
            availableConnectionsDelegate: MaximumAvailableConnections(settings.maximumConnections))
    }

    private var protocolSettings: HTTPServerBuilder {
        .http1(configuration: .init(idleTimeout: .milliseconds(Int64(settings.idleSeconds * 1000))))
    }

    private var services: [any ServiceLifecycle.Service] {
        guard settings.reloadSeconds > 0 else { return [] }
        return [
            PredictorWatch(path: settings.predictor, seconds: settings.reloadSeconds, slot: slot, events: events)
        ]
    }

    private var routes: PredictionRoutes {
        PredictionRoutes(
            slot: slot, retrainer: retrainer, events: events, settings: settings, metrics: metrics, registry: registry,
            logger: logger)
    }

    private static func configuration(_ tls: TLSSettings) throws -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificate)
            let key = try NIOSSLPrivateKey(file: tls.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            return configuration
        } catch {
            throw PredictionError(
                .settings,
                "tls: \(tls.certificate) and \(tls.key) are not a certificate and its key in PEM form: \(error)")
        }
    }
}
