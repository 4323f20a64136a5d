import Cluster
import Foundation
import Randomness
import Workloads

extension SimulatedCluster {
    private enum Stream {
        static let nodes: UInt64 = 1
        static let services: UInt64 = 2
        static let interference: UInt64 = 3
        static let telemetry: UInt64 = 4
        static let lifecycle: UInt64 = 5
        static let losses: UInt64 = 6
        static let arrivals: UInt64 = 7
        static let actions: UInt64 = 8
        static let systemPods: UInt64 = 9
    }

    /// Draws a cluster, its services, loads and batch jobs, and places the first replicas.
    /// - Parameter seed: decides everything that is random in the episode.
    public mutating func reset(seed: UInt64) {
        state = EpisodeState(settings)
        state.lifecycleGenerator = RandomGenerator(seed: seed, stream: Stream.lifecycle)
        state.nodeGenerator = RandomGenerator(seed: seed, stream: Stream.losses)
        state.arrivalGenerator = RandomGenerator(seed: seed, stream: Stream.arrivals)
        state.actionGenerator = RandomGenerator(seed: seed, stream: Stream.actions)
        var generator = RandomGenerator(seed: seed, stream: Stream.nodes)
        var systemPods = RandomGenerator(seed: seed, stream: Stream.systemPods)
        drawNodes(&generator, systemPods: &systemPods)
        generator = RandomGenerator(seed: seed, stream: Stream.services)
        drawServices(&generator)
        generator = RandomGenerator(seed: seed, stream: Stream.interference)
        let cores = state.nodes.reduce(0) { $0 + $1.cores }
        state.interference = InterferenceProcess(
            settings.interference, cores: cores, nodes: state.nodes.count, using: &generator)
        generator = RandomGenerator(seed: seed, stream: Stream.telemetry)
        state.telemetry = TelemetryState(
            settings.telemetry, nodes: state.nodes.count, services: state.services.count, &generator)
        scratch.isStale = true
        scratch.nextJobs = -.infinity
        createFirstReplicas()
        startFirstJobs()
        updateDisruptions()
        for _ in 0..<settings.warmup { passInterval() }
        // What happened before the episode was not the policy's.
        (state.evictions, state.replicaChanges) = (0, 0)
        state.isRunning = true
    }

    private mutating func drawNodes(_ generator: inout RandomGenerator, systemPods: inout RandomGenerator) {
        let pool = settings.nodes
        let count = pool.count.drawInteger(using: &generator)
        let lossRate = pool.lossesPerHour.draw(using: &generator) / 3600
        for index in 0..<count {
            let kind = pool.kinds[Self.draw(weights: pool.kinds.map(\.weight), &generator)]
            let gibibyte = 1_073_741_824.0
            let reserved = Resources(cpu: kind.reservedCores, memory: kind.reservedMemoryGiB * gibibyte)
            var model = NodeModel(
                cores: kind.cores, speed: kind.speed, memory: kind.memoryGiB * gibibyte,
                cache: kind.cacheMiB * 1_048_576, bandwidth: kind.bandwidthGB * 1e9, reserved: reserved,
                lossRate: lossRate)
            if lossRate > 0 { model.lostAt = state.nodeGenerator.exponential(rate: lossRate) }
            state.nodes.append(model)
            var node = Node(
                name: "\(kind.name)-\(index)",
                allocatable: Resources(cpu: kind.cores, memory: kind.memoryGiB * gibibyte) - reserved,
                maximumPods: kind.maximumPods, peakMemoryBandwidth: model.bandwidth)
            // What the system's pods use is part of what is reserved; they count where the number of pods does.
            node.podCount = min(kind.maximumPods, kind.systemPods.drawInteger(using: &systemPods))
            state.builder.addNode(node)
        }
    }

