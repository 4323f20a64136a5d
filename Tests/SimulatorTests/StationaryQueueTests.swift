import Foundation
import Simulator
import Testing

/// The queue in steady state against closed forms, and where there is none against a simulation of every request.
@Suite struct StationaryQueueTests {
    static let loads = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95]

    /// The latencies of the model in its stationary state.
    private func latencies(
        _ serviceTime: ServiceTime, mean: Double, servers: Double, load: Double
    ) -> LatencyMixture {
        let conditions = QueueConditions(
            arrivalRate: load * servers / mean, serviceMean: mean, servers: servers, serviceTime: serviceTime)
        var queue = ReplicaQueue.stationary(conditions)
        var mixture = LatencyMixture()
        mixture.clear(serviceTime)
        #expect(queue.advance(conditions, for: 20, into: &mixture) == 0)
        #expect(abs(mixture.total - conditions.arrivalRate * 20) < 1e-6 * mixture.total)
        return mixture
    }

    private func quantile(_ mixture: LatencyMixture, above share: Double, typical: Double) -> Double {
        let start = LatencyQuantiles(p50: typical, p95: typical, p99: typical)
        let found = mixture.quantiles(from: start, objective: typical).quantiles
        return share == 0.5 ? found.p50 : share == 0.05 ? found.p95 : found.p99
    }

    @Test(arguments: loads) func exponentialServiceByOneWorker(load: Double) {
        // The sojourn time of M/M/1 is exponential with mean S / (1 - ρ).
        let mean = 0.05
        let mixture = latencies(ServiceTime(.exponential), mean: mean, servers: 1, load: load)
        for share in [0.5, 0.05, 0.01] {
            let exact = -log(share) * mean / (1 - load)
            let found = quantile(mixture, above: share, typical: mean)
            #expect(abs(found / exact - 1) < 0.03, "ρ \(load), share \(share): \(found) for \(exact)")
        }
    }

    /// P(T > x) of M/M/c (Erlang's C formula; the sum of an exponential wait and an exponential service).
    private func manyWorkersTail(_ x: Double, mean: Double, workers: Int, load: Double) -> Double {
        let offered = load * Double(workers)
        var term = 1.0
        var sum = 1.0
        for count in 1..<workers {
            term *= offered / Double(count)
            sum += term
        }
        let last = term * offered / Double(workers) / (1 - load)
        let waits = last / (sum + last)
        let service = 1 / mean
        let drain = Double(workers) * service * (1 - load)
        if abs(drain - service) < 1e-9 * service { return exp(-service * x) * (1 + waits * service * x) }
        return (1 - waits) * exp(-service * x)
            + waits * (service * exp(-drain * x) - drain * exp(-service * x)) / (service - drain)
    }

    @Test(arguments: loads, [2, 4, 8]) func exponentialServiceByManyWorkers(load: Double, workers: Int) {
        let mean = 0.05
        let mixture = latencies(ServiceTime(.exponential), mean: mean, servers: Double(workers), load: load)
        for share in [0.5, 0.05, 0.01] {
            var (low, high) = (0.0, 100.0)
            while high - low > 1e-9 {
                let middle = (low + high) / 2
                if manyWorkersTail(middle, mean: mean, workers: workers, load: load) > share {
                    low = middle
                } else {
                    high = middle
                }
            }
            let found = quantile(mixture, above: share, typical: mean)
            #expect(abs(found / low - 1) < 0.05, "c \(workers), ρ \(load), share \(share): \(found) for \(low)")
        }
    }

    @Test(arguments: loads) func waitOfDeterministicService(load: Double) {
        // Pollaczek and Khinchine: E[W] = ρ S / (2 (1 - ρ)) for constant service.
        let conditions = QueueConditions(
            arrivalRate: load / 0.05, serviceMean: 0.05, serviceTime: ServiceTime(.deterministic))
        let wait = ReplicaQueue.stationary(conditions).meanWait
        #expect(abs(wait / (load * 0.05 / (2 * (1 - load))) - 1) < 1e-9)
    }

    static let families: [(ServiceTimeFamily, Double)] = [
        (.deterministic, 0), (.logNormal, 0.25), (.logNormal, 0.5), (.logNormal, 1), (.logNormal, 1.4),
    ]

    @Test(arguments: families, loads) func generalServiceByOneWorker(_ kind: (ServiceTimeFamily, Double), load: Double)
    {
        let mean = 0.05
        // Long enough that p99 is known to about 1 %.
        let requests = load < 0.85 ? 3e6 : 2e7
        let simulation = QueueSimulation(family: kind.0, squaredVariation: kind.1, mean: mean)
        let exact = simulation.run(rates: [load / mean], duration: requests * mean / load, replications: 1, seed: 7)[0]
            .latencies
        let mixture = latencies(ServiceTime(kind.0, squaredVariation: kind.1), mean: mean, servers: 1, load: load)
        let found = quantile(mixture, above: 0.01, typical: mean)
        let expected = exact.quantile(above: 0.01)
        #expect(abs(found / expected - 1) < 0.05, "\(kind), ρ \(load): p99 \(found) for \(expected)")
        let p95 = quantile(mixture, above: 0.05, typical: mean)
        #expect(abs(p95 / exact.quantile(above: 0.05) - 1) < 0.08, "\(kind), ρ \(load): p95 \(p95)")
    }
}
