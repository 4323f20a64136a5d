import AnomalyDetection
import Foundation
import Randomness
import Testing

@Suite struct SlidingIsolationForestTests {
    private func detector(
        width: Int = 3, seed: UInt64 = 0, _ change: (inout SlidingForestSettings) -> Void = { _ in }
    ) throws -> SlidingIsolationForest {
        var settings = SlidingForestSettings()
        change(&settings)
        return try SlidingIsolationForest(width: width, settings: settings, generator: RandomGenerator(seed: seed))
    }

    /// Observes rows one by one.
    private func observe(
        _ rows: [Float], _ detector: inout SlidingIsolationForest
    ) throws -> [StreamScore?] {
        let width = detector.width
        var scores: [StreamScore?] = []
        for row in 0..<rows.count / width {
            scores.append(try detector.observe(rows[row * width..<(row + 1) * width].span))
        }
        return scores
    }

    @Test func thereIsNoScoreBeforeEnoughRowsWereSeen() throws {
        var generator = RandomGenerator(seed: 1)
        var detector = try detector()
        #expect(detector.threshold == nil)
        let scores = try observe(normalRows(300, width: 3, generator: &generator), &detector)
        #expect(scores.prefix(256).allSatisfy { $0 == nil } && scores.dropFirst(256).allSatisfy { $0 != nil })
        #expect(detector.rows == 300 && detector.threshold == 0.5)
    }

    @Test func keepsNoMoreThanTheWindow() throws {
        var generator = RandomGenerator(seed: 2)
        var detector = try detector { $0.window = 260 }
        _ = try observe(normalRows(700, width: 3, generator: &generator), &detector)
        #expect(detector.rows == 260)
    }

    @Test func equalSeedsGiveEqualScoresAndBytes() throws {
        var generator = RandomGenerator(seed: 3)
        let rows = normalRows(1_000, width: 3, generator: &generator)
        var (one, two, other) = (try detector(seed: 4), try detector(seed: 4), try detector(seed: 5))
        let scores = try observe(rows, &one)
        #expect(try observe(rows, &two) == scores)
        #expect(try observe(rows, &other) != scores)
        #expect(try json(one) == json(two))
    }

    /// Stored before and after the first forest, in the middle of a renewal, with missing values in the window.
    @Test(arguments: [0, 100, 256, 777])
    func aStoredDetectorGoesOnBitForBit(_ stop: Int) throws {
        var generator = RandomGenerator(seed: 5)
        var rows = normalRows(1_000, width: 3, generator: &generator)
        for row in stride(from: 0, to: 1_000, by: 7) { rows[row * 3 + 1] = .nan }
        var whole = try detector {
            $0.window = 500
            $0.contamination = 0.05
        }
        let first = try observe(Array(rows.prefix(stop * 3)), &whole)
        #expect(first.count == stop)
        var resumed = try JSONDecoder().decode(SlidingIsolationForest.self, from: json(whole))
        let rest = Array(rows.dropFirst(stop * 3))
        #expect(try observe(rest, &resumed) == observe(rest, &whole))
        #expect(try json(resumed) == json(whole))
    }

    /// Two clouds ten standard deviations apart in every feature: the second is unusual when it begins, and one window after
    /// that as usual as the first was.
    @Test(arguments: 0..<5)
    func aShiftIsFlaggedAndAWindowLaterNoLonger(_ seed: Int) throws {
        var generator = RandomGenerator(seed: UInt64(seed), stream: 6)
        var detector = try detector(seed: UInt64(seed)) {
            $0.window = 1_000
            $0.renewalInterval = 5
        }
        let before = try observe(normalRows(1_500, width: 3, generator: &generator), &detector).compactMap { $0 }
        let after = try observe(normalRows(1_400, width: 3, around: 10, generator: &generator), &detector)
            .compactMap { $0 }
        func mean(_ scores: some Collection<StreamScore>) -> Double {
            scores.reduce(0) { $0 + $1.value } / Double(scores.count)
        }
        func flagged(_ scores: some Collection<StreamScore>) -> Double {
            Double(scores.count { $0.isAnomalous }) / Double(scores.count)
        }
        let usual = before.suffix(400)
        #expect(flagged(after.prefix(20)) == 1)
        #expect(mean(after.prefix(20)) > mean(usual) + 0.15)
        #expect(abs(mean(after.suffix(400)) - mean(usual)) < 0.05)
        #expect(flagged(after.suffix(400)) < flagged(usual) + 0.1)
    }

