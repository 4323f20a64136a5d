import Windows
import Cluster
import Foundation
import Settings
import Simulator
import Testing
import Workloads

/// How measurements differ from the truth, and that what is missing is absent.
@Suite struct TelemetryTests {
    private func cluster(_ change: (inout TelemetrySettings) -> Void) throws -> SimulatedCluster {
        var settings = SimulatorSettings()
        settings.warmup = 0
        settings.telemetry = .exact
        change(&settings.telemetry)
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 2)
        return cluster
    }

    @Test func exactTelemetryIsTheTruth() throws {
        var cluster = try cluster { _ in }
        #expect(cluster.snapshot.services[0].arrivalRate == nil)
        #expect(cluster.snapshot.nodes[0].cpuUsage == nil)
        // A counter tells nothing before it was read twice.
        _ = try cluster.advance()
        #expect(cluster.snapshot.services[0].arrivalRate != nil)
        #expect(cluster.snapshot.nodes.allSatisfy { $0.cpuUsage == nil && $0.memoryUsage != nil })
        var complete = 0
        for _ in 0..<20 {
            let before = cluster.snapshot.pods
            let report = try cluster.advance()
            for (service, truth) in zip(cluster.snapshot.services, report.services) {
                #expect(service.arrivalRate?.value == truth.arrived / 20)
                #expect(service.throughput?.value == truth.completed / 20)
                #expect(service.latencyP50?.value == truth.latencyP50)
                #expect(service.latencyP99?.value == truth.latencyP99)
                #expect(service.latencyP99?.time == cluster.snapshot.time)
            }
            for (index, node) in cluster.snapshot.nodes.enumerated() {
                let pods = cluster.snapshot.pods.filter { $0.node == index }
                let used = pods.reduce(0) { $0 + ($1.cpuUsage?.value ?? 0) }
                // The system's own 0.1 cores; pods are kept in single precision.
                let all = try #require(node.cpuUsage?.value) - 0.1
                let left = before.contains { pod in
                    pod.node == index && !cluster.snapshot.pods.contains { $0.id == pod.id }
                }
                // A batch job that has just started was read once.
                let isPartial = left || pods.contains { $0.cpuUsage == nil }
                #expect(isPartial ? used < all : abs(used - all) < 1e-4)
                complete += isPartial ? 0 : 1
                #expect((0.0...1.0).contains(try #require(node.cacheMissRatio?.value)))
                #expect(try #require(node.memoryBandwidth?.value) <= (node.peakMemoryBandwidth ?? 0))
                #expect((0.3...2.2).contains(try #require(node.instructionsPerCycle?.value)))
                #expect(try #require(node.memoryUsage?.value) > 0.5e9)
            }
        }
        #expect(complete > 60)
    }

    @Test func noiseHasItsDeviation() throws {
        var noisy = try cluster { $0.node.noise = ValueRange(0.05) }
        var exact = try cluster { _ in }
        var ratios: [Double] = []
        _ = try noisy.advance()
        _ = try exact.advance()
        for _ in 0..<1000 {
            _ = try noisy.advance()
            _ = try exact.advance()
            for (measured, truth) in zip(noisy.snapshot.nodes, exact.snapshot.nodes) {
                ratios.append(try #require(measured.cpuUsage?.value) / #require(truth.cpuUsage?.value))
                #expect(measured.memoryUsage == truth.memoryUsage)
            }
        }
        let mean = ratios.reduce(0, +) / Double(ratios.count)
        let variance = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(ratios.count)
        #expect(abs(mean - 1) < 0.005)
        #expect(abs(variance.squareRoot() - 0.05) < 0.003)
    }

    @Test func laggingValuesAreOldOnesAndSayHowOld() throws {
        var late = try cluster { $0.service.lag = ValueRange(2) }
        var exact = try cluster { _ in }
        var rates: [Double] = []
        for interval in 0..<12 {
            _ = try late.advance()
            _ = try exact.advance()
            rates.append(try #require(exact.snapshot.services[0].arrivalRate?.value))
            let measured = late.snapshot.services[0].arrivalRate
            if interval < 2 {
                #expect(measured == nil)
            } else {
                #expect(measured?.value == rates[interval - 2])
                #expect(measured?.age(at: late.snapshot.time) == 40)
            }
        }
    }

    @Test func gapsLetValuesAgeUntilTheyAreDropped() throws {
        var cluster = try cluster {
            $0.pcm.gaps = ValueRange(0.7)
            $0.maximumAge = 60
        }
        var ages: [Double: Int] = [:]
        var missing = 0
        _ = try cluster.advance()
        for _ in 0..<500 {
            _ = try cluster.advance()
            for node in cluster.snapshot.nodes {
                if let measured = node.memoryBandwidth {
                    ages[measured.age(at: cluster.snapshot.time), default: 0] += 1
                } else {
                    missing += 1
                }
                #expect((node.cacheMissRatio == nil) == (node.memoryBandwidth == nil))
                #expect(node.cpuUsage?.time == cluster.snapshot.time)
            }
        }
        // Ages 0, 20, 40 and 60 s have probabilities 0.3 · 0.7^k; beyond, 0.7^4 is missing.
        #expect(Set(ages.keys) == [0, 20, 40, 60])
        for step in 0..<4 {
            let share = Double(ages[Double(step) * 20] ?? 0) / 2000
            #expect(abs(share - 0.3 * pow(0.7, Double(step))) < 0.05)
        }
        #expect(abs(Double(missing) / 2000 - pow(0.7, 4)) < 0.05)
    }

    @Test func droppedSourcesAreAbsentForTheWholeEpisode() throws {
        var settings = SimulatorSettings()
        settings.telemetry.pcm.dropout = 0.3
        settings.telemetry.node.dropout = 0.3
        settings.telemetry.service.dropout = 0.3
        settings.telemetry.pod.dropout = 0.3
        settings.telemetry.pcm.gaps = ValueRange(0)
        settings.telemetry.node.gaps = ValueRange(0)
        settings.telemetry.service.gaps = ValueRange(0)
        settings.telemetry.pod.gaps = ValueRange(0)
        var cluster = try SimulatedCluster(settings: settings)
        var absent = [0, 0, 0, 0]
        for seed in 0..<400 {
            cluster.reset(seed: UInt64(seed))
            var seen = [false, false, false, false]
            for interval in 0..<3 {
                _ = try cluster.advance()
                let snapshot = cluster.snapshot
                let present = [
                    snapshot.nodes[0].memoryBandwidth != nil, snapshot.nodes[0].cpuUsage != nil,
                    snapshot.services[0].arrivalRate != nil,
                    snapshot.pods.contains { $0.phase == .ready && $0.cpuUsage != nil },
                ]
                if interval > 0 { #expect(present == seen) }
                seen = present
            }
            for source in 0..<4 where !seen[source] { absent[source] += 1 }
        }
        for source in 0..<4 { #expect(abs(Double(absent[source]) / 400 - 0.3) < 0.08) }
    }

    @Test func measuredQuantilesScatterAsSamplesDo() throws {
        var settings = SimulatorSettings.quiet
        settings.services.kinds[0].serviceTime = .exponential
        settings.services.kinds[0].workers = ValueRange(1)
        settings.services.kinds[0].meanServiceTime = ValueRange(0.02)
        settings.services.kinds[0].rate = ValueRange(25)
        settings.telemetry.service.noise = ValueRange(0.01)
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 1)
        var ratios: [Double] = []
        for _ in 0..<3000 {
            let truth = try #require(cluster.advance().services[0].latencyP99)
            ratios.append(try #require(cluster.snapshot.services[0].latencyP99?.value) / truth)
        }
        // p99 of n = 500 exponential latencies has a standard error of sqrt(0.99 / (0.01 n)) / ln(100) of itself.
        let expected = (0.99 / (0.01 * 500)).squareRoot() / log(100)
        let mean = ratios.reduce(0, +) / 3000
        let deviation = (ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3000).squareRoot()
        #expect(abs(deviation / expected - 1) < 0.15)
    }
}
