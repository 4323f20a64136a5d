import Telemetry
import Testing

private func parse(_ text: String) throws -> [MetricSample] {
    try ExpositionParser.parse(Array(text.utf8), format: .openMetrics)
}

@Suite struct OpenMetricsTests {
    /// Examples of the specification (https://prometheus.io/docs/specs/om/open_metrics_spec/), put together.
    @Test func readsTheSpecificationsExamples() throws {
        let samples = try parse(
            """
            # TYPE acme_http_router_request_seconds summary
            # UNIT acme_http_router_request_seconds seconds
            # HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
            acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32
            acme_http_router_request_seconds_count{path="/api/v1",method="GET"} 807283.0
            acme_http_router_request_seconds_created{path="/api/v1",method="GET"} 1605281325.0
            # TYPE go_goroutines gauge
            # HELP go_goroutines Number of goroutines that currently exist.
            go_goroutines 69
            # TYPE foo histogram
            foo_bucket{le="0.1"} 8 # {} 0.054
            foo_bucket{le="1"} 11 # {trace_id="KOO5S4vxi0o"} 0.67
            foo_bucket{le="10"} 17 # {trace_id="oHg5SJYRHA0"} 9.8 1520879607.789
            foo_bucket{le="+Inf"} 17
            # TYPE a counter
            a_total 17.0 1520879607.789
            a_created 1520430000.123
            # EOF

            """)
        #expect(samples.count == 10)
        #expect(
            samples[0]
                == MetricSample(
                    name: "acme_http_router_request_seconds_sum", labels: ["path": "/api/v1", "method": "GET"],
                    value: 9_036.32))
        #expect(
            samples[4]
                == MetricSample(
                    name: "foo_bucket", labels: ["le": "0.1"], value: 8, exemplar: .init(labels: [:], value: 0.054)))
        #expect(
            samples[6]
                == MetricSample(
                    name: "foo_bucket", labels: ["le": "10"], value: 17,
                    exemplar: MetricExemplar(
                        labels: ["trace_id": "oHg5SJYRHA0"], value: 9.8, timestamp: 1_520_879_607.789)))
        #expect(samples[8] == MetricSample(name: "a_total", value: 17, timestamp: 1_520_879_607.789))
    }

    @Test func readsTimesInSecondsAndWordsInAnyCase() throws {
        let samples = try parse("a 1 -1.5e3\nb nan\nc -INF 0\nd infinity\n# EOF")
        #expect(samples[0].timestamp == -1_500)
        #expect(samples[1].value.isNaN)
        #expect(samples[2] == MetricSample(name: "c", value: -.infinity, timestamp: 0))
        #expect(samples[3].value == .infinity)
        #expect(try parse("# EOF\n") == [])
    }

    /// Cut anywhere, a text is refused: that is what "# EOF" is for.
    @Test func refusesATruncatedText() throws {
        let text = Array("# TYPE a counter\na_total 12345 1700000000.5\na_created 5\n# EOF".utf8)
        for length in 0..<text.count {
            #expect(throws: ExpositionError.self) {
                try ExpositionParser.parse(Array(text[..<length]), format: .openMetrics)
            }
        }
        #expect(try ExpositionParser.parse(text, format: .openMetrics).count == 2)
    }

    @Test(arguments: [
        "a 1 # {x=\"1\"}", "a 1 # 0.5", "a 1 # {x=\"1\" 0.5", "a 1 # {x=\"1\"} 0.5 now", "a 1 2 3", "a 1 tomorrow",
        "a 1 inf", "a 1 nan", "# EOF\nb 1",
    ])
    func refusesMalformedLines(_ line: String) {
        #expect(throws: ExpositionError.self) { try parse("ok 1\n\(line)\n# EOF\n") }
    }

    /// In Prometheus' own format "# EOF" is a comment, times are milliseconds and there are no exemplars.
    @Test func keepsTheFormatsApart() throws {
        let text = Array("a 1 1500\n# EOF\nb 2\n".utf8)
        #expect(try ExpositionParser.parse(text).map(\.timestamp) == [1.5, nil])
        #expect(throws: ExpositionError.self) { try ExpositionParser.parse(Array("a 1 # {x=\"1\"} 0.5\n".utf8)) }
    }

    @Test func theContentTypeSaysTheFormat() {
        typealias Format = ExpositionFormat
        #expect(Format(contentType: nil) == .prometheus)
        #expect(Format(contentType: "") == .prometheus)
        #expect(Format(contentType: "text/plain; version=0.0.4; charset=utf-8") == .prometheus)
        #expect(Format(contentType: "text/plain") == .prometheus)
        #expect(Format(contentType: "Application/OpenMetrics-Text; version=1.0.0; charset=utf-8") == .openMetrics)
        #expect(Format(contentType: "text/html") == nil)
        #expect(Format(contentType: "application/json") == nil)
    }
}
