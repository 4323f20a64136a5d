import ArgumentParser
import Cluster
import Extender
import Learning
import LinearAlgebra
import Logging
import Prediction
import TrainingRuns

/// `berth serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answers kube-scheduler as its extender.",
        discussion: """
            Watches the cluster's nodes and pods and serves /filter, /prioritize, /healthz, /readyz and /metrics until \
            SIGTERM. Logs go to standard error.
            """)

    @OptionGroup var options: ConfigurationOptions

    @OptionGroup var serving: ServingOptions

    mutating func run() async throws {
        let settings = try options.load(ExtenderSettings.self)
        let (registry, logger) = serving.start()
        let observer = Self.observer(PolicyMetrics(registry: registry), logger)
        let loaded = try settings.policy.isEmpty ? nil : LoadedPolicy(settings.policy, observer: observer)
        if let predictor = loaded?.predictor?.predictor {
            try PredictionError.naming(settings.policy) { try predictor.requireKnownToExtender() }
        }
        logger.info("matrices", metadata: ["kernels": "\(KernelSet.current)"])
        if loaded == nil {
            logger.warning("no policy is configured: the fallback answers everything, and /readyz never succeeds")
        }
        var riskFilter = try settings.filter.risk.map { limit in
            let predictor = try LatencyPredictor(file: settings.predictor)
            return try PredictionError.naming(settings.predictor) { try RiskFilter(predictor, limit: limit) }
        }
        if riskFilter == nil, let own = loaded?.predictor, let limit = own.riskLimit {
            riskFilter = try RiskFilter(own.predictor, limit: limit)
        }
        let scorer = PlacementScorer(
            settings: settings, policy: loaded?.policy, riskFilter: riskFilter,
            objective: loaded?.predictor?.predictor.objective)
        try await ExtenderServer(settings: settings, scorer: scorer, registry: registry, logger: logger).run()
    }

    /// Counts inputs that training never saw, and says once of each feature that there are some.
    private static func observer(_ metrics: PolicyMetrics, _ logger: Logger) -> UnfamiliarInputs.Observer {
        { feature, count, isFirst in
            metrics.countUnfamiliarInputs(count, feature: feature.name)
            guard isFirst else { return }
            if feature.hasVaried {
                logger.warning("an input is beyond what training saw", metadata: ["feature": "\(feature.name)"])
            } else {
                logger.warning(
                    "the policy ignores an input: it never varied in training",
                    metadata: ["feature": "\(feature.name)", "inTraining": "\(Float(feature.mean))"])
            }
        }
    }
}