    private static func draw(weights: [Double], _ generator: inout RandomGenerator) -> Int {
        var remaining = generator.uniform() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() where weight > 0 {
            if remaining < weight { return index }
            remaining -= weight
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }

    private mutating func drawServices(_ generator: inout RandomGenerator) {
        let pool = settings.services
        let count = pool.count.drawInteger(using: &generator)
        let cores = state.nodes.reduce(0) { $0 + $1.cores * $1.speed }
        let load = pool.load.draw(using: &generator) * cores
        // Shares of the load: no service is negligible.
        let shares = (0..<count).map { _ in 0.3 + generator.exponential(rate: 1) }
        let total = shares.reduce(0, +)
        for index in 0..<count {
            let kind = pool.kinds[Self.draw(weights: pool.kinds.map(\.weight), &generator)]
            addService(kind, index: index, cores: load * shares[index] / total, &generator)
        }
    }

    private mutating func addService(
        _ kind: ServiceKind, index: Int, cores: Double, _ generator: inout RandomGenerator
    ) {
        let gibibyte = 1_073_741_824.0
        let pool = settings.services
        let mean = kind.meanServiceTime.draw(using: &generator)
        let variation = kind.squaredVariation.draw(using: &generator)
        let objective = mean * kind.objectiveFactor.draw(using: &generator)
        let timeOut = objective * kind.timeoutFactor.draw(using: &generator)
        let workers = Double(kind.workers.drawInteger(using: &generator))
        let request = Resources(
            cpu: kind.cpuRequest.draw(using: &generator),
            memory: kind.memoryRequestGiB.draw(using: &generator) * gibibyte)
        let limit = kind.limitFactor.draw(using: &generator) * request.cpu
        let memoryUse = kind.memoryUse.draw(using: &generator) * request.memory
        let startup = kind.startup.draw(using: &generator)
        let termination = kind.termination.draw(using: &generator)
        let sensitivities = [kind.cpuSensitivity, kind.cacheSensitivity, kind.bandwidthSensitivity]
            .map { $0.draw(using: &generator) }
        let cache = kind.cacheMiB.draw(using: &generator) * 1_048_576
        let bandwidth = kind.bandwidthGB.draw(using: &generator) * 1e9
        let drawnRate = kind.rate?.draw(using: &generator)
        let rate = drawnRate ?? cores / mean
        let utilization = pool.initialUtilization.draw(using: &generator)
        let pattern = generator.index(below: pool.patterns.count)
        state.curves.append(
            LoadCurve(pool.patterns[pattern], horizon: settings.horizon, trace: traces[pattern], using: &generator))
        let noise = pool.rateNoise.draw(using: &generator)
        let drawnReplicas = kind.replicas?.drawInteger(using: &generator)
        let wanted = drawnReplicas ?? Int((rate * mean / (request.cpu * utilization)).rounded(.up))
        let replicas = min(kind.maximumReplicas, max(kind.minimumReplicas, wanted))
        let resizesInPlace = generator.chance(kind.resizesInPlace)
        let maximumUnavailable = kind.maximumUnavailable.draw(using: &generator)
        let bounds = kind.resizeBounds
        let highest = limit > 0 ? min(limit, request.cpu * bounds.upper) : request.cpu * bounds.upper
        state.services.append(
            ServiceModel(
                serviceTime: ServiceTime(kind.serviceTime, squaredVariation: variation), meanServiceTime: mean,
                timeOut: timeOut, queueLimit: kind.queueLimit, workers: workers, memoryUse: memoryUse,
                maximumUnavailable: maximumUnavailable, startup: startup,
                startupVariation: kind.startupVariation, termination: termination,
                cpuSensitivity: sensitivities[0], cacheSensitivity: sensitivities[1],
                bandwidthSensitivity: sensitivities[2], cache: cache, bandwidthPerCore: bandwidth, baseRate: rate,
                rateNoise: noise, latencies: LatencyQuantiles(p50: mean, p95: 3 * mean, p99: 5 * mean),
                resizesInPlace: resizesInPlace))
        state.builder.addService(
            Service(
                name: "\(kind.name)-\(index)", replicas: replicas, minimumReplicas: kind.minimumReplicas,
                maximumReplicas: kind.maximumReplicas, requests: request, cpuLimit: limit > 0 ? limit : nil,
                cpuRequestRange: request.cpu * bounds.lower...highest, resizing: resizesInPlace ? .inPlace : .rollout,
                latencyObjective: objective))
    }

    /// Services take turns, so that a cluster that is too small for all leaves none without replicas.
    private mutating func createFirstReplicas() {
        let most = state.snapshot.services.map(\.replicas).max() ?? 0
        for round in 0..<most {
            for service in state.services.indices where state.snapshot.services[service].replicas > round {
                createReplica(of: service)
                guard settings.services.initialPlacement == .spread else { continue }
                let pod = state.snapshot.pods.count - 1
                guard let node = leastRequestedNode(for: state.snapshot.pods[pod]) else { continue }
                bind(pod, to: node)
                becomeReady(pod)
            }
        }
    }

    /// The jobs that started before the episode and are still running: as many as there are on average.
    private mutating func startFirstJobs() {
        guard var process = state.interference, process.rate > 0 else { return }
        let kinds = settings.interference.kinds
        let weight = kinds.reduce(0) { $0 + $1.weight }
        let duration = kinds.reduce(0) { $0 + $1.weight * $1.duration.middle } / weight
        let expected = process.rate * settings.interference.together.middle * duration
        let count = state.nodeGenerator.poisson(mean: min(expected, 1e6))
        for _ in 0..<count {
            var (kind, job) = process.drawJob()
            job.duration *= 1 - state.nodeGenerator.uniform()
            startJob(job, kind: kind, &process)
        }
        state.interference = process
    }
}
