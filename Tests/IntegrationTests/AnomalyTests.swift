import Foundation
import Randomness
import Testing

/// `berth anomaly`, run as a user runs it.
@Suite struct AnomalyTests {
    /// Runs the command on a file of the given text.
    private func run(_ text: String, _ arguments: [String] = []) async throws -> BerthProcess.Result {
        let file = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString).csv").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(text.utf8).write(to: URL(filePath: file))
        var result = try await BerthProcess.run(["anomaly", file] + arguments)
        result.errors = result.errors.replacingOccurrences(of: file, with: "FILE")
        return result
    }

    /// 600 rows around 0 with carriage returns, every 50th of them far away.
    private func table() -> String {
        var generator = RandomGenerator(seed: 1)
        let rows = (0..<600).map { row in
            let far = row % 50 == 49 ? 30.0 : 0
            return "10:00,\(generator.normal() + far),\(row % 7 == 0 ? "" : "\(generator.normal())"),\(far > 0 ? 1 : 0)"
        }
        return (["time,cpu,memory,truth"] + rows).joined(separator: "\r\n") + "\r\n"
    }

    @Test func findsTheFarRows() async throws {
        let all = ["--label", "truth", "--ignore", "time"]
        let batch = try await run(table(), all)
        #expect(batch.status == 0 && batch.errors.isEmpty, "\(batch.errors)")
        #expect(batch.output == "AUC 1.000000  rows 600  anomalous 12  without a score 0\n")
        let stream = try await run(table(), all + ["--window", "300", "--renewal-interval", "5"])
        #expect(stream.output == "AUC 1.000000  rows 344  anomalous 7  without a score 256\n", "\(stream)")
    }

    @Test func writesAScoreForEachRow() async throws {
        let result = try await run(table(), ["--ignore", "time", "--ignore", "truth", "--contamination", "0.02"])
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 601 && lines.first == "row,score,anomalous")
        let flagged = lines.filter { $0.hasSuffix(",1") }.map { $0.prefix { $0 != "," } }
        #expect(flagged == (1...12).map { "\($0 * 50)" }[...].map { $0[...] })
        let again = try await run(table(), ["--ignore", "time", "--ignore", "truth", "--contamination", "0.02"])
        #expect(again.output == result.output)
        let nothing = try await run("a\n1\n\n3\n")
        #expect(nothing.output.split(separator: "\n")[2] == "2,,")
    }

    @Test(arguments: [
        ("a,b\n1,2\n3\n", [], "error: FILE:3: 1 cells, expected 2\n"),
        ("a,b\n1,2\n3,x\n", [], "error: FILE:3: b is \"x\", expected a finite number"),
        ("a,b\n1,2\n3,inf\n", [], "error: FILE:3: b is \"inf\", expected a finite number"),
        ("a,b\n1,2\n3,2\n", ["--label", "b"], "error: FILE:2: b is 2.0, expected 0 or 1\n"),
        ("a,a\n1,2\n", [], "error: FILE:1: column 2 is a second a\n"),
        ("a,\n1,2\n", [], "error: FILE:1: column 2 is without a name\n"),
        ("", [], "error: FILE:1: expected a header with the columns' names\n"),
        ("a\n", [], "error: FILE: an isolation forest needs at least 2 rows with values, found 0 of 0 rows\n"),
        ("a\n1\n", ["--ignore", "a"], "error: FILE:1: no column is left to score by\n"),
        ("a,b\n1,0\n2,0\n", ["--label", "b"], "error: FILE: no area: of 2 rows with a score 0 are anomalous\n"),
    ])
    func wrongFilesEndWithStatus1AndTheLine(text: String, arguments: [String], errors: String) async throws {
        let result = try await run(text, arguments)
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.hasPrefix(errors), "\(result.errors)")
    }

    @Test(arguments: [
        (["--label", "c"], "error: there is no column \"c\"\n"), (["--trees", "0"], "error: trees: must be"),
        (["--renewal-interval", "5"], "error: --renewal-interval goes with --window\n"),
        (["--window", "10"], "error: window: must be"), (["--contamination", "0.5"], "error: contamination: must be"),
        (["--label", "a", "--ignore", "a"], "error: --ignore a is the column of --label\n"),
    ])
    func wrongUsageEndsWithStatus2(arguments: [String], errors: String) async throws {
        let result = try await run("a,b\n1,2\n3,4\n", arguments)
        #expect(result.status == 2 && result.output.isEmpty)
        #expect(result.errors.hasPrefix(errors), "\(result.errors)")
    }

    @Test func aMissingFileIsNamed() async throws {
        let result = try await BerthProcess.run(["anomaly", "/nonexistent/rows.csv"])
        #expect(result.status == 1 && result.errors.hasPrefix("error: /nonexistent/rows.csv: cannot be read: "))
        let empty = try await BerthProcess.run(["anomaly", "-"])
        #expect(empty.errors.hasPrefix("error: standard input:1: expected a header"), "\(empty.errors)")
    }
}
