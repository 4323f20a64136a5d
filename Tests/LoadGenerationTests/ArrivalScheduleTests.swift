import Foundation
import LoadGeneration
import Randomness
import Settings
import Testing
import Workloads

/// The moments at which requests are due against closed forms.
@Suite struct ArrivalScheduleTests {
    private func moments(_ settings: LoadSettings) throws -> [Double] {
        var schedule = try ArrivalSchedule(settings)
        var moments: [Double] = []
        while let due = schedule.next() { moments.append(due) }
        return moments
    }

    /// Kolmogorov's distance of `values` from the exponential distribution of mean 1, times the root of their number.
    private func distanceFromExponential(_ values: [Double]) -> Double {
        let count = Double(values.count)
        var distance = 0.0
        for (index, value) in values.sorted().enumerated() {
            let expected = 1 - exp(-value)
            distance = max(distance, expected - Double(index) / count, Double(index + 1) / count - expected)
        }
        return distance * count.squareRoot()
    }

    /// 40 s at level 0.5, up to 1.5 within 40 s, then 1.5.
    private var ramp: RampLoad {
        var ramp = RampLoad()
        (ramp.from, ramp.to, ramp.start, ramp.duration) = (
            ValueRange(0.5), ValueRange(1.5), ValueRange(40), ValueRange(40)
        )
        ramp.falling = 0
        return ramp
    }

    /// Integral of the ramp's level from 0 to `time`.
    private func rampIntegral(_ time: Double) -> Double {
        let inside = min(max(time - 40, 0), 40)
        return 0.5 * min(time, 40) + inside * (0.5 + inside / 80) + 1.5 * max(time - 80, 0)
    }

