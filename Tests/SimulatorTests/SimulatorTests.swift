import Cluster
import Foundation
import Gym
import Randomness
import Settings
import Simulator
import TestClusters
import Testing
import Workloads

/// Episodes as a whole: seeds, storage, bookkeeping, and the environment around them.
@Suite struct SimulatedClusterTests {
    /// Takes random actions and lets time pass.
    private func act(_ cluster: inout SimulatedCluster, _ generator: inout RandomGenerator) throws -> IntervalReport {
        for pod in cluster.snapshot.pods where pod.phase == .pending {
            _ = try cluster.apply(.place(pod: pod.id, node: generator.index(below: cluster.snapshot.nodes.count)))
        }
        let service = generator.index(below: cluster.snapshot.services.count)
        switch generator.index(below: 4) {
        case 0: _ = try cluster.apply(.scale(service: service, change: generator.chance(0.5) ? 1 : -1))
        case 1: _ = try cluster.apply(.resize(service: service, factor: generator.chance(0.5) ? 1.25 : 0.8))
        case 2: _ = try cluster.apply(.evict(pod: cluster.snapshot.pods[0].id))
        default: break
        }
        return try cluster.advance()
    }

    private func settings() -> SimulatorSettings {
        var settings = SimulatorSettings()
        settings.nodes.lossesPerHour = ValueRange(2)
        settings.telemetry.pcm.gaps = ValueRange(0.2)
        settings.telemetry.service.lag = ValueRange(1)
        settings.services.patterns.append(.spike(SpikeLoad()))
        return settings
    }

    /// Telling nodes apart changes nothing else, and the nodes' requests are the services'.
    @Test func nodesAreToldApart() throws {
        var (plain, apart) = (try SimulatedCluster(settings: settings()), try SimulatedCluster(settings: settings()))
        apart.reportsNodes = true
        for seed in 0..<5 {
            var (first, second) = (RandomGenerator(seed: 3), RandomGenerator(seed: 3))
            plain.reset(seed: UInt64(seed))
            apart.reset(seed: UInt64(seed))
            for _ in 0..<30 {
                let (without, with) = (try act(&plain, &first), try act(&apart, &second))
                #expect(without.nodes == nil)
                let nodes = try #require(with.nodes)
                #expect(with.services.map(\.arrived) == without.services.map(\.arrived))
                for (index, service) in with.services.enumerated() {
                    let own = nodes.filter { $0.service == index }
                    guard let p99 = service.latencyP99, let other = without.services[index].latencyP99 else {
                        continue
                    }
                    #expect(abs(p99 / other - 1) < 0.01)
                    // The p99 of all lies between the best node's and the worst's.
                    let (least, most) = (own.map(\.latencyP99).min() ?? 0, own.map(\.latencyP99).max() ?? 0)
                    #expect(least * 0.99 <= p99 && p99 <= most * 1.01)
                    #expect(own.allSatisfy { $0.latencyP50 <= $0.latencyP95 && $0.latencyP95 <= $0.latencyP99 })
                }
            }
        }
    }

    @Test func requestsAreNeitherLostNorCountedTwice() throws {
        var cluster = try SimulatedCluster(settings: settings())
        var generator = RandomGenerator(seed: 1)
        for seed in 0..<20 {
            cluster.reset(seed: UInt64(seed))
            // Outcomes beyond what arrived: requests of the intervals before that died with their replica.
            var surplus = cluster.snapshot.services.map { _ in 0.0 }
            for _ in 0..<60 {
                let report = try act(&cluster, &generator)
                #expect(report.duration == 20)
                for (index, service) in report.services.enumerated() {
                    surplus[index] += service.completed + service.rejected + service.timedOut - service.arrived
                    #expect(surplus[index] >= -1e-6 * max(1, service.arrived))
                    // Answers make up for them as soon as there are any.
                    #expect(surplus[index] <= 1e-6 * max(1, service.arrived) || service.completed == 0)
                    #expect(service.overObjective >= service.timedOut - 1e-9)
                    #expect(service.overObjective <= service.arrived + service.rejected + 1e-6)
                    #expect(min(service.completed, service.rejected, service.timedOut) >= 0)
                    if let p50 = service.latencyP50, let p95 = service.latencyP95, let p99 = service.latencyP99 {
                        #expect(0 < p50 && p50 <= p95 && p95 <= p99 && p99.isFinite)
                    }
                }
                var recounted = cluster.snapshot
                recounted.recountNodes()
                for (node, again) in zip(cluster.snapshot.nodes, recounted.nodes) {
                    #expect(node.podCount == again.podCount)
                    #expect(abs(node.requested.cpu - again.requested.cpu) < 1e-6)
                }
            }
        }
    }

    @Test func oneSeedIsOneEpisode() throws {
        func run(_ seed: UInt64) throws -> [IntervalReport] {
            var cluster = try SimulatedCluster(settings: settings())
            cluster.reset(seed: seed)
            var generator = RandomGenerator(seed: 5)
            return try (0..<40).map { _ in try act(&cluster, &generator) }
        }
        #expect(try run(3) == run(3))
        #expect(try run(3) != run(4))
    }

