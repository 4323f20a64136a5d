import Cluster
import Foundation
import Randomness
import Simulator
import Testing
import Workloads

/// Steps in load, window by window: a whole simulated cluster of one node and one replica against a simulation of
/// every request.
@Suite struct TransientQueueTests {
    struct Scene: Sendable, CustomTestStringConvertible {
        var family: ServiceTimeFamily
        var variation: Double
        var mean: Double
        var workers: Int
        var loads: [Double]
        var replications: Int
        var testDescription: String { "\(family) \(variation), \(mean) s, \(workers) workers, \(loads)" }
    }

    static let scenes = [
        // Up, into overload, back down and through the drain.
        Scene(
            family: .exponential, variation: 1, mean: 0.1, workers: 1,
            loads: [0.5, 0.5, 0.8, 0.95, 1.3, 1.3, 0.8, 0.5, 0.5, 0.5], replications: 4000),
        // Critical load for a minute.
        Scene(
            family: .exponential, variation: 1, mean: 0.1, workers: 1,
            loads: [0.3, 0.9, 0.9, 0.9, 0.3, 0.3, 1.05, 1.05, 1.05, 0.9, 0.6], replications: 4000),
        Scene(
            family: .logNormal, variation: 0.5, mean: 0.05, workers: 1,
            loads: [0.4, 0.4, 1.2, 1.5, 0.7, 0.3, 0.3, 0.3], replications: 2000),
        Scene(
            family: .deterministic, variation: 0, mean: 0.1, workers: 1,
            loads: [0.5, 0.9, 1.2, 1.2, 0.7, 0.3, 0.3, 0.3], replications: 4000),
        Scene(
            family: .exponential, variation: 1, mean: 0.2, workers: 4,
            loads: [0.5, 0.9, 1.2, 1.2, 0.7, 0.3, 0.3, 0.3], replications: 2000),
        Scene(
            family: .logNormal, variation: 1, mean: 0.1, workers: 2,
            loads: [0.3, 0.7, 0.95, 1.1, 0.8, 0.8, 0.3, 0.3], replications: 2000),
        Scene(
            family: .logNormal, variation: 1, mean: 0.02, workers: 1,
            loads: [0.5, 0.8, 0.95, 1.1, 0.9, 0.7, 0.5], replications: 400),
    ]

