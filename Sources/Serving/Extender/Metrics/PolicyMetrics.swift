import CoreMetrics
public import Monitoring

/// What is counted of the policy behind the extender, for the code that loads it.
public struct PolicyMetrics: Sendable {
    private static let unfamiliarInputs = "berth_policy_unfamiliar_inputs_total"
    private let factory: any MetricsFactory

    /// Metrics in the registry that the extender shows.
    public init(registry: PrometheusRegistry) {
        factory = registry
        registry.describe(Self.unfamiliarInputs, "Values read by the policy that its training never saw, by feature.")
    }

    /// Counts values of a feature that the policy's training never saw.
    public func countUnfamiliarInputs(_ count: Int, feature: String) {
        Counter(label: Self.unfamiliarInputs, dimensions: [("feature", feature)], factory: factory)
            .increment(by: count)
    }
}
