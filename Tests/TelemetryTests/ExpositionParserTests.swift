import Telemetry
import Testing

private func parse(_ text: String) throws -> [MetricSample] {
    try ExpositionParser.parse(Array(text.utf8))
}

@Suite struct ExpositionParserTests {
    /// The example of https://prometheus.io/docs/instrumenting/exposition_formats/.
    @Test func readsTheSpecificationsExample() throws {
        let samples = try parse(
            """
            # HELP http_requests_total The total number of HTTP requests.
            # TYPE http_requests_total counter
            http_requests_total{method="post",code="200"} 1027 1395066363000
            http_requests_total{method="post",code="400"}    3 1395066363000

            # Escaping in label values:
            msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

            # Minimalistic line:
            metric_without_timestamp_and_labels 12.47

            # A weird metric from before the epoch:
            something_weird{problem="division by zero"} +Inf -3982045

            # TYPE http_request_duration_seconds histogram
            http_request_duration_seconds_bucket{le="+Inf"} 144320
            http_request_duration_seconds_sum 53423

            """)
        #expect(
            samples == [
                MetricSample(
                    name: "http_requests_total", labels: ["method": "post", "code": "200"], value: 1_027,
                    timestamp: 1_395_066_363),
                MetricSample(
                    name: "http_requests_total", labels: ["method": "post", "code": "400"], value: 3,
                    timestamp: 1_395_066_363),
                MetricSample(
                    name: "msdos_file_access_time_seconds",
                    labels: ["path": "C:\\DIR\\FILE.TXT", "error": "Cannot find file:\n\"FILE.TXT\""],
                    value: 1.458255915e9),
                MetricSample(name: "metric_without_timestamp_and_labels", value: 12.47),
                MetricSample(
                    name: "something_weird", labels: ["problem": "division by zero"], value: .infinity,
                    timestamp: -3_982.045),
                MetricSample(name: "http_request_duration_seconds_bucket", labels: ["le": "+Inf"], value: 144_320),
                MetricSample(name: "http_request_duration_seconds_sum", value: 53_423),
            ])
    }

    @Test func readsSpecialValuesAndLooseSpacing() throws {
        let samples = try parse(
            "a NaN\nb -Inf\n\t c { x = \"1\" , y=\"\", } 0x1p3 \t5\r\nd:e_9 -1.5E-3\nf .5\ng 5.\r\n")
        #expect(samples.count == 6)
        #expect(samples[0].value.isNaN)
        #expect(samples[1].value == -.infinity)
        #expect(samples[2] == MetricSample(name: "c", labels: ["x": "1", "y": ""], value: 8, timestamp: 0.005))
        #expect(samples[3] == MetricSample(name: "d:e_9", value: -0.0015))
        #expect(samples[4].value == 0.5)
        #expect(samples[5] == MetricSample(name: "g", value: 5))
        #expect(try parse("") == [])
        #expect(try parse("# only a comment\n\n\r\n") == [])
    }

    @Test(arguments: [
        "a", "a ", "1a 1", "a{ 1", "a{x} 1", "a{x=} 1", "a{x=\"1} 1", "a{x=\"1\"; } 1", "a{x=\"1\" y=\"2\"} 1",
        "a{=\"1\"} 1",
        "a one", "a 1 2.5", "a 1 2 3", "a infinity", "a nan", "a 1_000", "{x=\"1\"} 1", "a{x:y=\"1\"} 1", "é 1",
        "a 1,5",
        "a{x=\"\\", "a{x=\"1\"",
    ])
    func namesTheMalformedLine(_ line: String) {
        do {
            let samples = try parse("ok 1\n# comment\n\(line)\nok 2\n")
            Issue.record("\"\(line)\" was read as \(samples)")
        } catch {
            #expect((error as? ExpositionError)?.line == 3, "\(error)")
        }
    }

    /// Cut anywhere within its last line, a scrape is refused: "12" of "123" would be a wrong value.
    @Test func refusesATruncatedText() throws {
        let text = Array("a 1\nlong_name{x=\"y\"} 12345 1700000000000\n".utf8)
        for length in 5..<text.count {
            #expect(throws: ExpositionError.self) { try ExpositionParser.parse(Array(text[..<length])) }
        }
        #expect(try ExpositionParser.parse(text).count == 2)
    }

    @Test func refusesInvalidUTF8() {
        let text = Array("a{x=\"".utf8) + [0xC3, 0x28] + Array("\"} 1\n".utf8)
        #expect(throws: ExpositionError.self) { try ExpositionParser.parse(text) }
    }

    @Test func passesOverWhatIsNotWanted() throws {
        var values: [Double] = []
        try ExpositionParser.forEachSample(in: Array("ab 1\na 2\n a{x=\"1\"} 3\nb nonsense\n".utf8), named: ["a"]) {
            values.append($0.value)
        }
        #expect(values == [2, 3])
    }
}
