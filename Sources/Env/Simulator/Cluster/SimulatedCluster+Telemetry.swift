import Cluster
import Foundation
import Randomness

/// Writes into the snapshot what would have been measured by now.
extension SimulatedCluster {
    mutating func publishTelemetry(_ report: IntervalReport) {
        let slot = state.telemetry.intervals & 3
        state.telemetry.intervals += 1
        let perSecond = 1 / settings.interval
        for index in state.nodes.indices {
            let truth = state.nodes[index].truth
            state.telemetry.nodeSamples[4 * index + slot] = NodeSample(
                cpu: truth.cpu * perSecond, memory: truth.memory * perSecond, bandwidth: truth.bandwidth * perSecond,
                missRatio: truth.missRatio * perSecond, instructionsPerCycle: truth.instructionsPerCycle * perSecond)
        }
        for index in state.services.indices {
            state.telemetry.serviceSamples[4 * index + slot] = sample(report.services[index], index)
        }
        publishNodes()
        publishServices()
        publishPods()
    }

    private func sample(_ truth: ServiceInterval, _ index: Int) -> TelemetryState.ServiceSample {
        var sample = TelemetryState.ServiceSample()
        let interval = settings.interval
        sample.rate = truth.arrived / interval
        sample.throughput = truth.completed / interval
        let failed = truth.rejected + truth.timedOut
        sample.errorShare = failed > 0 ? failed / max(failed, truth.arrived) : 0
        sample.cpu = state.services[index].used / interval
        if let p50 = truth.latencyP50, let p95 = truth.latencyP95, let p99 = truth.latencyP99, truth.completed >= 1 {
            (sample.hasLatency, sample.p50, sample.p95, sample.p99) = (true, p50, p95, p99)
        }
        return sample
    }

    /// The slot of the interval that arrives now; `nil` when it was before the episode.
    private func arriving(_ source: TelemetryState.Source) -> Int? {
        let interval = state.telemetry.intervals - 1 - source.lag
        return interval >= 0 ? interval & 3 : nil
    }

    private mutating func publishNodes() {
        let (usage, pcm) = (state.telemetry.node, state.telemetry.pcm)
        guard usage.isPresent || pcm.isPresent else { return }
        let interval = settings.interval
        let maximumAge = settings.telemetry.maximumAge
        let (usageSlot, pcmSlot) = (arriving(usage), arriving(pcm))
        var generator = state.telemetry.generator
        // Taken out for the loop: changed in place while the rest of the state is read.
        var nodes: [Node] = []
        swap(&nodes, &state.snapshot.nodes)
        for index in nodes.indices {
            let isUp = state.nodes[index].isUp
            if usage.isPresent {
                let lag = Double(usage.lag) * interval
                var (cpu, memory): (Double?, Double?) = (nil, nil)
                if let usageSlot, isUp, usage.gaps == 0 || !generator.chance(usage.gaps) {
                    let sample = state.telemetry.nodeSamples[4 * index + usageSlot]
                    cpu = sample.cpu * TelemetryState.factor(usage.noise, &generator)
                    // Memory is counted, not sampled.
                    memory = sample.memory
                }
                nodes[index].cpuUsage.update(cpu, lag: lag, interval: interval, maximumAge: maximumAge)
                nodes[index].memoryUsage.update(memory, lag: lag, interval: interval, maximumAge: maximumAge)
            }
            guard pcm.isPresent else { continue }
            let lag = Double(pcm.lag) * interval
            var (bandwidth, misses, rate): (Double?, Double?, Double?) = (nil, nil, nil)
            if let pcmSlot, isUp, pcm.gaps == 0 || !generator.chance(pcm.gaps) {
                let sample = state.telemetry.nodeSamples[4 * index + pcmSlot]
                bandwidth = sample.bandwidth * TelemetryState.factor(pcm.noise, &generator)
                misses = min(1, sample.missRatio * TelemetryState.factor(pcm.noise, &generator))
                rate = sample.instructionsPerCycle * TelemetryState.factor(pcm.noise, &generator)
            }
            nodes[index].memoryBandwidth.update(bandwidth, lag: lag, interval: interval, maximumAge: maximumAge)
            nodes[index].cacheMissRatio.update(misses, lag: lag, interval: interval, maximumAge: maximumAge)
            nodes[index].instructionsPerCycle.update(rate, lag: lag, interval: interval, maximumAge: maximumAge)
        }
        swap(&nodes, &state.snapshot.nodes)
        state.telemetry.generator = generator
    }

