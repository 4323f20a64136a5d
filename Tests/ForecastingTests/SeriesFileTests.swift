import Forecasting
import Testing

@Suite struct SeriesFileTests {
    private static func read(_ text: String, column: String? = nil) throws -> [Double?] {
        try SeriesFile(text: text, name: "rates.csv", column: column).series.observations
    }

    @Test func columnsGapsAndQuotes() throws {
        #expect(try Self.read("minute,count\n0,42\n1,\n2,58\n") == [42, nil, 58])
        #expect(try Self.read("a,b\r\n1,2\r\n3,NA\r\n", column: "b") == [2, nil])
        #expect(try Self.read("a,b\n1,2\n3,4", column: "a") == [1, 3])
        #expect(try Self.read("1\n2.5\nNA\n-3e2\n\n") == [1, 2.5, nil, -300])
        #expect(try Self.read("\"day, hour\",\"rate\"\n\"1, 2\",7\n") == [7])
        #expect(try SeriesFile(path: Samples.airPassengersFile, column: "passengers").series.count == 144)
    }

    @Test(arguments: [
        ("", nil, "rates.csv: no lines"),
        ("a,b\n1\n", nil, "rates.csv:2: expected 2 cells, found 1"),
        ("a\n1\nx\n", nil, "rates.csv:3: expected a number, or NA where nothing was observed; found \"x\""),
        ("a\n1\n\n2\n", nil, "rates.csv:3: expected a number, or NA where nothing was observed; found \"\""),
        ("a\nnan\n", nil, "rates.csv:2: expected a number, or NA where nothing was observed; found \"nan\""),
        ("a,b\n1,2\n", "c", "rates.csv:1: there is no column \"c\"; found a, b"),
        ("1,2\n", "c", "rates.csv:1: there is no column \"c\"; the first line names no columns"),
        ("a\n", nil, "rates.csv: no number in column 1"),
        ("a,b\n1,\n2,NA\n", nil, "rates.csv: no number in column 2"),
    ])
    func errorsNameFileAndLine(text: String, column: String?, message: String) {
        #expect(throws: ForecastingError(message)) { try Self.read(text, column: column) }
    }

    @Test func aFileThatIsNotThere() {
        #expect { try SeriesFile(path: "/nonexistent/rates.csv") } throws: { error in
            "\(error)".hasPrefix("/nonexistent/rates.csv: cannot be read: ")
        }
    }
}
