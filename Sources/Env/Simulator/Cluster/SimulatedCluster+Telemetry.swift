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
        keepSamples(report, slot)
        var generator = state.telemetry.generator
        publishNodes(&generator)
        publishPCM(&generator)
        publishServices(&generator)
        publishPods(&generator)
        state.telemetry.generator = generator
        state.builder.prepare(at: state.time)
    }

    private mutating func keepSamples(_ report: IntervalReport, _ slot: Int) {
        let perSecond = 1 / settings.interval
        for index in state.nodes.indices {
            let truth = state.nodes[index].truth
            state.telemetry.nodeSamples[4 * index + slot] = NodeSample(
                memory: truth.memory * perSecond, bandwidth: truth.bandwidth * perSecond,
                missRatio: truth.missRatio * perSecond, instructionsPerCycle: truth.instructionsPerCycle * perSecond)
        }
        for index in state.services.indices {
            state.telemetry.serviceSamples[4 * index + slot] = Self.sample(report.services[index])
        }
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
    private static func drawArrivals(
        _ arriving: inout [UInt64], _ nodes: [NodeModel], scrapes: Int, _ gaps: Double,
        _ generator: inout RandomGenerator
    ) {
        if arriving.count != nodes.count { arriving = Array(repeating: 0, count: nodes.count) }
        let nodes = nodes.span
        var arriving = arriving.mutableSpan
        let all = (UInt64(1) << UInt64(min(63, scrapes))) - 1
        for node in nodes.indices {
            var mask = nodes[node].isUp ? all : 0
            if gaps > 0, mask > 0 {
                for scrape in 0..<scrapes where generator.chance(gaps) { mask &= ~(1 << UInt64(scrape)) }
            }
            arriving[node] = mask
        }
    }

    /// Moves the counters of the nodes on.
    private static func count(_ nodes: inout [NodeModel], _ noise: Double, _ generator: inout RandomGenerator) {
        var nodes = nodes.mutableSpan
        for index in nodes.indices {
            nodes[index].counted.count(nodes[index].truth.cpu * TelemetryState.factor(noise, &generator))
        }
    }

    /// Moves the counters of the pods on that have a node.
    private static func count(_ loads: inout [PodLoad], _ noise: Double, _ generator: inout RandomGenerator) {
        var loads = loads.mutableSpan
        for index in loads.indices where loads[index].node >= 0 {
            loads[index].counted.count(loads[index].used * TelemetryState.factor(noise, &generator))
        }
    }

    private mutating func publishNodes(_ generator: inout RandomGenerator) {
        let source = state.telemetry.node
        guard source.isPresent else { return }
        state.telemetry.node.scrapes(before: state.time, settings.interval, into: &scratch.scrapes)
        Self.drawArrivals(
            &scratch.arriving, state.nodes, scrapes: scratch.scrapes.count, source.gaps, &generator)
        Self.count(&state.nodes, source.noise, &generator)
        let slot = arriving(source)
        for number in scratch.scrapes.indices {
            let scrape = scratch.scrapes[number]
            for index in state.nodes.indices where scratch.arriving[index] & (1 << UInt64(number)) != 0 {
                guard let total = state.nodes[index].counted.reading(scrape) else { continue }
                var reading = UsageReading(cpuSeconds: Reading(value: total, time: scrape.time))
                // Memory is counted, not sampled.
                if let slot {
                    reading.workingSetBytes = Reading(
                        value: state.telemetry.nodeSamples[4 * index + slot].memory, time: scrape.time)
                }
                state.builder.add(reading, ofNode: index)
            }
        }
    }

    private mutating func publishPCM(_ generator: inout RandomGenerator) {
        let source = state.telemetry.pcm
        guard source.isPresent, let slot = arriving(source) else { return }
        let interval = settings.interval
        let time = state.time - Double(source.lag) * interval
        for index in state.nodes.indices where state.nodes[index].isUp {
            guard source.gaps == 0 || !generator.chance(source.gaps) else { continue }
            let sample = state.telemetry.nodeSamples[4 * index + slot]
            var figures = PCMFigures(time: time, seconds: interval)
            figures.memoryBandwidth = sample.bandwidth * TelemetryState.factor(source.noise, &generator)
            figures.cacheMissRatio = min(1, sample.missRatio * TelemetryState.factor(source.noise, &generator))
            figures.instructionsPerCycle =
                sample.instructionsPerCycle * TelemetryState.factor(source.noise, &generator)
            state.builder.add(figures, ofNode: index)
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
        state.telemetry.pod.scrapes(before: state.time, settings.interval, into: &scratch.scrapes)
        Self.drawArrivals(
            &scratch.arriving, state.nodes, scrapes: scratch.scrapes.count, source.gaps, &generator)
        Self.count(&state.loads, source.noise, &generator)
        for number in scratch.scrapes.indices {
            let scrape = scratch.scrapes[number]
            for index in state.loads.indices {
                let node = state.loads[index].node
                guard node >= 0, scratch.arriving[node] & (1 << UInt64(number)) != 0,
                    let total = state.loads[index].counted.reading(scrape)
                else { continue }
                state.builder.add(
                    UsageReading(cpuSeconds: Reading(value: total, time: scrape.time)), ofPod: index)
            }
        }
    }
}