    @Test(arguments: scenes) func followsTheSimulation(_ scene: Scene) throws {
        let window = 20.0
        let rates = scene.loads.map { $0 * Double(scene.workers) / scene.mean }
        let simulation = QueueSimulation(
            family: scene.family, squaredVariation: scene.variation, mean: scene.mean, workers: scene.workers)
        let exact = simulation.run(rates: rates, duration: window, replications: scene.replications, seed: 11)
        var cluster = try Self.cluster(scene, rates: rates)
        let objective = cluster.snapshot.services[0].latencyObjective
        for (index, load) in scene.loads.enumerated() {
            let service = try cluster.advance().services[0]
            let place = "window \(index), ρ \(load)"
            for (name, found, share) in [
                ("p99", service.latencyP99, 0.01), ("p95", service.latencyP95, 0.05), ("p50", service.latencyP50, 0.5),
            ] {
                let expected = exact[index].latencies.quantile(above: share)
                let value = try #require(found)
                #expect(abs(value / expected - 1) < 0.15, "\(place): \(name) \(value) for \(expected)")
            }
            let over = service.overObjective / service.arrived
            let expected = exact[index].latencies.share(above: objective)
            #expect(
                abs(over - expected) < 0.15 * expected + 0.005,
                "\(place): share over the objective \(over) for \(expected)")
        }
    }

    /// One node, one replica, nothing else; the rates come from a trace file.
    static func cluster(
        _ scene: Scene, rates: [Double], timeoutFactor: Double = 1e6, queueLimit: Double = 1e9
    ) throws -> SimulatedCluster {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("berth-rates-\(UUID()).csv")
        let lines = rates.enumerated().map { "\($0.offset),\($0.element)\n" }
        try ("window,count\n" + lines.joined()).write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        var settings = SimulatorSettings.quiet
        var trace = TraceLoad()
        trace.path = file.path
        trace.secondsPerLine = ValueRange(settings.interval)
        trace.part = ValueRange(0)
        trace.level = ValueRange(1)
        trace.highest = 1000
        settings.services.patterns = [.trace(trace)]
        settings.services.kinds[0].serviceTime = scene.family
        settings.services.kinds[0].squaredVariation = ValueRange(scene.variation)
        settings.services.kinds[0].meanServiceTime = ValueRange(scene.mean)
        settings.services.kinds[0].workers = ValueRange(Double(scene.workers))
        settings.services.kinds[0].rate = ValueRange(rates.reduce(0, +) / Double(rates.count))
        settings.services.kinds[0].objectiveFactor = ValueRange(10)
        settings.services.kinds[0].timeoutFactor = ValueRange(timeoutFactor)
        settings.services.kinds[0].queueLimit = queueLimit
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 3)
        return cluster
    }

    @Test func requestsThatWaitTooLongGiveUp() throws {
        let scene = Scene(
            family: .exponential, variation: 1, mean: 0.1, workers: 1, loads: [0.5, 1.5, 1.5, 1.5, 1.1, 0.5, 0.5],
            replications: 2000)
        let rates = scene.loads.map { $0 / scene.mean }
        // The objective is ten service times, so they give up after 3 s.
        let simulation = QueueSimulation(family: .exponential, mean: scene.mean, patience: 3)
        let exact = simulation.run(rates: rates, duration: 20, replications: scene.replications, seed: 5)
        var cluster = try Self.cluster(scene, rates: rates, timeoutFactor: 3)
        for (index, window) in exact.enumerated() {
            let service = try cluster.advance().services[0]
            let share = service.timedOut / service.arrived
            let expected = Double(window.gaveUp) / Double(window.arrived)
            #expect(abs(share - expected) < 0.05, "window \(index): \(share) for \(expected)")
            #expect(service.rejected == 0)
            let p99 = try #require(service.latencyP99)
            #expect(abs(p99 / window.latencies.quantile(above: 0.01) - 1) < 0.15, "window \(index): p99 \(p99)")
        }
    }

    @Test func noConditionsBreakTheQueue() {
        var generator = RandomGenerator(seed: 1)
        for family in ServiceTimeFamily.allCases {
            let serviceTime = ServiceTime(family, squaredVariation: 1)
            for _ in 0..<300 {
                var queue = ReplicaQueue()
                for _ in 0..<30 {
                    let mean = exp(generator.uniform(in: -12...3))
                    let servers = generator.chance(0.5) ? 1 : generator.uniform(in: 1...40)
                    let load = generator.chance(0.1) ? 0 : exp(generator.uniform(in: -20...4))
                    let conditions = QueueConditions(
                        arrivalRate: load * servers / mean, serviceMean: mean, servers: servers,
                        longestWait: mean * exp(generator.uniform(in: -1...12)), serviceTime: serviceTime)
                    var mixture = LatencyMixture()
                    mixture.clear(serviceTime)
                    let lost = queue.advance(conditions, for: 20, into: &mixture)
                    #expect((0.0...1.0).contains(lost))
                    #expect(queue.meanWait.isFinite && queue.meanWait >= 0)
                    guard mixture.total > 0 else { continue }
                    let start = LatencyQuantiles(p50: 1, p95: 1, p99: 1)
                    let found = mixture.quantiles(from: start, objective: mean)
                    #expect(found.quantiles.p50 > 0 && found.quantiles.p50 <= found.quantiles.p95)
                    #expect(found.quantiles.p95 <= found.quantiles.p99 && found.quantiles.p99.isFinite)
                    #expect((0.0...1.0).contains(found.shareOverObjective))
                    // Around each quantile the tail passes its share, also where it jumps.
                    for (value, share) in [(found.quantiles.p50, 0.5), (found.quantiles.p99, 0.01)] {
                        #expect(mixture.tail(value * 1.01) <= share * 1.06)
                        #expect(mixture.tail(value * 0.99) >= share * 0.94)
                    }
                    let answered = load * servers / mean * 20 * (1 - lost)
                    #expect(abs(mixture.total - answered) < 1e-3 * answered)
                }
            }
        }
    }

    @Test func fullQueuesTurnRequestsAway() throws {
        let scene = Scene(
            family: .exponential, variation: 1, mean: 0.1, workers: 1, loads: [0.5, 1.4, 1.4, 1.0, 0.5],
            replications: 2000)
        let rates = scene.loads.map { $0 / scene.mean }
        let simulation = QueueSimulation(family: .exponential, mean: scene.mean, room: 30)
        let exact = simulation.run(rates: rates, duration: 20, replications: scene.replications, seed: 5)
        var cluster = try Self.cluster(scene, rates: rates, queueLimit: 30)
        for (index, window) in exact.enumerated() {
            let service = try cluster.advance().services[0]
            let share = service.rejected / service.arrived
            let expected = Double(window.turnedAway) / Double(window.arrived)
            #expect(abs(share - expected) < 0.05, "window \(index): \(share) for \(expected)")
            #expect(service.timedOut == 0)
        }
    }
}

extension SimulatorSettings {
    /// One node of 16 cores and one service of one replica, without batch jobs, noise or telemetry errors; its
    /// actions take no time.
    static var quiet: SimulatorSettings {
        var settings = SimulatorSettings()
        settings.warmup = 0
        settings.actionSeconds = ValueRange(0)
        settings.nodes.count = ValueRange(1)
        settings.nodes.kinds = [
            NodeKind(name: "big", cores: 16, speed: 1, memoryGiB: 64, cacheMiB: 64, bandwidthGB: 100)
        ]
        settings.services.count = ValueRange(1)
        settings.services.rateNoise = ValueRange(0)
        settings.services.poissonArrivals = false
        var kind = ServiceKind()
        kind.replicas = ValueRange(1)
        settings.services.kinds = [kind]
        settings.services.patterns = [.constant(ConstantLoad())]
        settings.interference = .none
        settings.telemetry = .exact
        return settings
    }
}
