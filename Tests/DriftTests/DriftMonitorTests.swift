import Drift
import Foundation
import Randomness
import Testing

@Suite struct DriftMonitorTests {
    /// A normal, a skewed one that is missing in a tenth of the rows, and a count that is mostly 0.
    private func rows(
        _ count: Int, shift: Double = 0, missing: Double = 0.1, generator: inout RandomGenerator
    ) -> [Float] {
        var rows: [Float] = []
        for _ in 0..<count {
            rows.append(Float(generator.normal() + shift))
            rows.append(generator.chance(missing) ? .nan : Float(generator.exponential(rate: 2)))
            rows.append(Float(generator.poisson(mean: 0.3)))
        }
        return rows
    }

    private let names = ["normal", "skewed", "count"]

    private func monitor(
        _ generator: inout RandomGenerator, training: Int = 5_000, _ change: (inout DriftSettings) -> Void = { _ in }
    ) throws -> DriftMonitor {
        var settings = DriftSettings()
        change(&settings)
        let training = rows(training, generator: &generator)
        return try DriftMonitor(
            reference: DriftReference(rows: training.span, names: names), settings: settings)
    }

    /// Observes rows; the changes with the number of rows after which they came.
    private func observe(_ rows: [Float], _ monitor: inout DriftMonitor) throws -> [(row: Int, change: DriftChange)] {
        let width = monitor.reference.width
        var changes: [(Int, DriftChange)] = []
        for row in 0..<rows.count / width {
            for change in try monitor.observe(rows[row * width..<(row + 1) * width].span) {
                changes.append((row + 1, change))
            }
        }
        return changes
    }

    @Test func saysNothingBeforeEnoughRows() throws {
        var generator = RandomGenerator(seed: 1)
        var monitor = try monitor(&generator)
        #expect(monitor.minimumRows == 500)
        _ = try observe(rows(499, shift: 9, generator: &generator), &monitor)
        #expect(monitor.report == nil)
        let changes = try observe(rows(1, generator: &generator), &monitor)
        #expect(monitor.report?.rows == 500 && monitor.report?.features.map(\.name) == names)
        #expect(changes.map(\.change.feature) == ["normal", nil])
        #expect(changes.allSatisfy { $0.change.from == .none && $0.change.to == .severe })
    }

    /// The bound in the comment of the type, for 11 bins.
    @Test func noiseAsksForMoreRowsTheLessTrainingDataThereIs() throws {
        var generator = RandomGenerator(seed: 2)
        func least(_ training: Int) throws -> Int {
            try monitor(&generator, training: training) { ($0.minimumRows, $0.window) = (2, 100_000) }.minimumRows
        }
        let (many, some, few) = (try least(50_000), try least(5_000), try least(1_000))
        #expect(many == 379 && some == 407 && few == 603, "\(many) \(some) \(few)")
        #expect(message { try monitor(&generator, training: 300) }.contains("takes more than 377 rows"))
        #expect(message { try monitor(&generator, training: 500) }.contains("a window of 1000 rows, beside 500 of"))
        #expect(message { try monitor(&generator) { $0.populationStability.moderate = 1e-300 } }.contains("noise"))
    }

