import Randomness
import Testing

@Suite struct RandomGeneratorTests {
    @Test func knownSequence() throws {
        // xoshiro256** from the state (1, 2, 3, 4): values of the authors' C code.
        var generator = try #require(RandomGenerator(state: [1, 2, 3, 4]))
        let drawn = (0..<4).map { _ in generator.next() }
        #expect(drawn == [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240])
    }

    @Test func stateRestoresTheSequence() throws {
        var generator = RandomGenerator(seed: 7)
        for _ in 0..<100 { _ = generator.normal() }
        var copy = try #require(RandomGenerator(state: generator.state))
        #expect((0..<100).allSatisfy { _ in generator.next() == copy.next() })
        #expect(RandomGenerator(state: [0, 0, 0, 0]) == nil)
    }

    @Test func streamsDiffer() {
        var first = RandomGenerator(seed: 7, stream: 0)
        var second = RandomGenerator(seed: 7, stream: 1)
        #expect(first.next() != second.next())
    }

    @Test func momentsOfDistributions() {
        var generator = RandomGenerator(seed: 1)
        let count = 400_000
        func moments(_ draw: (inout RandomGenerator) -> Double) -> (mean: Double, variance: Double) {
            var statistics = RunningStatistics(width: 1)
            for _ in 0..<count { statistics.add(draw(&generator)) }
            return (statistics.mean[0], statistics.variance(0))
        }
        // Five standard errors at 400,000 draws.
        let uniform = moments { $0.uniform() }
        #expect(abs(uniform.mean - 0.5) < 0.0025 && abs(uniform.variance - 1.0 / 12) < 0.001)
        let normal = moments { $0.normal() }
        #expect(abs(normal.mean) < 0.008 && abs(normal.variance - 1) < 0.012)
        let exponential = moments { $0.exponential(rate: 4) }
        #expect(abs(exponential.mean - 0.25) < 0.002 && abs(exponential.variance - 0.0625) < 0.0015)
        let logNormal = moments { $0.logNormal(mean: 2, squaredVariation: 0.25) }
        #expect(abs(logNormal.mean - 2) < 0.01 && abs(logNormal.variance - 1) < 0.04)
        for mean in [0.5, 7, 60] {
            let poisson = moments { Double($0.poisson(mean: mean)) }
            #expect(abs(poisson.mean - mean) < 5 * (mean / Double(count)).squareRoot())
            #expect(abs(poisson.variance / mean - 1) < 0.02)
        }
    }

    @Test func indexIsUniform() {
        var generator = RandomGenerator(seed: 3)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.index(below: 7)] += 1 }
        let chiSquared = counts.reduce(0.0) { $0 + (Double($1) - 10_000) * (Double($1) - 10_000) / 10_000 }
        #expect(chiSquared < 22.5)  // 99.9 % quantile at 6 degrees of freedom; the seed is fixed
    }
}

@Suite struct RunningStatisticsTests {
    @Test func batchesAgreeWithTwoPasses() {
        var generator = RandomGenerator(seed: 5)
        let rows: [Float] = (0..<300).map { _ in Float(generator.normal() * 3 + 100) }
        var statistics = RunningStatistics(width: 3)
        statistics.add(rows: rows.span.extracting(0..<90))
        statistics.add(rows: rows.span.extracting(90..<300))
        for column in 0..<3 {
            let values = stride(from: column, to: 300, by: 3).map { Double(rows[$0]) }
            let mean = values.reduce(0, +) / 100
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100
            #expect(abs(statistics.mean[column] - mean) < 1e-9)
            #expect(abs(statistics.variance(column) - variance) < 1e-9)
            #expect(statistics.extremes?.minimum[column] == values.min())
            #expect(statistics.extremes?.maximum[column] == values.max())
        }
        // Rows in parts are what they are at once, but for rounding in sums.
        var whole = RunningStatistics(width: 3)
        whole.add(rows: rows.span)
        #expect(whole.count == statistics.count && whole.extremes == statistics.extremes)
        for column in 0..<3 { #expect(abs(whole.variance(column) - statistics.variance(column)) < 1e-9) }
    }

    @Test func constantsHaveNoDeviationInWhateverParts() {
        let constants: [Float] = [0.1, 1.0 / 3, -4.7, 0, 1e-20, 16_777_213]
        var statistics = RunningStatistics(width: constants.count)
        for count in [1, 7, 1000, 3, 12_345] {
            let rows = [Float](repeatElement(constants, count: count).joined())
            statistics.add(rows: rows.span)
        }
        #expect(statistics.squaredDeviations.allSatisfy { $0 == 0 })
        #expect(statistics.mean == constants.map(Double.init))
        #expect(statistics.extremes?.minimum == statistics.mean && statistics.extremes?.maximum == statistics.mean)
    }

    @Test func extremesThatAreUnknownStayUnknown() {
        var statistics = RunningStatistics(count: 2, mean: [1], squaredDeviations: [2])
        #expect(statistics?.extremes == nil)
        statistics?.add(9)
        #expect(statistics?.count == 3 && statistics?.extremes == nil)
    }

    @Test func refusesBrokenState() {
        #expect(RunningStatistics(count: 1, mean: [0], squaredDeviations: [-1]) == nil)
        #expect(RunningStatistics(count: 1, mean: [0], squaredDeviations: [0, 0]) == nil)
        #expect(RunningStatistics(count: .nan, mean: [0], squaredDeviations: [0]) == nil)
        let wide = RunningStatistics.Extremes(minimum: [0, 0], maximum: [1, 0])
        #expect(wide != nil)
        #expect(RunningStatistics(count: 1, mean: [0], squaredDeviations: [0], extremes: wide) == nil)
        #expect(RunningStatistics.Extremes(minimum: [1], maximum: [0]) == nil)
        #expect(RunningStatistics.Extremes(minimum: [1], maximum: [2, 3]) == nil)
        #expect(RunningStatistics.Extremes(minimum: [-.infinity], maximum: [0]) == nil)
    }
}
