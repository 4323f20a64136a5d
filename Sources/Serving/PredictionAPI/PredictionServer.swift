public import Hummingbird
import HummingbirdTLS
public import Logging
public import Monitoring
import NIOSSL
public import Prediction

/// Answers with predictions over HTTP: `POST /predict`, and the Open Inference Protocol v2.
public struct PredictionServer: Sendable {
    /// What `/metrics` shows.
    public let registry: PrometheusRegistry
    private let predictor: LatencyPredictor
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
    public init(
        settings: PredictionServerSettings, predictor: LatencyPredictor,
        registry: PrometheusRegistry = PrometheusRegistry(), logger: Logger
    ) {
        (self.settings, self.predictor, self.registry, self.logger) = (settings, predictor, registry, logger)
        metrics = PredictionServerMetrics(registry: registry)
    }

    /// Serves until SIGTERM or SIGINT.
    /// - Throws: errors of listening; `PredictionError` for a certificate or key that cannot be used.
    public func run() async throws {
        logger.info(
            "predicting",
            metadata: [
                "listen": "\(settings.host):\(settings.port)", "predictor": "\(settings.predictor)",
                "version": "\(predictor.version)", "tls": "\(settings.tls != nil)",
            ])
        let routes = routes
        let configuration = ApplicationConfiguration(
            address: .hostname(settings.host, port: settings.port), serverName: "berth")
        guard let tls = settings.tls else {
            return try await application().runService()
        }
        try await Application(
            router: routes.router(), server: .tls(.http1(), tlsConfiguration: try Self.configuration(tls)),
            configuration: configuration, logger: logger
        ).runService()
    }

    /// The server as an application, without TLS.
    public func application() -> some ApplicationProtocol {
        Application(
            router: routes.router(),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: "berth"),
            logger: logger)
    }

    private var routes: PredictionRoutes {
        PredictionRoutes(
            predictor: predictor, settings: settings, metrics: metrics, registry: registry, logger: logger)
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
                "tls: \(tls.certificate) and \(tls.key) are not a certificate and its key in PEM form: \(error)")
        }
    }
}
