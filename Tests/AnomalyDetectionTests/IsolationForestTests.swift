import AnomalyDetection
import Foundation
import Randomness
import Testing

@Suite struct IsolationForestTests {
    private func forest(
        _ rows: [Float], width: Int, seed: UInt64 = 0, _ change: (inout IsolationForestSettings) -> Void = { _ in }
    ) throws -> IsolationForest {
        var settings = IsolationForestSettings()
        change(&settings)
        var generator = RandomGenerator(seed: seed)
        return try IsolationForest(rows: rows.span, width: width, settings: settings, generator: &generator)
    }

    @Test(arguments: [(2, 1), (3, 2), (10, 1), (100, 3), (256, 5), (1_000, 7)])
    func pathsAreNoLongerThanTheHeightLimitAndWhatIsLeftInALeaf(_ count: Int, _ width: Int) throws {
        var generator = RandomGenerator(seed: 1, stream: UInt64(count))
        let rows = normalRows(count, width: width, generator: &generator)
        let forest = try forest(rows, width: width)
        #expect(forest.sampleSize == min(count, 256))
        let height = PathLength.heightLimit(forest.sampleSize)
        let longest = Double(height) + PathLength.expected(forest.sampleSize - height)
        for length in try forest.meanPathLengths(of: rows.span) { #expect(length >= 1 && length <= longest) }
        for score in try forest.scores(of: rows.span) { #expect(score > 0 && score < 1) }
    }

    /// In a tree over all rows each is in a leaf of its own, unless the height limit ends the tree before.
    @Test func scoresFollowFromThePaths() throws {
        var generator = RandomGenerator(seed: 2)
        let rows = normalRows(500, width: 4, generator: &generator)
        let forest = try forest(rows, width: 4)
        let lengths = try forest.meanPathLengths(of: rows.span)
        for (length, score) in zip(lengths, try forest.scores(of: rows.span)) {
            #expect(abs(score - exp2(-length / PathLength.expected(256))) < 1e-12)
        }
    }

    @Test(arguments: 0..<10)
    func aFarRowIsAboveAllOthers(_ seed: Int) throws {
        var generator = RandomGenerator(seed: UInt64(seed), stream: 3)
        let rows = normalRows(600, width: 6, generator: &generator)
        let forest = try forest(rows, width: 6, seed: UInt64(seed))
        let highest = try forest.scores(of: rows.span).max() ?? 1
        let far: [Float] = Array(repeating: 20, count: 6)
        let score = try #require(try forest.score(of: far.span))
        #expect(score > highest && forest.isAnomalous(score))
    }

    @Test func equalSeedsGiveEqualBytesAndOthersDoNot() throws {
        var generator = RandomGenerator(seed: 4)
        let rows = normalRows(700, width: 3, generator: &generator)
        let first = try json(try forest(rows, width: 3, seed: 5))
        #expect(try json(try forest(rows, width: 3, seed: 5)) == first)
        #expect(try json(try forest(rows, width: 3, seed: 6)) != first)
    }

    @Test(arguments: [1, 7, 16, 17, 100])
    func oneRowScoresAsInABatch(_ trees: Int) throws {
        var generator = RandomGenerator(seed: 6)
        let rows = normalRows(1_057, width: 3, generator: &generator)
        let forest = try forest(rows, width: 3) { $0.trees = trees }
        let scores = try forest.scores(of: rows.span)
        for row in 0..<1_057 {
            let one = Array(rows[row * 3..<row * 3 + 3])
            #expect(try forest.score(of: one.span) == scores[row])
        }
    }

    @Test(arguments: [0, 0.01, 0.1, 0.49])
    func theThresholdLeavesTheContaminationAboveIt(_ contamination: Double) throws {
        var generator = RandomGenerator(seed: 7)
        let rows = normalRows(2_000, width: 5, generator: &generator)
        let forest = try forest(rows, width: 5) { $0.contamination = contamination }
        let flagged = try forest.scores(of: rows.span).count { forest.isAnomalous($0) }
        #expect(flagged <= Int(2_000 * contamination) && flagged >= Int(2_000 * contamination) - 3)
        #expect(try self.forest(rows, width: 5).threshold == 0.5)
    }

    @Test func equalRowsAreAllOfMeanUnusualness() throws {
        let rows: [Float] = Array(repeating: 3.5, count: 4 * 300)
        let forest = try forest(rows, width: 4) { $0.contamination = 0.1 }
        let scores = try forest.scores(of: rows.span)
        #expect(scores.allSatisfy { abs($0 - 0.5) < 1e-6 } && !scores.contains { forest.isAnomalous($0) })
    }

    /// Neighbouring numbers, and the ends of what a Float can hold.
    private static let pairs: [(Float, Float)] = [
        (1, Float(1).nextUp), (-.greatestFiniteMagnitude, .greatestFiniteMagnitude), (-0.0, .leastNonzeroMagnitude),
    ]

    @Test(arguments: pairs)
    func separatesAnyTwoNumbers(_ low: Float, _ high: Float) throws {
        let rows: [Float] = (0..<64).map { $0 == 5 ? high : low }
        let scores = try forest(rows, width: 1).scores(of: rows.span)
        for (row, score) in scores.enumerated() where row != 5 { #expect(score < scores[5]) }
    }

    @Test func storedAndReadItIsTheSame() throws {
        var generator = RandomGenerator(seed: 8)
        var rows = normalRows(400, width: 3, generator: &generator)
        rows[10] = .nan
        let forest = try forest(rows, width: 3) { $0.contamination = 0.05 }
        let read = try JSONDecoder().decode(IsolationForest.self, from: json(forest))
        #expect(read == forest)
        #expect(try read.scores(of: rows.span) == forest.scores(of: rows.span))
    }

    @Test func refusesDamagedStores() throws {
        let forest = try forest([1, 2, 3, 4, 5, 6, 7, 8], width: 2) { $0.trees = 2 }
        let text = String(decoding: try json(forest), as: UTF8.self)
        for (part, replacement) in [
            (#""width":2"#, #""width":0"#), (#""trees":2"#, #""trees":3"#), (#""sampleSize":4"#, #""sampleSize":5000"#),
            (#""children":[1"#, #""children":[0"#), (#""children":[1"#, #""children":[99"#),
            (#""counts":["#, #""counts":[8,"#),
            (#""features":["#, #""features":[9,"#),
        ] {
            #expect(text.contains(part))
            let damaged = Data(text.replacing(part, with: replacement).utf8)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(IsolationForest.self, from: damaged) }
        }
    }
}

@Suite struct HostileRowsTests {
    private func refusal(_ rows: [Float], width: Int, trees: Int = 10) -> String {
        message {
            var generator = RandomGenerator(seed: 0)
            var settings = IsolationForestSettings()
            settings.trees = trees
            return try IsolationForest(rows: rows.span, width: width, settings: settings, generator: &generator)
        }
    }

    @Test func refusesWhatCannotBeFitted() {
        #expect(refusal([], width: 3).contains("at least 2 rows"))
        #expect(refusal([1, 2, 3], width: 3).contains("found 1 of 1 rows"))
        #expect(refusal([1, 2, 3, 4], width: 3).contains("4 values are not whole rows of 3 features"))
        #expect(refusal([1, 2], width: 0).contains("at least 1 feature"))
        #expect(refusal([1, 2], width: -1).contains("at least 1 feature"))
        #expect(refusal([1, 2, 3, .infinity], width: 2).contains("row 1, feature 1 is inf"))
        #expect(refusal([-.infinity, 2, 3, 4], width: 2).contains("row 0, feature 0 is -inf"))
        #expect(refusal([.nan, .nan, 1, 2], width: 2).contains("found 1 of 2 rows"))
        #expect(refusal([1, 2], width: 1, trees: 0).contains("trees"))
        #expect(refusal([1, 2], width: 1) == "")
    }

    @Test func refusesWhatCannotBeScored() throws {
        var generator = RandomGenerator(seed: 0)
        let rows: [Float] = [1, 2, 3, 4, 5, 6]
        let forest = try IsolationForest(rows: rows.span, width: 2, generator: &generator)
        let (none, three): ([Float], [Float]) = ([], [1, 2, 3])
        let infinite: [Float] = [1, -.infinity]
        #expect(message { try forest.score(of: three.span) }.contains("expected the forest's 2 features"))
        #expect(message { try forest.scores(of: three.span) }.contains("not whole rows"))
        #expect(message { try forest.score(of: infinite.span) }.contains("feature 1 is -inf"))
        #expect(try forest.scores(of: none.span).isEmpty)
    }

    @Test func aRowWithoutAnyValueHasNoScore() throws {
        var generator = RandomGenerator(seed: 0)
        let rows: [Float] = [1, 2, .nan, .nan, 3, 4, 5, .nan]
        let forest = try IsolationForest(rows: rows.span, width: 2, generator: &generator)
        #expect(forest.sampleSize == 3, "a row without any value is not learned from")
        let scores = try forest.scores(of: rows.span)
        #expect(scores[1].isNaN && scores.count { $0.isNaN } == 1)
        let without: [Float] = [.nan, .nan]
        #expect(try forest.score(of: without.span) == nil)
    }

    /// A row that lacks a feature goes with the majority there: it is no more unusual than the median row, and what else is
    /// unusual about it still shows.
    @Test func aMissingValueMakesNoRowUnusual() throws {
        var generator = RandomGenerator(seed: 9)
        var rows = normalRows(1_000, width: 4, generator: &generator)
        for row in stride(from: 0, to: 1_000, by: 5) { rows[row * 4 + 2] = .nan }
        let forest = try IsolationForest(rows: rows.span, width: 4, generator: &generator)
        let scores = try forest.scores(of: rows.span)
        let without: Double = stride(from: 0, to: 1_000, by: 5).reduce(0) { $0 + scores[$1] }
        let all: Double = scores.reduce(0, +)
        #expect(without / 200 < all / 1_000)
        let ordinary: [Float] = [0, .nan, 0, .nan]
        let strange: [Float] = [0, .nan, 12, .nan]
        let median = scores.sorted()[500]
        #expect(try #require(try forest.score(of: ordinary.span)) < median)
        #expect(try #require(try forest.score(of: strange.span)) > median)
    }

    @Test func aFeatureThatIsAlwaysMissingChangesNothing() throws {
        var generator = RandomGenerator(seed: 10)
        let rows = normalRows(300, width: 1, generator: &generator)
        let padded = rows.flatMap { [$0, Float.nan] }
        let forest = try IsolationForest(rows: padded.span, width: 2, generator: &generator)
        let scores = try forest.scores(of: padded.span)
        let extreme = try #require(rows.indices.max { abs(rows[$0]) < abs(rows[$1]) })
        #expect(scores[extreme] == scores.max())
    }
}