    /// Without drift the index is (B - 1)(1/n + 1/m) in the mean.
    @Test func theExpectedNoiseIsTheMeansOfManyWindows() throws {
        var generator = RandomGenerator(seed: 3)
        var (found, expected) = ([0.0, 0, 0], [0.0, 0, 0])
        for _ in 0..<200 {
            var monitor = try monitor(&generator)
            _ = try observe(rows(1_000, generator: &generator), &monitor)
            let report = try #require(monitor.report)
            for (index, feature) in report.features.enumerated() {
                found[index] += feature.figures.populationStability / 200
                expected[index] += feature.figures.expectedWithoutDrift / 200
            }
        }
        // 9 degrees of freedom or more: the mean of 200 has a standard deviation of at most 3.4 %. Rare counts have
        // a little less than their expectation.
        for (found, expected) in zip(found, expected) { #expect(abs(found / expected - 1) < 0.2) }
        #expect(abs(found[0] / expected[0] - 1) < 0.12, "\(found[0]) and \(expected[0])")
    }

    @Test func noFalseAlarmInTwoHundredRuns() throws {
        for seed in 0..<200 {
            var generator = RandomGenerator(seed: UInt64(seed), stream: 4)
            var monitor = try monitor(&generator)
            let changes = try observe(rows(3_000, generator: &generator), &monitor)
            #expect(changes.isEmpty && monitor.report?.level == DriftLevel.none, "seed \(seed): \(changes)")
        }
    }

    /// A shift by a standard deviation shows within half a window, as severe within three quarters, and ends as it came.
    @Test func aShiftShowsSoonAndEnds() throws {
        for seed in 0..<20 {
            var generator = RandomGenerator(seed: UInt64(seed), stream: 5)
            var monitor = try monitor(&generator)
            #expect(try observe(rows(1_500, generator: &generator), &monitor).isEmpty)
            let changes = try observe(rows(1_500, shift: 1, generator: &generator), &monitor)
            #expect(changes.map(\.change.feature) == ["normal", nil, "normal", nil])
            #expect(changes.map(\.change.to) == [.moderate, .moderate, .severe, .severe])
            #expect(changes.first?.row ?? .max <= 500 && changes.last?.row ?? .max <= 750, "\(changes.map(\.row))")
            let back = try observe(rows(1_500, generator: &generator), &monitor)
            #expect(back.map(\.change.to) == [.moderate, .moderate, .none, .none])
        }
    }

    @Test func theFiguresGrowWithTheShift() throws {
        var generator = RandomGenerator(seed: 6)
        let fresh = try monitor(&generator)
        var before = [-1.0, -1, -1]
        for shift in [0, 0.3, 0.6, 1, 1.5, 2, 4] {
            var monitor = fresh
            _ = try observe(rows(1_000, shift: shift, generator: &generator), &monitor)
            let figures = try #require(monitor.report?.features[0].figures)
            let now = [figures.populationStability, figures.kullbackLeibler, figures.jensenShannon]
            for (new, old) in zip(now, before) { #expect(new > old && new.isFinite) }
            before = now
        }
    }

    @Test func missingValuesAreDrift() throws {
        var generator = RandomGenerator(seed: 7)
        var monitor = try monitor(&generator)
        let changes = try observe(rows(1_000, missing: 0.5, generator: &generator), &monitor)
        let last = try #require(changes.last?.change)
        #expect(last.feature == nil && last.to == .severe)
        let skewed = try #require(monitor.report?.features[1])
        #expect(skewed.level == .severe && abs(skewed.figures.missing - 0.5) < 0.1)
        #expect(abs(skewed.figures.missingInReference - 0.1) < 0.03)
        #expect(monitor.report?.features[0].level == DriftLevel.none)
        // A feature that training never lacked, and one that it never had.
        let constant: [Float] = (0..<4_000).flatMap { _ in [5, Float.nan] }
        var other = try DriftMonitor(reference: DriftReference(rows: constant.span, names: ["always", "never"]))
        _ = try observe((0..<1_000).flatMap { _ in [Float.nan, 5] }, &other)
        #expect(other.report?.features.map(\.level) == [.severe, .severe])
    }

    /// A constant has a bin of its own: both sides of it are drift, and itself is none.
    @Test(arguments: [5, 5.000001, 4.999999, -1e30, 1e30] as [Float])
    func aConstantThatChangesIsDrift(_ value: Float) throws {
        let constant: [Float] = Array(repeating: 5, count: 2_000)
        var monitor = try DriftMonitor(reference: DriftReference(rows: constant.span, names: ["constant"]))
        _ = try observe(Array(repeating: value, count: 1_000), &monitor)
        #expect(monitor.report?.level == (value == 5 ? DriftLevel.none : .severe))
        #expect(monitor.report?.features[0].figures.populationStability.isFinite == true)
    }

    /// Around the threshold a level changes once, not at every look.
    @Test func aFeatureOnTheThresholdDoesNotFlap() throws {
        let training: [Float] = (0..<20_000).map { Float($0 % 10) }
        /// Half of the rows are at 0 more or less often, so that the index swings by a few percent around 0.1.
        func changes(hysteresis: Double) throws -> Int {
            var settings = DriftSettings()
            (settings.hysteresis, settings.interval) = (hysteresis, 10)
            settings.kullbackLeibler = DriftThresholds(moderate: 1, severe: 2)
            var monitor = try DriftMonitor(
                reference: DriftReference(rows: training.span, names: ["x"]), settings: settings)
            var generator = RandomGenerator(seed: 8)
            let rows = (0..<30_000).map { _ in Float(generator.chance(0.151) ? 0 : generator.index(below: 10)) }
            return try observe(rows, &monitor).count { $0.change.feature != nil }
        }
        let (without, with) = (try changes(hysteresis: 0), try changes(hysteresis: 0.5))
        #expect(without >= 10 && with <= 2, "\(without) and \(with)")
    }

    @Test func refusesRowsAndSettings() throws {
        var generator = RandomGenerator(seed: 9)
        var monitor = try monitor(&generator)
        let (none, short, infinite): ([Float], [Float], [Float]) = ([], [1, 2], [1, .infinity, 3])
        #expect(message { try monitor.observe(short.span) }.contains("expected the reference's 3 features"))
        #expect(message { try monitor.observe(none.span) }.contains("a row of 0 values"))
        #expect(message { try monitor.observe(infinite.span) }.contains("feature skewed is inf"))
        #expect(monitor.rows == 0)
        #expect(message { try self.monitor(&generator) { $0.window = 400 } }.contains("minimumRows"))
        #expect(message { try self.monitor(&generator) { $0.hysteresis = 1 } }.contains("hysteresis"))
        #expect(message { try self.monitor(&generator) { $0.kullbackLeibler.severe = 0.01 } }.contains("severe"))
    }
}
