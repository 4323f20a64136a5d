import Cluster
import Foundation
import Randomness
import Windows

/// Hands the builder of snapshots what would have been read by now: counters as they stood when they were scraped, whole
/// windows of PCM, and what the services' monitoring counted.
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
            state.telemetry.serviceSamples[4 * index + slot] = Self.sample(report.services[index])
        }
        var generator = state.telemetry.generator
        publishNodes(&generator)
        publishPCM(&generator)
        publishServices(&generator)
        publishPods(&generator)
        state.telemetry.generator = generator
        state.builder.prepare(at: state.time)
    }

    private static func sample(_ truth: ServiceInterval) -> TelemetryState.ServiceSample {
        var sample = TelemetryState.ServiceSample()
        (sample.arrived, sample.completed) = (truth.arrived, truth.completed)
        sample.failed = truth.rejected + truth.timedOut
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

    /// Draws which of the scrapes of this interval arrive of each node.
    private mutating func drawArrivals(_ gaps: Double, _ generator: inout RandomGenerator) {
        let all = (UInt64(1) << UInt64(min(63, state.telemetry.scrapes.count))) - 1
        for node in state.nodes.indices {
            var arriving = state.nodes[node].isUp ? all : 0
            if gaps > 0, arriving > 0 {
                for scrape in state.telemetry.scrapes.indices where generator.chance(gaps) {
                    arriving &= ~(1 << UInt64(scrape))
                }
            }
            state.telemetry.arriving[node] = arriving
        }
    }

    private mutating func publishNodes(_ generator: inout RandomGenerator) {
        let source = state.telemetry.node
        guard source.isPresent else { return }
        state.telemetry.findNodeScrapes(before: state.time, settings.interval)
        drawArrivals(source.gaps, &generator)
        let (interval, now, slot) = (settings.interval, state.time, arriving(source))
        for index in state.nodes.indices {
            state.nodes[index].counted.count(
                state.nodes[index].truth.cpu * TelemetryState.factor(source.noise, &generator))
            let (history, arriving) = (state.nodes[index].counted, state.telemetry.arriving[index])
            // Memory is counted, not sampled.
            let memory = slot.map { state.telemetry.nodeSamples[4 * index + $0].memory }
            for scrape in state.telemetry.scrapes.indices where arriving & (1 << UInt64(scrape)) != 0 {
                let age = state.telemetry.scrapes[scrape]
                guard let total = history.reading(age) else { continue }
                let time = now - age * interval
                state.builder.add(
                    UsageReading(
                        cpuSeconds: Reading(value: total, time: time),
                        workingSetBytes: memory.map { Reading(value: $0, time: time) }), ofNode: index)
            }
        }
    }

    private mutating func publishPCM(_ generator: inout RandomGenerator) {
        let source = state.telemetry.pcm
        guard source.isPresent, let slot = arriving(source) else { return }
        let interval = settings.interval
        for index in state.nodes.indices where state.nodes[index].isUp {
            guard source.gaps == 0 || !generator.chance(source.gaps) else { continue }
            let sample = state.telemetry.nodeSamples[4 * index + slot]
            var figures = PCMFigures(time: state.time - Double(source.lag) * interval, seconds: interval)
            figures.memoryBandwidth = sample.bandwidth * TelemetryState.factor(source.noise, &generator)
            figures.cacheMissRatio = min(1, sample.missRatio * TelemetryState.factor(source.noise, &generator))
            figures.instructionsPerCycle =
                sample.instructionsPerCycle * TelemetryState.factor(source.noise, &generator)
            state.builder.add(.pcm(figures), ofNode: index)
        }
    }

    private mutating func publishServices(_ generator: inout RandomGenerator) {
        let source = state.telemetry.service
        guard source.isPresent, let slot = arriving(source) else { return }
        let time = state.time - Double(source.lag) * settings.interval
        for index in state.services.indices where source.gaps == 0 || !generator.chance(source.gaps) {
            let sample = state.telemetry.serviceSamples[4 * index + slot]
            state.builder.add(
                Self.measured(sample, source.noise, at: time, settings.interval, &generator), ofService: index)
        }
    }

    /// A sample as it is measured: every rate by itself, latencies with the sampling error of order statistics.
    private static func measured(
        _ truth: TelemetryState.ServiceSample, _ deviation: Double, at time: Double, _ interval: Double,
        _ generator: inout RandomGenerator
    ) -> RequestSample {
        var sample = RequestSample(
            time: time, seconds: interval, source: .loadGenerator, arrived: truth.arrived, completed: truth.completed,
            failed: truth.failed)
        sample.arrivalRate = sample.arrivalRate.map { $0 * TelemetryState.factor(deviation, &generator) }
        sample.throughput = sample.throughput.map { $0 * TelemetryState.factor(deviation, &generator) }
        guard truth.hasLatency else { return sample }
        guard deviation > 0 else {
            (sample.latencyP50, sample.latencyP95, sample.latencyP99) = (truth.p50, truth.p95, truth.p99)
            return sample
        }
        // The standard error of a quantile is sqrt(p (1 - p) / n) / density, and near the tail the density is
        // (1 - p) / scale, with the scale at which the tail falls by a factor of e.
        let count = max(1, truth.completed)
        let scale = max(1e-9, (truth.p99 - truth.p95) / log(5))
        func error(_ share: Double, _ value: Double) -> Double {
            min(0.5, scale / value * (share / ((1 - share) * count)).squareRoot())
        }
        let p50 = truth.p50 * TelemetryState.factor(error(0.5, truth.p50), &generator)
        let p95 = max(p50, truth.p95 * TelemetryState.factor(error(0.95, truth.p95), &generator))
        let p99 = max(p95, truth.p99 * TelemetryState.factor(error(0.99, truth.p99), &generator))
        (sample.latencyP50, sample.latencyP95, sample.latencyP99) = (p50, p95, p99)
        return sample
    }

    private mutating func publishPods(_ generator: inout RandomGenerator) {
        let source = state.telemetry.pod
        guard source.isPresent else { return }
        state.telemetry.findPodScrapes(before: state.time, settings.interval)
        drawArrivals(source.gaps, &generator)
        let (interval, now) = (settings.interval, state.time)
        for index in state.loads.indices where state.loads[index].node >= 0 {
            state.loads[index].counted.count(
                state.loads[index].used * TelemetryState.factor(source.noise, &generator))
            let history = state.loads[index].counted
            let arriving = state.telemetry.arriving[state.loads[index].node]
            for scrape in state.telemetry.scrapes.indices where arriving & (1 << UInt64(scrape)) != 0 {
                let age = state.telemetry.scrapes[scrape]
                guard let total = history.reading(age) else { continue }
                state.builder.add(
                    UsageReading(cpuSeconds: Reading(value: total, time: now - age * interval)), ofPod: index)
            }
        }
    }
}
