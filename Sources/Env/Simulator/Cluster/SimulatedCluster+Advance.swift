public import Cluster
import Foundation
import Randomness
import Workloads

extension SimulatedCluster {
    /// Lets one control interval pass. Cost: O(nodes + pods), about 0.5 µs for each replica.
    ///
    /// A request counts in the interval in which it arrives: the work in front of it says when it will be answered.
    /// So a request that is still queued past the objective counts as over once, and never again. Only requests that
    /// die with their replica count when that happens.
    /// - Returns: what truly happened.
    /// - Throws: `SimulatorError` before the first episode.
    public mutating func advance() throws -> IntervalReport {
        guard state.isRunning else { throw SimulatorError.needsReset }
        return passInterval()
    }

    @discardableResult
    mutating func passInterval() -> IntervalReport {
        var report = IntervalReport(duration: settings.interval)
        openInterval()
        let end = state.time + settings.interval
        while state.time < end - 1e-9 {
            regroup()
            let next = min(end, max(scratch.nextChange, state.time))
            let duration = next - state.time
            if duration > 0 {
                shareNodes(for: duration)
                serve(for: duration)
                for index in state.services.indices {
                    report.requestedCoreSeconds += state.services[index].boundCores * duration
                }
                report.allocatableCoreSeconds += scratch.allocatableCores * duration
            }
            state.time = next
            if scratch.nextChange <= next { changePods() }
        }
        state.time = end
        closeInterval(&report)
        return report
    }

    /// What happens between intervals: nodes, batch jobs, memory; and the rates of the interval to come.
    private mutating func openInterval() {
        state.actionTime = 0
        updateNodes()
        startJobs()
        regroup()
        relieveMemory()
        for index in state.services.indices {
            let level = state.curves[index].meanLevel(from: state.time, for: settings.interval)
            state.services[index].open(level, &state.arrivalGenerator)
            if scratch.mixtures.count <= index { scratch.mixtures.append(LatencyMixture()) }
            scratch.mixtures[index].clear(state.services[index].serviceTime)
        }
        if reportsNodes {
            scratch.nodeMixtures = state.services.flatMap { service in
                var empty = LatencyMixture()
                empty.clear(service.serviceTime)
                return repeatElement(empty, count: state.nodes.count)
            }
        }
        var nodes = state.nodes.mutableSpan
        for node in nodes.indices { nodes[node].truth = NodeTruth() }
        var loads = state.loads.mutableSpan
        for pod in loads.indices { loads[pod].used = 0 }
    }

    /// Runs every ready replica's queue for a stretch of time in which nothing else changes.
    private mutating func serve(for duration: Double) {
        for index in state.services.indices where state.services[index].ready == 0 {
            state.services[index].rejected += state.services[index].rate * duration
        }
        var pods: [PodLoad] = []
        swap(&pods, &state.loads)
        defer { swap(&pods, &state.loads) }
        var loads = pods.mutableSpan
        for pod in loads.indices where loads[pod].isReady && loads[pod].service >= 0 {
            let index = loads[pod].service
            let capacity = loads[pod].capacity
            let speed = state.nodes[loads[pod].node].speed
            let service = state.services[index]
            let time = service.meanServiceTime * loads[pod].slowdown / speed
            let rate = service.rate / Double(service.ready)
            // With less than a core a request takes longer; with more, several are served at once.
            var conditions = QueueConditions(
                arrivalRate: rate, serviceMean: time / min(1, capacity), servers: max(1, capacity),
                serviceTime: service.serviceTime)
            let fullQueue = service.queueLimit * conditions.drainMean
            conditions.longestWait = min(service.timeOut, fullQueue)
            let lost =
                reportsNodes
                ? advanceApart(&loads[pod], conditions, for: duration)
                : loads[pod].queue.advance(conditions, for: duration, into: &scratch.mixtures[index])
            if lost > 0 {
                if fullQueue < service.timeOut {
                    state.services[index].rejected += lost * rate * duration
                } else {
                    state.services[index].timedOut += lost * rate * duration
                }
            }
        }
    }

    /// Runs a replica's queue and adds its requests to its node's too.
    private mutating func advanceApart(
        _ load: inout PodLoad, _ conditions: QueueConditions, for duration: Double
    ) -> Double {
        var own = LatencyMixture()
        own.clear(conditions.serviceTime)
        let lost = load.queue.advance(conditions, for: duration, into: &own)
        scratch.mixtures[load.service].add(own)
        scratch.nodeMixtures[load.service * state.nodes.count + load.node].add(own)
        return lost
    }

