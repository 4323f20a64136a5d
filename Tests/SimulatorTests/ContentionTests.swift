import Windows
import Cluster
import Foundation
import Settings
import Simulator
import Testing
import Workloads

/// Who gets how much of a node, and what it costs the neighbours.
@Suite struct ContentionTests {
    /// A node with one replica and batch jobs of one kind, all running from the start; latencies are those of M/M/1.
    private func cluster(
        cores: Double = 1, _ jobs: BatchJobKind?, most: Int = 1, _ change: (inout ServiceKind) -> Void
    ) throws -> SimulatedCluster {
        var settings = SimulatorSettings.quiet
        var node = NodeKind(name: "node", cores: cores, speed: 1, memoryGiB: 64, cacheMiB: 16, bandwidthGB: 20)
        node.reservedCores = 0
        settings.nodes.kinds = [node]
        settings.services.kinds[0].serviceTime = .exponential
        settings.services.kinds[0].workers = ValueRange(1)
        settings.services.kinds[0].cpuSensitivity = ValueRange(0)
        settings.services.kinds[0].cacheSensitivity = ValueRange(0)
        settings.services.kinds[0].bandwidthSensitivity = ValueRange(0)
        settings.services.kinds[0].meanServiceTime = ValueRange(0.02)
        settings.services.kinds[0].rate = ValueRange(5)
        change(&settings.services.kinds[0])
        if var jobs {
            jobs.duration = ValueRange(1e7)
            jobs.squaredVariation = 0
            settings.interference.load = ValueRange(1)
            settings.interference.kinds = [jobs]
            settings.interference.together = ValueRange(1)
            settings.interference.mostPerNode = most
        }
        var cluster = try SimulatedCluster(settings: settings)
        // How many jobs run at the start is a draw: take the first episode with as many as are wanted.
        for seed in 0..<1000 {
            cluster.reset(seed: UInt64(seed))
            if jobs == nil || cluster.snapshot.pods.filter({ $0.service == nil }).count == most { return cluster }
        }
        Issue.record("no episode with \(most) jobs")
        return cluster
    }

    private func burner(cores: Double, requested: Double) -> BatchJobKind {
        var kind = BatchJobKind(name: "burn", source: .cpu, intensity: ValueRange(cores), cores: ValueRange(0))
        kind.requestsNothing = requested == 0 ? 1 : 0
        kind.requestedShare = ValueRange(requested / cores)
        return kind
    }

    @Test func weightsDivideACongestedCore() throws {
        // Measured on a real node: 500m beside a burner of 90 % that requests 250m, on one core, gets 500/750 of it.
        // At 5 requests/s of 20 ms the replica is an M/M/1 queue that is 1.5 times slower.
        var cluster = try cluster(burner(cores: 0.9, requested: 0.25)) { $0.cpuRequest = ValueRange(0.5) }
        let service = try cluster.advance().services[0]
        let time = 0.02 * 1.5
        let p99 = -log(0.01) * time / (1 - 5 * time)
        #expect(abs(try #require(service.latencyP99) / p99 - 1) < 0.03)
    }

    /// The same beside a job that is started on the node by name, as interference specifications are.
    @Test func aJobThatIsStartedOnANodeTakesItsShare() throws {
        var cluster = try cluster(nil) { $0.cpuRequest = ValueRange(0.5) }
        var job = BatchJob(cores: 0.9, memory: 1e6)
        (job.requestedCores, job.duration) = (0.25, 1e6)
        cluster.start(job, named: "burn", on: 0)
        #expect(cluster.snapshot.nodes[0].podCount == 2)
        #expect(abs(cluster.snapshot.nodes[0].requested.cpu - 0.75) < 1e-12)
        _ = try cluster.advance()
        let time = 0.02 * 1.5
        let p99 = -log(0.01) * time / (1 - 5 * time)
        #expect(abs(try #require(cluster.advance().services[0].latencyP99) / p99 - 1) < 0.03)
    }

    /// A job ends with the interval in which its time is up.
    @Test func aStartedJobEnds() throws {
        var cluster = try cluster(nil) { _ in }
        var job = BatchJob(cores: 0.5, memory: 1e6)
        job.duration = 1.5 * cluster.settings.interval
        cluster.start(job, named: "burn", on: 0)
        for left in [2, 1, 1] {
            _ = try cluster.advance()
            #expect(cluster.snapshot.nodes[0].podCount == left)
        }
    }

    @Test func aJobThatRequestsNothingHasTheLeastWeight() throws {
        // Two shares against 512: the replica keeps practically all of the core.
        var cluster = try cluster(burner(cores: 0.95, requested: 0)) { $0.cpuRequest = ValueRange(0.5) }
        let service = try cluster.advance().services[0]
        let time = 0.02 * (512.0 + 2) / 512
        let p99 = -log(0.01) * time / (1 - 5 * time)
        #expect(abs(try #require(service.latencyP99) / p99 - 1) < 0.03)
        // The job takes what is left; a counter tells nothing before it was read twice.
        _ = try cluster.advance()
        let job = try #require(cluster.snapshot.pods.first { $0.service == nil })
        #expect(abs(try #require(job.cpuUsage?.value) - 0.9) < 0.01)
        #expect(abs(try #require(cluster.snapshot.nodes[0].cpuUsage?.value) - 1) < 1e-6)
    }

