import AnomalyDetection
import Testing

@Suite struct PathLengthTests {
    @Test func theMeanOfTheUsualSampleIsThePapers() {
        #expect(abs(PathLength.expected(256) - 10.24477) < 1e-5)
        #expect(PathLength.expected(0) == 0 && PathLength.expected(1) == 0 && PathLength.expected(2) == 1)
    }

    /// The paper's ln i + γ is below the harmonic number H(i) by 1 / (2 i) - 1 / (12 i²) + ...
    @Test func followsTheHarmonicNumbers() {
        var harmonic = 1.0
        for n in 3...5_000 {
            let i = Double(n - 1)
            harmonic += 1 / i
            let exact = 2 * harmonic - 2 * i / Double(n)
            let gap = exact - PathLength.expected(n)
            let series = 1 / i - 1 / (6 * i * i)
            let rest = 1 / (60 * i * i * i * i) + 1e-12
            #expect(gap > 0 && abs(gap - series) < rest, "c(\(n))")
            #expect(PathLength.expected(n) > PathLength.expected(n - 1))
        }
    }

    @Test(arguments: [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (255, 8), (256, 8), (257, 9), (4_096, 12)])
    func treesEndAtTheLogarithm(_ rows: Int, _ height: Int) {
        #expect(PathLength.heightLimit(rows) == height)
    }
}
