import AnomalyDetection
import Foundation
import Randomness
import TestServers
import Testing

/// The same rows scored by scikit-learn's IsolationForest. Seeds are fixed on both sides, so the outcome is too.
@Suite struct ScikitLearnTests {
    private struct Answer: Decodable {
        var areas: [Double]
        var scores: [Double]
        var path: Double
    }

    /// Two crowds of unequal width, and among 3,000 rows 150 anomalous ones spread over the box around both.
    private func mixture() -> (rows: [Float], isAnomalous: [Bool]) {
        var generator = RandomGenerator(seed: 11)
        var (rows, isAnomalous) = ([Float](), [Bool]())
        for row in 0..<3_000 {
            isAnomalous.append(row % 20 == 0)
            for _ in 0..<5 {
                if row % 20 == 0 {
                    rows.append(Float(generator.uniform(in: -6...10)))
                } else {
                    rows.append(Float(row % 3 == 0 ? 4 + 2 * generator.normal() : generator.normal()))
                }
            }
        }
        return (rows, isAnomalous)
    }

    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func areaAndScoresAgree() throws {
        let (rows, isAnomalous) = mixture()
        let file = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try rows.withUnsafeBytes { Data($0) }.write(to: file)
        let program = PythonProgram(
            """
            import json, sys, numpy
            from sklearn.ensemble import IsolationForest
            from sklearn.ensemble._iforest import _average_path_length
            from sklearn.metrics import roc_auc_score
            x = numpy.fromfile(sys.argv[1], "<f4").reshape(-1, 5)
            y = numpy.arange(len(x)) % 20 == 0
            scores = [-IsolationForest(n_estimators=100, max_samples=256, random_state=s).fit(x).score_samples(x)
                      for s in range(10)]
            print(json.dumps({"areas": [roc_auc_score(y, s) for s in scores],
                              "scores": numpy.mean(scores, axis=0).tolist(),
                              "path": float(_average_path_length([256])[0])}))
            """)
        let theirs = try JSONDecoder().decode(Answer.self, from: program.run([file.path]))
        #expect(abs(theirs.path - PathLength.expected(256)) < 1e-9)

        var (areas, scores) = ([Double](), Array(repeating: 0.0, count: isAnomalous.count))
        for seed in 0..<10 {
            var generator = RandomGenerator(seed: UInt64(seed))
            let forest = try IsolationForest(rows: rows.span, width: 5, generator: &generator)
            let found = try forest.scores(of: rows.span)
            areas.append(try #require(Statistics.areaUnderCurve(found, isCase: isAnomalous)))
            for row in scores.indices { scores[row] += found[row] / 10 }
        }
        let (ours, reference) = (areas.reduce(0, +) / 10, theirs.areas.reduce(0, +) / 10)
        #expect(reference > 0.9 && abs(ours - reference) < 0.01, "\(ours) and \(reference)")
        let gaps = zip(scores, theirs.scores).map { abs($0 - $1) }
        #expect(gaps.reduce(0, +) / Double(gaps.count) < 0.01, "\(gaps.reduce(0, +) / Double(gaps.count))")
        #expect((gaps.max() ?? 1) < 0.05, "\(gaps.max() ?? 1)")
    }

    /// With ties, and against the other implementation.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func areasAreRocAucScores() throws {
        var generator = RandomGenerator(seed: 12)
        let isAnomalous = (0..<400).map { _ in generator.chance(0.2) }
        let scores = isAnomalous.map { (Double($0 ? 2 : 0) + 2 * generator.normal()).rounded() }
        let program = PythonProgram(
            """
            import json, sys
            from sklearn.metrics import roc_auc_score
            print(roc_auc_score(json.loads(sys.argv[1]), json.loads(sys.argv[2])))
            """)
        let arguments = try [json(isAnomalous), json(scores)].map { String(decoding: $0, as: UTF8.self) }
        let theirs = try #require(Double(try program.text(arguments).trimmingCharacters(in: .whitespacesAndNewlines)))
        let ours = try #require(Statistics.areaUnderCurve(scores, isCase: isAnomalous))
        #expect(abs(ours - theirs) < 1e-12)
    }
}
