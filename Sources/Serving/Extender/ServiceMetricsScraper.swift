import Watching
import CoreMetrics
import HTTP
import Kubernetes
import Logging
import ServiceLifecycle
import Telemetry
import Windows

/// Asks Prometheus at an interval what the services under control do, and passes it on.
///
/// While the server cannot be asked, what was read grows old and, beyond `telemetry.maximumAge`, is missing.
struct ServiceMetricsScraper: ServiceLifecycle.Service {
    let settings: ExtenderSettings
    let scorer: PlacementScorer
    let metrics: ExtenderMetrics
    let logger: Logger

    func run() async throws {
        let source = settings.services
        let client = PrometheusClient(server: source.url, timeout: source.timeout, client: try HTTPClient())
        let reader = ServiceMetricsReader(source, client: client)
        await cancelWhenGracefulShutdown {
            var isFailing = false
            var warned: Set<String> = []
            while !Task.isCancelled {
                let start = ContinuousClock.now
                do {
                    let readings = try await reader.read(scorer.services, at: Timestamp.now.seconds)
                    for reading in readings.readings { scorer.add(RequestSample(reading), of: reading.service) }
                    if isFailing { logger.notice("Prometheus is asked again what services do") }
                    isFailing = false
                    for warning in readings.warnings where warned.insert(warning).inserted {
                        logger.warning(
                            "Prometheus may lack part of what services do: it counts as missing",
                            metadata: ["warning": "\(warning)"])
                    }
                    metrics.serviceReads.increment()
                } catch {
                    if Task.isCancelled { return }
                    metrics.failedServiceReads.increment()
                    if !isFailing {
                        logger.warning(
                            "Prometheus does not say what services do; that will count as missing",
                            metadata: ["error": "\(error)"])
                    }
                    isFailing = true
                }
                do {
                    try await Task.sleep(
                        until: start + .seconds(max(1, settings.telemetry.interval)), clock: .continuous)
                } catch { return }
            }
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