    @Test func evenArrivalsAreEvenlySpaced() throws {
        var settings = LoadSettings()
        (settings.arrivals, settings.rate, settings.duration) = (.even, 40, 25)
        let moments = try moments(settings)
        #expect(moments.count == 1000)
        for (index, due) in moments.enumerated() { #expect(abs(due - (Double(index) + 0.5) / 40) < 1e-9) }
    }

    @Test func gapsOfAConstantRateAreExponential() throws {
        var settings = LoadSettings()
        (settings.rate, settings.duration, settings.seed) = (200, 100, 3)
        let moments = try moments(settings)
        let gaps = zip(moments, [0] + moments).map { 200 * ($0 - $1) }
        // 1.63 is Kolmogorov's quantile for 1 %.
        #expect(distanceFromExponential(gaps) < 1.63)
        #expect(abs(Double(moments.count) - 20_000) < 4 * 20_000.0.squareRoot())
        // Successive gaps do not depend on each other: their correlation is 0 ± 1 / √n.
        let centred = gaps.map { $0 - 1 }
        let correlation = zip(centred, centred.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(gaps.count)
        #expect(abs(correlation) < 4 / Double(gaps.count).squareRoot())
    }

    /// The time change theorem: Λ at the arrivals of an inhomogeneous Poisson process is a Poisson process of rate 1.
    @Test func arrivalsOnARampArePoissonInTheIntegratedRate() throws {
        var settings = LoadSettings()
        (settings.rate, settings.duration, settings.seed) = (150, 120, 11)
        settings.pattern = .ramp(ramp)
        let moments = try moments(settings)
        let expected = moments.map { 150 * rampIntegral($0) }
        #expect(distanceFromExponential(zip(expected, [0] + expected).map { $0 - $1 }) < 1.63)
        // The same gaps taken at the mean rate are far from exponential, so the test can tell.
        let mean = Double(moments.count) / 120
        #expect(distanceFromExponential(zip(moments, [0] + moments).map { mean * ($0 - $1) }) > 1.63)
        for begin in stride(from: 0.0, to: 120, by: 10) {
            let count = Double(moments.filter { $0 >= begin && $0 < begin + 10 }.count)
            let mean = 150 * (rampIntegral(begin + 10) - rampIntegral(begin))
            #expect(abs(count - mean) < 4 * mean.squareRoot())
        }
    }

    @Test func evenArrivalsFollowEveryCurve() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("berth-load-\(UUID()).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        try "minute,count\n0,10\n1,30\n2,20\n3,20\n".write(to: file, atomically: true, encoding: .utf8)
        var trace = TraceLoad()
        (trace.path, trace.secondsPerLine) = (file.path, ValueRange(30))
        let patterns: [LoadPattern] = [
            .constant(ConstantLoad()), .ramp(ramp), .spike(SpikeLoad()), .periodic(PeriodicLoad()), .trace(trace),
        ]
        for pattern in patterns {
            var settings = LoadSettings()
            (settings.arrivals, settings.rate, settings.duration, settings.seed) = (.even, 200, 1200, 5)
            settings.pattern = pattern
            // The curve as ArrivalSchedule draws it: from stream 1 of the seed.
            var generator = RandomGenerator(seed: 5, stream: 1)
            let file = try trace.path.isEmpty ? nil : LoadTrace(path: trace.path)
            var curve = LoadCurve(pattern, horizon: 1200, trace: file, using: &generator)
            var counts = [Double](repeating: 0, count: 60)
            for due in try moments(settings) { counts[Int(due / 20)] += 1 }
            for (window, count) in counts.enumerated() {
                let mean = 4000 * curve.meanLevel(from: Double(window) * 20, for: 20)
                #expect(abs(count - mean) <= 1.5, "\(pattern.selected.kind), window \(window)")
            }
        }
    }

    @Test func paceScalesTheTimeOfThePatternOnly() throws {
        var settings = LoadSettings()
        (settings.arrivals, settings.rate, settings.duration) = (.even, 100, 12)
        settings.pattern = .ramp(ramp)
        settings.pace = 10
        let moments = try moments(settings)
        // 120 s of the pattern in 12 s: a tenth of the integral.
        #expect(abs(Double(moments.count) - 100 * rampIntegral(120) / 10) <= 1)
        let early = moments.filter { $0 < 4 }.count
        #expect(abs(Double(early) - 100 * 0.5 * 4) <= 1)
    }

    @Test func seedsDetermineTheMoments() throws {
        var settings = LoadSettings()
        settings.pattern = .random(RandomLoad())
        settings.seed = 4
        let first = try moments(settings)
        #expect(try moments(settings) == first)
        #expect(zip(first, first.dropFirst()).allSatisfy { $0 <= $1 })
        settings.seed = 5
        #expect(try moments(settings) != first)
    }

    @Test func missingTracesAreErrors() {
        var settings = LoadSettings()
        var trace = TraceLoad()
        trace.path = "/no/such/trace.csv"
        settings.pattern = .trace(trace)
        #expect(throws: SettingsError.self) { try ArrivalSchedule(settings) }
    }

    @Test(arguments: [
        "rate: 0", "rate: 2.0e+6", "targets: [ftp://a/]", "targets: [example.org]", "timeout: 61", "duration: 0",
        "objective: -1", "maximumOutstanding: 0", "pace: 0", "arrivals: poison", "urls: [http://a/]",
        "headers: {A: \"b\\r\\nC: d\"}",
    ])
    func settingsThatMakeNoSenseAreRefused(_ text: String) throws {
        let error = #expect(throws: SettingsError.self) { try LoadSettings.decode(yaml: text) }
        let key = try #require(text.split(separator: ":").first.map(String.init))
        #expect(error?.key.hasPrefix(key) == true)
    }
}

/// The files under configs/load.
@Suite struct ShippedLoadTests {
    @Test(arguments: ["ramp", "spike", "periodic", "random"])
    func shippedLoadsAreReadAndHoldTheirPattern(_ name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../configs/load/\(name).yaml").path
        let settings = try LoadSettings.load(from: file)
        #expect(settings.pattern.selected.kind == name)
        var schedule = try ArrivalSchedule(settings)
        var count = 0.0
        while schedule.next() != nil { count += 1 }
        // Mean rates of 50 to 110 requests/s over two minutes; the walk is the widest.
        #expect((0.4...1.6).contains(count / (settings.rate * settings.duration)))
    }
}
