import CoreMetrics
import Logging
import ServiceLifecycle
import Watching

/// Asks Prometheus at an interval what the services under control do, and passes it on.
///
/// While the server cannot be asked, what was read grows old and, beyond `telemetry.maximumAge`, is missing.
struct PrometheusScraper: Service {
    let settings: ExtenderSettings
    let scorer: PlacementScorer
    let metrics: ExtenderMetrics
    let logger: Logger

    func run() async throws {
        let scraper = try ServiceMetricsScraper(settings.services, logger: logger)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let start = ContinuousClock.now
                let samples = await scraper.scrape(scorer.services)
                if Task.isCancelled { return }
                (samples == nil ? metrics.failedServiceReads : metrics.serviceReads).increment()
                for (service, sample) in samples ?? [] { scorer.add(sample, of: service) }
                do {
                    try await Task.sleep(
                        until: start + .seconds(max(1, settings.telemetry.interval)), clock: .continuous)
                } catch { return }
            }
        }
    }
}
