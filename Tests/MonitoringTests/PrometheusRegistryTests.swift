import CoreMetrics
import Monitoring
import Telemetry
import Testing

@Suite struct PrometheusRegistryTests {
    private func samples(_ registry: PrometheusRegistry) throws -> [MetricSample] {
        try ExpositionParser.parse(Array(registry.text().utf8))
    }

    @Test func writesCountersAndGauges() throws {
        let registry = PrometheusRegistry()
        registry.describe("jobs_total", "Jobs\nby \"kind\" \\ all.")
        let counter = Counter(label: "jobs_total", dimensions: [("kind", "a\"b\\c\nd")], factory: registry)
        counter.increment()
        Counter(label: "jobs_total", dimensions: [("kind", "a\"b\\c\nd")], factory: registry).increment(by: 4)
        Gauge(label: "temp.celsius", factory: registry).record(-2.5)
        Meter(label: "9lives", factory: registry).set(9.0)
        #expect(
            try samples(registry) == [
                MetricSample(name: "_lives", value: 9),
                MetricSample(name: "jobs_total", labels: ["kind": "a\"b\\c\nd"], value: 5),
                MetricSample(name: "temp_celsius", value: -2.5),
            ])
        #expect(registry.text().contains("# HELP jobs_total Jobs\\nby \"kind\" \\\\ all.\n# TYPE jobs_total counter\n"))
        #expect(registry.text().contains("# TYPE temp_celsius gauge\n"))
        counter.reset()
        #expect(try samples(registry)[1].value == 0)
    }

    @Test func writesHistogramsInSeconds() throws {
        let registry = PrometheusRegistry(buckets: [0.001, 0.01, 1])
        let timer = CoreMetrics.Timer(label: "wait_seconds", dimensions: [("verb", "x")], factory: registry)
        for nanoseconds: Int64 in [500_000, 1_000_000, 5_000_000, 2_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        #expect(registry.text().contains("# TYPE wait_seconds histogram\n"))
        #expect(
            try samples(registry) == [
                MetricSample(name: "wait_seconds_bucket", labels: ["verb": "x", "le": "0.001"], value: 2),
                MetricSample(name: "wait_seconds_bucket", labels: ["verb": "x", "le": "0.01"], value: 3),
                MetricSample(name: "wait_seconds_bucket", labels: ["verb": "x", "le": "1"], value: 3),
                MetricSample(name: "wait_seconds_bucket", labels: ["verb": "x", "le": "+Inf"], value: 4),
                MetricSample(name: "wait_seconds_sum", labels: ["verb": "x"], value: 2.0065),
                MetricSample(name: "wait_seconds_count", labels: ["verb": "x"], value: 4),
            ])
    }

    /// One name, two types: both are kept, apart.
    @Test func keepsTypesApart() throws {
        let registry = PrometheusRegistry()
        Counter(label: "x", factory: registry).increment()
        Gauge(label: "x", factory: registry).record(7)
        #expect(try samples(registry) == [MetricSample(name: "x", value: 1), MetricSample(name: "x_2", value: 7)])
    }
}
