import HTTP
import Kubernetes
public import Logging
import Synchronization
public import Telemetry
public import Windows

/// Asks Prometheus what services do.
///
/// While the server cannot be asked there are no new samples: what was read before grows old and then counts as missing.
public final class ServiceMetricsScraper: Sendable {
    private struct Contents {
        /// Whether the server could not be asked the last time.
        var isFailing = false
        /// Warnings of the server that were reported.
        var warnings: Set<String> = []
    }

    private let reader: ServiceMetricsReader
    private let logger: Logger
    private let contents = Mutex(Contents())

    /// A scraper that has read nothing yet.
    /// - Parameters:
    ///   - settings: valid ones, with a server.
    ///   - timeout: most seconds that a query may take, where the settings allow more.
    ///   - logger: told once when the server cannot be asked, when it can again, and of each of its warnings.
    /// - Throws: what the HTTP client throws where the system lacks what it needs.
    public init(_ settings: ServiceMetricsSettings, timeout: Double = .infinity, logger: Logger) throws {
        let client = PrometheusClient(
            server: settings.url, timeout: min(settings.timeout, timeout), client: try HTTPClient())
        reader = ServiceMetricsReader(settings, client: client)
        self.logger = logger
    }

    /// Asks what `services` do now.
    /// - Returns: a sample for each of them, in which everything may be missing; `nil` where the server could not be asked,
    ///   or the task was cancelled.
    public func scrape(_ services: [ServiceName]) async -> [(service: ServiceName, sample: RequestSample)]? {
        let readings: ServiceReadings
        do {
            readings = try await reader.read(services, at: Timestamp.now.seconds)
        } catch {
            if Task.isCancelled { return nil }
            report(error)
            return nil
        }
        report(readings.warnings)
        return readings.readings.map { ($0.service, RequestSample($0)) }
    }

    private func report(_ error: any Error) {
        let isNew = contents.withLock { contents in
            defer { contents.isFailing = true }
            return !contents.isFailing
        }
        guard isNew else { return }
        logger.warning(
            "Prometheus does not say what services do; that will count as missing", metadata: ["error": "\(error)"])
    }

    private func report(_ warnings: [String]) {
        let (isRecovery, new) = contents.withLock { contents in
            defer { contents.isFailing = false }
            return (contents.isFailing, warnings.filter { contents.warnings.insert($0).inserted })
        }
        if isRecovery { logger.notice("Prometheus is asked again what services do") }
        for warning in new {
            logger.warning(
                "Prometheus may lack part of what services do: it counts as missing",
                metadata: ["warning": "\(warning)"])
        }
    }
}

extension RequestSample {
    /// What Prometheus said of a service: what was answered is what did not fail.
    init(_ reading: ServiceReading) {
        self.init(time: reading.time, seconds: reading.seconds, source: .service)
        arrivalRate = reading.requestRate
        errorShare = reading.errorShare
        if let rate = reading.requestRate, let errors = reading.errorShare { throughput = rate * (1 - errors) }
        (latencyP50, latencyP95, latencyP99) = (reading.p50?.seconds, reading.p95?.seconds, reading.p99?.seconds)
    }
}