    @Test func aResetForgetsTheEpisodeBefore() throws {
        var used = try SimulatedCluster(settings: settings())
        var generator = RandomGenerator(seed: 5)
        used.reset(seed: 8)
        for _ in 0..<30 { _ = try act(&used, &generator) }
        used.reset(seed: 3)
        var fresh = try SimulatedCluster(settings: settings())
        fresh.reset(seed: 3)
        #expect(used.snapshot == fresh.snapshot)
        for _ in 0..<10 { #expect(try used.advance() == fresh.advance()) }
    }

    @Test func aDecodedCopyGoesOnBitForBit() throws {
        var original = try SimulatedCluster(settings: settings())
        original.reset(seed: 6)
        var generator = RandomGenerator(seed: 7)
        for _ in 0..<25 { _ = try act(&original, &generator) }
        // In the middle of an interval, with actions taken.
        _ = try original.apply(.scale(service: 0, change: 1))
        var copy = try JSONDecoder().decode(SimulatedCluster.self, from: JSONEncoder().encode(original))
        #expect(copy.snapshot == original.snapshot)
        var twin = generator
        for _ in 0..<40 {
            #expect(try act(&copy, &twin) == act(&original, &generator))
            #expect(copy.snapshot == original.snapshot)
        }
    }

    @Test func whatIsDoneDoesNotChangeWhatComes() throws {
        var idle = try SimulatedCluster(settings: settings())
        var busy = idle
        idle.reset(seed: 12)
        busy.reset(seed: 12)
        var generator = RandomGenerator(seed: 1)
        for _ in 0..<50 {
            let calm = try idle.advance()
            let report = try act(&busy, &generator)
            #expect(calm.services.map(\.arrived) == report.services.map(\.arrived))
            #expect(idle.snapshot.nodes.map(\.isSchedulable) == busy.snapshot.nodes.map(\.isSchedulable))
        }
        #expect(idle.snapshot != busy.snapshot)
    }

    @Test(arguments: ["training", "heldout"]) func shippedSettingsKeepTheContractOfEnvironments(name: String) throws {
        let settings = try SimulatorSettings.load(from: "configs/cluster/\(name).yaml")
        var checker = EnvironmentChecker()
        checker.rewardDependsOnAction = true
        checker.steps = 200
        let problems = checker.problems {
            ClusterEnvironment(
                backend: try SimulatedCluster(settings: settings), settings: ClusterEnvironmentSettings(), seed: 1)
        }
        #expect(problems == [])
    }

    @Test func theDefaultSceneIsNeitherIdleNorHopeless() throws {
        let settings = try SimulatorSettings.load(from: "configs/cluster/training.yaml")
        var cluster = try SimulatedCluster(settings: settings)
        var shares: [Double] = []
        for seed in 0..<30 {
            cluster.reset(seed: UInt64(seed))
            let cores = cluster.snapshot.nodes.reduce(0) { $0 + $1.allocatable.cpu }
            #expect((15.5...32.0).contains(cores))
            var (over, arrived) = (0.0, 0.0)
            for _ in 0..<60 {
                for service in try cluster.advance().services {
                    over += service.overObjective
                    arrived += service.arrived
                }
            }
            shares.append(over / arrived)
        }
        // Without any control: some episodes go well, some badly.
        #expect(shares.filter { $0 < 0.02 }.count >= 5)
        #expect(shares.filter { $0 > 0.02 }.count >= 5)
    }

    @Test func theBenchmarkSceneHasItsSize() throws {
        var cluster = try SimulatedCluster(settings: .benchmark(nodes: 4, services: 2))
        cluster.reset(seed: 1)
        #expect(cluster.snapshot.nodes.count == 4)
        #expect(cluster.snapshot.services.map(\.replicas) == [3, 3])
        let report = try cluster.advance()
        #expect(report.services.allSatisfy { $0.latencyP99 != nil })
        #expect(cluster.snapshot.nodes.allSatisfy { $0.instructionsPerCycle != nil })
        #expect(cluster.snapshot.pods.contains { $0.service == nil })
    }

    @Test func settingsThatMakeNoSenseAreErrors() {
        for yaml in [
            "interval: 0", "nodes: {count: 0}", "nodes: {kinds: []}", "services: {patterns: []}",
            "services: {kinds: [{workers: 0}]}", "telemetry: {pcm: {dropout: 2}}", "interference: {load: [0.5, 0.2]}",
            "services: {kinds: [{limitFactor: 0.5}]}", "services: {patterns: [{kind: trace}]}", "nodes: {cuont: 3}",
        ] {
            #expect(throws: SettingsError.self, "\(yaml)") { try SimulatorSettings.decode(yaml: yaml) }
        }
        let missing = "services: {patterns: [{kind: trace, path: /no/such/trace.csv}]}"
        #expect(throws: SettingsError.self) {
            try SimulatedCluster(settings: SimulatorSettings.decode(yaml: missing))
        }
    }
}