    @Test func theContaminationIsKept() throws {
        var generator = RandomGenerator(seed: 7)
        var detector = try detector { $0.contamination = 0.02 }
        let scores = try observe(normalRows(6_000, width: 3, generator: &generator), &detector).compactMap { $0 }
        let share = Double(scores.suffix(4_000).count { $0.isAnomalous }) / 4_000
        #expect(share > 0.01 && share < 0.03, "\(share)")
        let far: [Float] = [15, -15, 15]
        #expect(try #require(try detector.observe(far.span)).isAnomalous)
    }

    @Test func whatCannotBeScoredIsNotKept() throws {
        var generator = RandomGenerator(seed: 8)
        var detector = try detector()
        _ = try observe(normalRows(300, width: 3, generator: &generator), &detector)
        let before = try json(detector)
        let (nothing, infinite): ([Float], [Float]) = ([.nan, .nan, .nan], [1, .infinity, 2])
        let (short, none): ([Float], [Float]) = ([1], [])
        #expect(try detector.observe(nothing.span) == nil)
        #expect(message { try detector.observe(infinite.span) }.contains("feature 1 is inf"))
        #expect(message { try detector.observe(short.span) }.contains("expected the detector's 3 features"))
        #expect(message { try detector.observe(none.span) }.contains("a row of 0 values"))
        #expect(try json(detector) == before)
    }

    @Test func equalRowsAreOfMeanUnusualness() throws {
        var detector = try detector()
        let scores = try observe(Array(repeating: 1, count: 3 * 400), &detector).compactMap { $0 }
        #expect(scores.count == 144 && scores.allSatisfy { abs($0.value - 0.5) < 1e-6 })
    }

    @Test func refusesSettingsOutOfRange() {
        #expect(message { try detector { $0.window = 255 } }.contains("window"))
        #expect(message { try detector { $0.renewalInterval = 0 } }.contains("renewalInterval"))
        #expect(message { try detector { $0.contamination = 0.5 } }.contains("contamination"))
        #expect(message { try detector(width: 0) }.contains("found a width of 0"))
    }

    @Test func refusesDamagedStores() throws {
        var generator = RandomGenerator(seed: 9)
        var detector = try detector {
            ($0.trees, $0.sampleSize, $0.window) = (2, 4, 5)
            $0.contamination = 0.1
        }
        _ = try observe(normalRows(9, width: 3, generator: &generator), &detector)
        let text = String(decoding: try json(detector), as: UTF8.self)
        for (part, replacement) in [
            (#""window":5"#, #""window":6"#), (#""nextTree":"#, #""nextTree":9"#),
            (#""hasForest":true"#, #""hasForest":false"#),
            (#""rowsUntilRenewal":"#, #""rowsUntilRenewal":1"#), (#""bits":["#, #""bits":[1,"#),
            (#""oldest":"#, #""oldest":9"#),
            (#""recent":["#, #""recent":[0.5,"#), (#""sampleSize":4"#, #""sampleSize":1"#), (#""s0":"#, #""s9":"#),
        ] {
            #expect(text.contains(part), "\(part)")
            let damaged = Data(text.replacing(part, with: replacement).utf8)
            #expect(throws: DecodingError.self, "\(replacement)") {
                try JSONDecoder().decode(SlidingIsolationForest.self, from: damaged)
            }
        }
        // A generator of zeros only would draw zeros forever.
        let stuck = Data(text.replacing(/"(s[0-3])":\d+/) { "\"\($0.1)\":0" }.utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(SlidingIsolationForest.self, from: stuck) }
    }
}
