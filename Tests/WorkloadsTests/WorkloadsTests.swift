import Foundation
import Randomness
import Settings
import Testing
import Workloads

/// Load curves against integrals and moments worked out by hand.
@Suite struct LoadCurveTests {
    private func curve(_ pattern: LoadPattern, seed: UInt64 = 1, trace: LoadTrace? = nil) -> LoadCurve {
        var generator = RandomGenerator(seed: seed)
        return LoadCurve(pattern, horizon: 3600, trace: trace, using: &generator)
    }

    @Test func constantStays() {
        var settings = ConstantLoad()
        settings.level = ValueRange(0.7)
        var curve = curve(.constant(settings))
        for window in 0..<5 { #expect(curve.meanLevel(from: Double(window) * 20, for: 20) == 0.7) }
    }

    @Test func rampIsItsIntegral() {
        var settings = RampLoad()
        settings.from = ValueRange(0.5)
        settings.to = ValueRange(1.5)
        settings.start = ValueRange(30)
        settings.duration = ValueRange(40)
        settings.falling = 0
        var curve = curve(.ramp(settings))
        // The line goes from 0.5 at 30 s to 1.5 at 70 s: means by trapezoids.
        let expected = [0.5, (0.5 * 10 + 0.625 * 10) / 20, (0.75 + 1.25) / 2, (1.375 * 10 + 1.5 * 10) / 20, 1.5]
        for (window, level) in expected.enumerated() {
            #expect(abs(curve.meanLevel(from: Double(window) * 20, for: 20) - level) < 1e-12)
        }
        settings.falling = 1
        var falling = self.curve(.ramp(settings))
        #expect(falling.meanLevel(from: 0, for: 20) == 1.5)
        #expect(falling.meanLevel(from: 100, for: 20) == 0.5)
        settings.duration = ValueRange(0)
        settings.falling = 0
        var step = self.curve(.ramp(settings))
        #expect(abs(step.meanLevel(from: 20, for: 20) - 1) < 1e-12)
    }

    @Test func spikesComeBackAndHaveTheirHeight() {
        var settings = SpikeLoad()
        settings.level = ValueRange(0.6)
        settings.height = ValueRange(3)
        settings.gap = ValueRange(100)
        settings.rise = ValueRange(20)
        settings.hold = ValueRange(60)
        var curve = curve(.spike(settings))
        let levels = (0..<20).map { curve.meanLevel(from: Double($0) * 20, for: 20) }
        // A cycle of 200 s: 0.6 to 100 s, up to 1.8 at 120 s, to 180 s, down at 200 s.
        let cycle = [0.6, 0.6, 0.6, 0.6, 0.6, 1.2, 1.8, 1.8, 1.8, 1.2]
        for (window, level) in levels.enumerated() { #expect(abs(level - cycle[window % 10]) < 1e-12) }
    }

    @Test func wavesAverageToTheirMean() {
        var settings = PeriodicLoad()
        settings.level = ValueRange(0.9)
        settings.amplitude = ValueRange(0.5)
        settings.period = ValueRange(600)
        var curve = curve(.periodic(settings), seed: 4)
        let levels = (0..<30).map { curve.meanLevel(from: Double($0) * 20, for: 20) }
        #expect(abs(levels.reduce(0, +) / 30 - 0.9) < 1e-9)
        // 20 s of 600 s flatten the crest by sin(π/30) / (π/30).
        let crest = 0.9 * 0.5 * sin(Double.pi / 30) / (Double.pi / 30)
        let highest = levels.max() ?? 0
        #expect(highest <= 0.9 + crest + 1e-9 && highest > 0.9 + 0.99 * crest)
    }

    @Test func walkHasItsMomentsAndMemory() {
        var settings = RandomLoad()
        settings.level = ValueRange(2)
        settings.deviation = ValueRange(0.3)
        settings.memory = ValueRange(200)
        var logs: [Double] = []
        var curve = curve(.random(settings), seed: 9)
        for window in 0..<200_000 { logs.append(log(curve.meanLevel(from: Double(window) * 20, for: 20))) }
        let mean = logs.reduce(0, +) / Double(logs.count)
        let variance = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(logs.count)
        var lagged = 0.0
        for index in 10..<logs.count { lagged += (logs[index] - mean) * (logs[index - 10] - mean) }
        let correlation = lagged / Double(logs.count - 10) / variance
        #expect(abs(mean - log(2)) < 0.02)
        #expect(abs(variance.squareRoot() - 0.3) < 0.01)
        // Ten windows are 200 s.
        #expect(abs(correlation - exp(-1)) < 0.03)
    }

    @Test func traceIsScaledResampledAndCut() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("berth-trace-\(UUID()).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        try "minute,count\n0,10\n1,30\n2,20\n3,140\n".write(to: file, atomically: true, encoding: .utf8)
        let trace = try LoadTrace(path: file.path)
        #expect(trace.levels == [0.2, 0.6, 0.4, 2.8])
        var settings = TraceLoad()
        settings.path = file.path
        settings.level = ValueRange(1)
        settings.part = ValueRange(0)
        settings.highest = 2
        settings.secondsPerLine = ValueRange(30)
        var curve = curve(.trace(settings), trace: trace)
        let levels = (0..<6).map { curve.meanLevel(from: Double($0) * 20, for: 20) }
        // Lines of 30 s in windows of 20 s; the last line is cut to 2.
        let expected = [0.2, (0.2 + 0.6) / 2, 0.6, 0.4, (0.4 + 2) / 2, 2]
        for (level, wanted) in zip(levels, expected) { #expect(abs(level - wanted) < 1e-6) }
    }

    @Test func brokenTracesAreErrorsThatNameTheLine() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("berth-trace-\(UUID()).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        try "minute,count\n0,10\n1,many\n".write(to: file, atomically: true, encoding: .utf8)
        let error = #expect(throws: SettingsError.self) { try LoadTrace(path: file.path) }
        #expect(error?.problem.contains(":3:") == true)
        #expect(throws: SettingsError.self) { try LoadTrace(path: "/no/such/file.csv") }
        #expect(throws: SettingsError.self) { try LoadTrace(counts: [0, 0]) }
    }

    @Test func curvesAreDeterminedBySeedAndStoreTheirState() throws {
        var original = curve(.random(RandomLoad()), seed: 5)
        var same = curve(.random(RandomLoad()), seed: 5)
        var other = curve(.random(RandomLoad()), seed: 6)
        let first = (0..<10).map { original.meanLevel(from: Double($0) * 20, for: 20) }
        #expect(first == (0..<10).map { same.meanLevel(from: Double($0) * 20, for: 20) })
        #expect(first != (0..<10).map { other.meanLevel(from: Double($0) * 20, for: 20) })
        var copy = try JSONDecoder().decode(LoadCurve.self, from: JSONEncoder().encode(original))
        for window in 10..<20 {
            let time = Double(window) * 20
            #expect(copy.meanLevel(from: time, for: 20) == original.meanLevel(from: time, for: 20))
        }
    }
}

@Suite struct InterferenceTests {
    @Test func jobsBurnTheLoadThatIsAskedFor() {
        // Little's law: arrivals per second · mean duration · mean cores = cores in use.
        var settings = InterferenceSettings()
        settings.load = ValueRange(0.25)
        settings.together = ValueRange(1, 3)
        var generator = RandomGenerator(seed: 3)
        var process = InterferenceProcess(settings, cores: 40, nodes: 6, using: &generator)
        let horizon = 2e6
        let count = process.arrivals(before: horizon)
        var burnt = 0.0
        for _ in 0..<count {
            let job = process.drawJob().job
            burnt += job.cores * job.duration
        }
        #expect(abs(burnt / horizon / 40 - 0.25) < 0.01)
        #expect(process.arrivals(before: horizon) == 0)
    }

    @Test func jobsTakeWhatTheirSourceSays() {
        var generator = RandomGenerator(seed: 8)
        var kind = BatchJobKind(
            name: "stream", source: .memoryBandwidth, intensity: ValueRange(5, 9), cores: ValueRange(1, 2))
        kind.requestsNothing = 0.25
        kind.requestedShare = ValueRange(0.5)
        var silent = 0
        for _ in 0..<2000 {
            let job = kind.draw(using: &generator)
            #expect((5e9...9e9).contains(job.memoryBandwidth))
            #expect((1.0...2.0).contains(job.cores))
            if job.requestedCores == 0 {
                silent += 1
                #expect(job.requestedMemory == 0)
            } else {
                #expect(abs(job.requestedCores / job.cores - 0.5) < 1e-12)
            }
        }
        #expect(abs(Double(silent) / 2000 - 0.25) < 0.04)
    }

    @Test func nodesAreTriedInAnOrderThatDoesNotChangeWhatFollows() {
        var settings = InterferenceSettings()
        settings.nodeSkew = ValueRange(1.5)
        var generator = RandomGenerator(seed: 2)
        var process = InterferenceProcess(settings, cores: 40, nodes: 5, using: &generator)
        var twin = process
        var chooser = process.chooser()
        _ = twin.chooser()
        var counts = [Int](repeating: 0, count: 5)
        for _ in 0..<5000 { counts[chooser.next()] += 1 }
        #expect(process == twin)
        // The skew makes some node much likelier than an even fifth.
        #expect((counts.max() ?? 0) > 1500)
    }

    @Test func noLoadMeansNoJobs() {
        var generator = RandomGenerator(seed: 2)
        var process = InterferenceProcess(.none, cores: 40, nodes: 5, using: &generator)
        #expect(process.arrivals(before: 1e9) == 0)
    }
}

@Suite struct ValueRangeTests {
    private struct Holder: Configurable, Equatable {
        var range = ValueRange(1, 2)
        func validate() throws(SettingsError) { try require("range", range, in: 0...10) }
    }

    @Test func readsListsAndNumbers() throws {
        #expect(try Holder.decode(yaml: "range: [3, 4.5]").range == ValueRange(3, 4.5))
        #expect(try Holder.decode(yaml: "range: 7").range == ValueRange(7))
        #expect(try Holder.decode(yaml: "").range == ValueRange(1, 2))
        let round = try Holder.decode(yaml: try Holder.decode(yaml: "range: [3, 4.5]").yaml())
        #expect(round.range == ValueRange(3, 4.5))
    }

    @Test(arguments: ["[4, 3]", "[1]", "[1, 2, 3]", "wide", "[0, 11]", "[-1, 2]"])
    func refusesWhatIsNotARange(_ text: String) {
        let error = #expect(throws: SettingsError.self) { try Holder.decode(yaml: "range: \(text)") }
        #expect(error?.key.hasPrefix("range") == true)
    }

    @Test func drawsStayInsideAndReachBothEnds() {
        var generator = RandomGenerator(seed: 1)
        var seen = Set<Int>()
        for _ in 0..<1000 {
            #expect((1.5...4.5).contains(ValueRange(1.5, 4.5).draw(using: &generator)))
            seen.insert(ValueRange(1.5, 4.5).drawInteger(using: &generator))
        }
        #expect(seen == [2, 3, 4])
    }

    @Test func patternsAreReadByKind() throws {
        struct Patterns: Configurable, Equatable { var patterns: [LoadPattern] = [] }
        let text = "patterns:\n- {kind: spike, height: [2, 4]}\n- {kind: constant, level: 0.5}\n"
        let patterns = try Patterns.decode(yaml: text).patterns
        var spike = SpikeLoad()
        spike.height = ValueRange(2, 4)
        var constant = ConstantLoad()
        constant.level = ValueRange(0.5)
        #expect(patterns == [.spike(spike), .constant(constant)])
        #expect(throws: SettingsError.self) { try Patterns.decode(yaml: "patterns: [{kind: spike, hight: 3}]") }
    }
}