    /// What the requests of each service met on each node.
    private func nodeIntervals() -> [NodeInterval] {
        scratch.nodeMixtures.indices.compactMap { index in
            let mixture = scratch.nodeMixtures[index]
            guard mixture.total > 0 else { return nil }
            let service = index / state.nodes.count
            var result = NodeInterval(service: service, node: index % state.nodes.count)
            let (quantiles, _) = mixture.quantiles(
                from: state.services[service].latencies, objective: state.snapshot.services[service].latencyObjective)
            result.requests = mixture.total
            (result.latencyP50, result.latencyP95, result.latencyP99) = (quantiles.p50, quantiles.p95, quantiles.p99)
            return result
        }
    }

    /// Carries out what is due: replicas become ready or are gone, batch jobs end.
    private mutating func changePods() {
        let time = state.time
        var pod = 0
        while pod < state.loads.count {
            let due = state.loads[pod].changesAt
            guard due >= 0, due <= time else {
                pod += 1
                continue
            }
            if state.loads[pod].service >= 0, state.snapshot.pods[pod].phase == .starting {
                becomeReady(pod)
                pod += 1
            } else {
                remove(pod)
            }
        }
        for index in state.services.indices where state.services[index].isRollingOut { rollOut(index) }
        scratch.isStale = true
    }

    private mutating func closeInterval(_ report: inout IntervalReport) {
        report.services.reserveCapacity(state.services.count)
        for index in state.services.indices { report.services.append(measure(index)) }
        if reportsNodes { report.nodes = nodeIntervals() }
        (report.evictions, report.replicaChanges) = (state.evictions, state.replicaChanges)
        (state.evictions, state.replicaChanges) = (0, 0)
        for pod in state.snapshot.pods where pod.phase == .pending && pod.service != nil { report.pendingReplicas += 1 }
        updateDisruptions()
        publishTelemetry(report)
    }

    /// The truth about a service's requests in the interval.
    private mutating func measure(_ index: Int) -> ServiceInterval {
        let interval = settings.interval
        let objective = state.snapshot.services[index].latencyObjective
        let expected = state.services[index].rate * interval
        var arrived = expected
        if settings.services.poissonArrivals {
            arrived = Double(state.arrivalGenerator.poisson(mean: min(expected, 1e9)))
        }
        return state.services[index].close(arrived, of: expected, scratch.mixtures[index], objective)
    }
}

extension ServiceModel {
    /// Begins an interval whose load has a mean of `level`.
    fileprivate mutating func open(_ level: Double, _ generator: inout RandomGenerator) {
        rate = baseRate * level
        if rateNoise > 0 {
            let noise = rateNoise
            rate *= exp(noise * generator.normal() - noise * noise / 2)
        }
        (rejected, timedOut) = (0, 0)
    }

    /// Ends an interval.
    /// - Parameters:
    ///   - arrived: requests that arrived.
    ///   - expected: requests that were expected, to which what was counted refers.
    ///   - mixture: the latencies.
    ///   - objective: the latency objective in seconds.
    fileprivate mutating func close(
        _ arrived: Double, of expected: Double, _ mixture: LatencyMixture, _ objective: Double
    ) -> ServiceInterval {
        var result = ServiceInterval()
        result.arrived = arrived
        // Shares hold for the expected requests; the drawn ones are shared out in the same way.
        let scale = expected > 0 ? arrived / expected : 0
        result.rejected = rejected * scale
        result.timedOut = timedOut * scale
        let answered = max(0, arrived - result.rejected - result.timedOut)
        var late = 0.0
        if mixture.total > 0, arrived > 0 {
            let (quantiles, share) = mixture.quantiles(from: latencies, objective: objective)
            latencies = quantiles
            (result.latencyP50, result.latencyP95, result.latencyP99) = (quantiles.p50, quantiles.p95, quantiles.p99)
            late = answered * share
        }
        // Requests that died with their replica arrived earlier and were taken for answered then. Here they count as
        // rejected, all of them, however few requests arrive now; the answers shrink by as many, now or later.
        result.overObjective = late + result.rejected + result.timedOut + killedInTime
        result.rejected += killed
        let dead = neverAnswered + killed
        result.completed = max(0, answered - dead)
        neverAnswered = max(0, dead - answered)
        (killed, killedInTime) = (0, 0)
        return result
    }
}
