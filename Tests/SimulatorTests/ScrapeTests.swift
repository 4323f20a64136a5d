import Cluster
import Settings
import Simulator
import Testing
import Windows
import Workloads

/// Counters of CPU time that are scraped at moments of their own, as cadvisor's are.
@Suite struct ScrapeTests {
    private func cluster(
        warmup: Int = 2, _ change: (inout SimulatorSettings) -> Void
    ) throws -> SimulatedCluster {
        var settings = SimulatorSettings()
        settings.warmup = warmup
        settings.telemetry = .exact
        change(&settings)
        return try SimulatedCluster(settings: settings)
    }

    private func everyTenToFifteenSeconds(_ settings: inout SimulatorSettings) {
        settings.telemetry.node.period = ValueRange(10, 15)
        settings.telemetry.pod.period = ValueRange(10, 15)
    }

    @Test func agesVaryAndStayBelowThePeriod() throws {
        var cluster = try cluster(everyTenToFifteenSeconds)
        var first: Set<Double> = []
        var periods: Set<Double> = []
        for seed in 0..<30 {
            cluster.reset(seed: UInt64(seed))
            var ages: Set<Double> = []
            for _ in 0..<20 {
                _ = try cluster.advance()
                let (now, snapshot) = (cluster.snapshot.time, cluster.snapshot)
                for node in snapshot.nodes {
                    let cpu = try #require(node.cpuUsage)
                    #expect((0...15).contains(cpu.age(at: now)) && cpu.time <= now)
                    // Two periods lie nearer to 20 s than one below 13.3, one above.
                    #expect((13.3...26.7).contains(cpu.seconds) || cpu.seconds > 13.3 - 0.03)
                    ages.insert(cpu.age(at: now))
                    periods.insert(cpu.seconds.rounded())
                }
                // All nodes are scraped at once.
                #expect(Set(snapshot.nodes.map { $0.cpuUsage?.time }).count == 1)
            }
            #expect(ages.count > 2)
            first.insert(ages.min() ?? -1)
        }
        #expect(first.count == 30 && periods.count > 5)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func scrapesMissNothingInTheMean(_ seed: UInt64) throws {
        var scraped = try cluster(everyTenToFifteenSeconds)
        var exact = try cluster { _ in }
        scraped.reset(seed: seed)
        exact.reset(seed: seed)
        var (measured, truth) = (0.0, 0.0)
        var differ = 0
        for _ in 0..<200 {
            _ = try scraped.advance()
            _ = try exact.advance()
            for (node, other) in zip(scraped.snapshot.nodes, exact.snapshot.nodes) {
                let (own, all) = (try #require(node.cpuUsage?.value), try #require(other.cpuUsage?.value))
                measured += own
                truth += all
                if abs(own - all) > 0.001 * all { differ += 1 }
            }
        }
        #expect(abs(measured / truth - 1) < 0.02)
        #expect(differ > 100)
    }

    @Test func aReplicaHasNoCPUUntilItWasReadTwice() throws {
        var cluster = try cluster(warmup: 0) {
            $0 = .quiet
            $0.services.initialPlacement = .pending
            $0.services.kinds[0].startup = ValueRange(5)
            $0.services.kinds[0].startupVariation = 0
            $0.telemetry.pod.period = ValueRange(15)
        }
        var outcomes: Set<Bool> = []
        for seed in 0..<20 {
            cluster.reset(seed: UInt64(seed))
            let id = try #require(cluster.snapshot.pods.first?.id)
            #expect(try cluster.apply(.place(pod: id, node: 0)) == nil)
            _ = try cluster.advance()
            #expect(cluster.snapshot.pods[0].phase == .ready)
            #expect(cluster.snapshot.services[0].latencyP99 != nil)
            let early = cluster.snapshot.services[0].cpuUsage
            #expect(early == cluster.snapshot.pods[0].cpuUsage)
            _ = try cluster.advance()
            let cpu = try #require(cluster.snapshot.services[0].cpuUsage)
            // The first scrape was at some moment of the first 15 s; 20 s after the beginning there was a second one
            // only where it was in the first 5.
            let first = cpu.time.truncatingRemainder(dividingBy: 15)
            #expect((early != nil) == (first <= 5), "\(first)")
            if let early { #expect(abs(early.time - first - 15) < 1e-6 && abs(early.seconds - 15) < 1e-6) }
            outcomes.insert(early != nil)
        }
        #expect(outcomes == [true, false])
    }

    @Test func lagsMakeScrapesOlder() throws {
        for lag in 0...2 {
            var cluster = try cluster(warmup: 4) {
                everyTenToFifteenSeconds(&$0)
                $0.telemetry.node.lag = ValueRange(Double(lag))
            }
            for seed in 0..<5 {
                cluster.reset(seed: UInt64(seed))
                for _ in 0..<10 {
                    _ = try cluster.advance()
                    let age = try #require(cluster.snapshot.nodes[0].cpuUsage?.age(at: cluster.snapshot.time))
                    #expect((20 * Double(lag)...20 * Double(lag) + 15).contains(age))
                }
            }
        }
        // Further back a counter's readings do not reach.
        #expect(throws: SettingsError.self) {
            try self.cluster {
                everyTenToFifteenSeconds(&$0)
                $0.telemetry.node.lag = ValueRange(3)
            }
        }
    }

    @Test func gapsLetScrapesAgeUntilAWindowWouldSpanThem() throws {
        var cluster = try cluster {
            $0.telemetry.node.period = ValueRange(15)
            $0.telemetry.node.gaps = ValueRange(0.6)
            $0.telemetry.maximumAge = 50
        }
        cluster.reset(seed: 5)
        var (late, long, missing) = (0, 0, 0)
        for _ in 0..<400 {
            _ = try cluster.advance()
            for node in cluster.snapshot.nodes {
                guard let cpu = node.cpuUsage else {
                    missing += 1
                    continue
                }
                let age = cpu.age(at: cluster.snapshot.time)
                #expect(age <= 50)
                if age > 15 { late += 1 }
                // Whole periods, of which at most 40 s make a window; a scrape's moment is known to 0.02 s.
                #expect([15, 30].contains { abs(cpu.seconds - $0) < 0.05 }, "\(cpu.seconds)")
                if cpu.seconds > 20 { long += 1 }
            }
        }
        #expect(late > 100 && long > 100 && missing > 100)
    }
}
