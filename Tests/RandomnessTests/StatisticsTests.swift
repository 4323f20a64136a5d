import Randomness
import Testing

@Suite struct StatisticsTests {
    @Test func medians() {
        #expect(Statistics.median([3]) == 3)
        #expect(Statistics.median([4, 1, 3]) == 3)
        #expect(Statistics.median([4, 1, 3, 2]) == 2.5)
    }

    /// scipy.stats.spearmanr 1.17.1.
    @Test func rankCorrelations() {
        #expect(abs(Statistics.rankCorrelation([1, 2, 2, 4, 5], [3, 1, 4, 4, 9]) - 0.763157894736842) < 1e-12)
        #expect(abs(Statistics.rankCorrelation([0.1, 0.5, 0.3, 0.9], [10, 30, 20, 5]) + 0.2) < 1e-12)
        #expect(Statistics.rankCorrelation([1, 2, 3], [7, 7, 7]).isNaN)
    }

    /// Rosenbrock's valley, whose minimum is 0 at (1, 1).

    @Test func areasUnderTheCurve() {
        #expect(Statistics.areaUnderCurve([1, 2, 3, 4], isCase: [false, false, true, true]) == 1)
        #expect(Statistics.areaUnderCurve([1, 2, 3, 4], isCase: [true, false, true, false]) == 0.25)
        // Of the six pairs four are in order and one is a tie.
        let isCase = [true, true, false, false, false]
        #expect(Statistics.areaUnderCurve([0.9, 0.4, 0.8, 0.4, 0.1], isCase: isCase) == 0.75)
        #expect(Statistics.areaUnderCurve([5, 5, 5], isCase: [true, false, true]) == 0.5)
        #expect(Statistics.areaUnderCurve([1, 2], isCase: [true, true]) == nil)
        #expect(Statistics.areaUnderCurve([], isCase: []) == nil)
        #expect(Statistics.areaUnderCurve([1, .nan], isCase: [true, false]) == nil)
    }
}
