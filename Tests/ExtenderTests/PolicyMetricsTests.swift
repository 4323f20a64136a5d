import Extender
import Monitoring
import Testing

@Suite struct PolicyMetricsTests {
    @Test func unfamiliarInputsAreCountedByFeature() {
        let registry = PrometheusRegistry()
        let metrics = PolicyMetrics(registry: registry)
        metrics.countUnfamiliarInputs(3, feature: "candidate: node: cpu used / allocatable")
        metrics.countUnfamiliarInputs(2, feature: "candidate: node: cpu used / allocatable")
        metrics.countUnfamiliarInputs(1, feature: "context: is control")
        let text = registry.text()
        let name = "berth_policy_unfamiliar_inputs_total"
        #expect(text.contains("\n\(name){feature=\"candidate: node: cpu used / allocatable\"} 5\n"))
        #expect(text.contains("\n\(name){feature=\"context: is control\"} 1\n"))
        #expect(text.contains("# HELP \(name) "))
    }
}
