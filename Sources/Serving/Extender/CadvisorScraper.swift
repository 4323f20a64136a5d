import CoreMetrics
import Kubernetes
import Logging
import ServiceLifecycle
import Watching

/// Scrapes every node's cadvisor at an interval and passes on what nodes and pods use.
struct CadvisorScraper: Service {
    let nodes: ObjectStore<Kubernetes.Node>
    let client: APIClient
    let settings: UsageSettings
    let scorer: PlacementScorer
    let metrics: ExtenderMetrics
    let logger: Logger

    func run() async throws {
        let interval = settings.interval
        let scraper = try UsageScraper(
            client: client, settings: settings, timeout: max(1, min(settings.interval, 10)))
        await cancelWhenGracefulShutdown {
            guard interval > 0 else {
                try? await gracefulShutdown()
                return
            }
            while !Task.isCancelled {
                let start = ContinuousClock.now
                await scraper.scrape(nodes.objects.keys.sorted(), report: take)
                do {
                    // The first list comes a moment after the start.
                    let pause = nodes.hasSynced ? interval : 0.1
                    try await Task.sleep(until: start + .seconds(pause), clock: .continuous)
                } catch {
                    return
                }
            }
        }
    }

    @Sendable private func take(_ node: String, _ outcome: UsageScraper.Outcome) {
        outcome.report(of: node, to: logger)
        if let reading = outcome.reading { scorer.add(reading, ofNode: node, pods: outcome.pods) }
        switch outcome {
        case .measured: metrics.scrapes.increment()
        case .failed: metrics.failedScrapes.increment()
        case .read, .without, .shared: break
        }
    }
}