    @Test func limitsBoundAReplica() throws {
        // A limit of half a core makes a request take twice as long, on an idle node of four cores too.
        var cluster = try cluster(cores: 4, nil) {
            $0.cpuRequest = ValueRange(0.25)
            $0.limitFactor = ValueRange(2)
        }
        let service = try cluster.advance().services[0]
        let p99 = -log(0.01) * 0.04 / (1 - 5 * 0.04)
        #expect(abs(try #require(service.latencyP99) / p99 - 1) < 0.03)
        #expect(cluster.snapshot.services[0].cpuLimit == 0.5)
    }

    @Test func overloadUsesTheWholeShareAndNoMore() throws {
        var cluster = try cluster(burner(cores: 0.9, requested: 0.25)) {
            $0.cpuRequest = ValueRange(0.5)
            $0.rate = ValueRange(100)
        }
        for _ in 0..<2 { _ = try cluster.advance() }
        let replica = try #require(cluster.snapshot.pods.first { $0.service == 0 })
        let job = try #require(cluster.snapshot.pods.first { $0.service == nil })
        #expect(abs(try #require(replica.cpuUsage?.value) - 2.0 / 3) < 1e-6)
        #expect(abs(try #require(job.cpuUsage?.value) - 1.0 / 3) < 1e-6)
    }

    @Test(arguments: [InterferenceSource.cpu, .lastLevelCache, .memoryBandwidth])
    func eachResourceSlowsWhoeverIsSensitiveToIt(_ source: InterferenceSource) throws {
        // Plenty of cores, so that only the shared resource can slow the replica down.
        let intensity = source == .cpu ? 3.0 : 12.0
        let jobs = BatchJobKind(name: "job", source: source, intensity: ValueRange(intensity), cores: ValueRange(1))
        func p99(_ jobs: BatchJobKind?, sensitivity: Double) throws -> Double {
            var cluster = try cluster(cores: 8, jobs) {
                switch source {
                case .cpu: $0.cpuSensitivity = ValueRange(sensitivity)
                case .lastLevelCache: $0.cacheSensitivity = ValueRange(sensitivity)
                case .memoryBandwidth, .memoryCapacity: $0.bandwidthSensitivity = ValueRange(sensitivity)
                }
            }
            return try #require(cluster.advance().services[0].latencyP99)
        }
        let alone = try p99(nil, sensitivity: 1)
        let deaf = try p99(jobs, sensitivity: 0)
        let mild = try p99(jobs, sensitivity: 0.5)
        let strong = try p99(jobs, sensitivity: 1)
        #expect(abs(deaf / alone - 1) < 0.01)
        #expect(mild > 1.03 * alone && strong > 1.03 * mild)
        // Full contention at sensitivity 1 doubles the service time; less than full does less.
        #expect(strong < -log(0.01) * 0.04 / (1 - 5 * 0.04))
    }

    @Test func moreNeighboursSlowMore() throws {
        let jobs = BatchJobKind(
            name: "stream", source: .memoryBandwidth, intensity: ValueRange(4), cores: ValueRange(0.5))
        var last = 0.0
        for count in 1...4 {
            var cluster = try cluster(cores: 8, jobs, most: count) { $0.bandwidthSensitivity = ValueRange(1) }
            let p99 = try #require(cluster.advance().services[0].latencyP99)
            #expect(p99 > last)
            last = p99
        }
    }

    @Test func slowNodesServeSlowly() throws {
        var settings = SimulatorSettings.quiet
        settings.services.kinds[0].serviceTime = .exponential
        settings.services.kinds[0].workers = ValueRange(1)
        settings.services.kinds[0].meanServiceTime = ValueRange(0.02)
        settings.services.kinds[0].rate = ValueRange(10)
        settings.nodes.kinds[0].speed = 0.5
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 1)
        let p99 = try #require(cluster.advance().services[0].latencyP99)
        #expect(abs(p99 / (-log(0.01) * 0.04 / (1 - 10 * 0.04)) - 1) < 0.03)
    }

    @Test func batchJobsCanBePlacedByTheirRequests() throws {
        var settings = SimulatorSettings()
        settings.interference.placement = .leastRequested
        settings.interference.load = ValueRange(0.5)
        for kind in settings.interference.kinds.indices {
            settings.interference.kinds[kind].requestsNothing = 0
            settings.interference.kinds[kind].requestedShare = ValueRange(1)
        }
        settings.services.load = ValueRange(0)
        settings.nodes.kinds = [settings.nodes.kinds[0]]
        var cluster = try SimulatedCluster(settings: settings)
        var unevenness = 0.0
        for seed in 0..<20 {
            cluster.reset(seed: UInt64(seed))
            let shares = cluster.snapshot.nodes.map { $0.requested.cpu / $0.allocatable.cpu }
            unevenness += ((shares.max() ?? 0) - (shares.min() ?? 0)) / 20
        }
        // Jobs of up to 3 of 4 cores on the emptiest node: apart by less than one of them on average.
        #expect(unevenness < 0.6)
    }

    @Test func batchJobsComeAndGo() throws {
        var settings = SimulatorSettings()
        settings.interference.load = ValueRange(0.3)
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 4)
        var seen = Set<Int>()
        var gone = 0
        var present = Set<Int>()
        for _ in 0..<100 {
            _ = try cluster.advance()
            let now = Set(cluster.snapshot.pods.filter { $0.service == nil }.map(\.id))
            gone += present.subtracting(now).count
            present = now
            seen.formUnion(now)
            for node in cluster.snapshot.nodes { #expect(node.requested.cpu <= node.allocatable.cpu + 1e-9) }
        }
        #expect(seen.count > 10 && gone > 5)
    }
}