    private mutating func publishServices() {
        let source = state.telemetry.service
        guard source.isPresent else { return }
        let interval = settings.interval
        let maximumAge = settings.telemetry.maximumAge
        let lag = Double(source.lag) * interval
        let slot = arriving(source)
        var generator = state.telemetry.generator
        var services: [Service] = []
        swap(&services, &state.snapshot.services)
        for index in services.indices {
            var sample: TelemetryState.ServiceSample?
            if let slot, source.gaps == 0 || !generator.chance(source.gaps) {
                sample = Self.noisy(
                    state.telemetry.serviceSamples[4 * index + slot], source.noise, interval, &generator)
            }
            services[index].arrivalRate.update(sample?.rate, lag: lag, interval: interval, maximumAge: maximumAge)
            services[index].throughput.update(sample?.throughput, lag: lag, interval: interval, maximumAge: maximumAge)
            services[index].errorShare.update(sample?.errorShare, lag: lag, interval: interval, maximumAge: maximumAge)
            services[index].cpuUsage.update(sample?.cpu, lag: lag, interval: interval, maximumAge: maximumAge)
            // Without requests there is no latency to measure: the one before grows older.
            let latency = sample.flatMap { $0.hasLatency ? $0 : nil }
            services[index].latencyP50.update(latency?.p50, lag: lag, interval: interval, maximumAge: maximumAge)
            services[index].latencyP95.update(latency?.p95, lag: lag, interval: interval, maximumAge: maximumAge)
            services[index].latencyP99.update(latency?.p99, lag: lag, interval: interval, maximumAge: maximumAge)
        }
        swap(&services, &state.snapshot.services)
        state.telemetry.generator = generator
    }

    /// A sample as it is measured: every rate by itself, latencies with the sampling error of order statistics.
    private static func noisy(
        _ truth: TelemetryState.ServiceSample, _ deviation: Double, _ interval: Double,
        _ generator: inout RandomGenerator
    ) -> TelemetryState.ServiceSample {
        guard deviation > 0 else { return truth }
        var sample = truth
        sample.rate *= TelemetryState.factor(deviation, &generator)
        sample.throughput *= TelemetryState.factor(deviation, &generator)
        sample.cpu *= TelemetryState.factor(deviation, &generator)
        guard truth.hasLatency else { return sample }
        // The standard error of a quantile is sqrt(p (1 - p) / n) / density, and near the tail the density is
        // (1 - p) / scale, with the scale at which the tail falls by a factor of e.
        let count = max(1, truth.throughput * interval)
        let scale = max(1e-9, (truth.p99 - truth.p95) / log(5))
        func error(_ share: Double, _ value: Double) -> Double {
            min(0.5, scale / value * (share / ((1 - share) * count)).squareRoot())
        }
        sample.p50 *= TelemetryState.factor(error(0.5, truth.p50), &generator)
        sample.p95 = max(sample.p50, truth.p95 * TelemetryState.factor(error(0.95, truth.p95), &generator))
        sample.p99 = max(sample.p95, truth.p99 * TelemetryState.factor(error(0.99, truth.p99), &generator))
        return sample
    }

    private mutating func publishPods() {
        let source = state.telemetry.pod
        guard source.isPresent else { return }
        let interval = settings.interval
        let maximumAge = settings.telemetry.maximumAge
        let lag = Double(source.lag) * interval
        var generator = state.telemetry.generator
        for node in state.nodes.indices {
            state.telemetry.podScrapes[node] =
                state.nodes[node].isUp && (source.gaps == 0 || !generator.chance(source.gaps))
        }
        for index in state.loads.indices where state.loads[index].node >= 0 {
            let old = state.loads[index].history
            let history = SIMD4(Float(state.loads[index].used / interval), old.x, old.y, old.z)
            state.loads[index].history = history
            var value: Double?
            let measured = history[source.lag]
            if measured >= 0, state.telemetry.podScrapes[state.loads[index].node] {
                value = Double(measured) * TelemetryState.factor(source.noise, &generator)
            }
            state.snapshot.pods[index].cpuUsage.update(value, lag: lag, interval: interval, maximumAge: maximumAge)
        }
        state.telemetry.generator = generator
    }
}
