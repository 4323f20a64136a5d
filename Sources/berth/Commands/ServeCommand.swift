import ArgumentParser
import Checkpoints
import Cluster
import Extender
import Learning
import Logging
import Prediction

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
        let loaded = try settings.policy.isEmpty ? nil : Self.loadPolicy(settings.policy)
        if let predictor = loaded?.predictor?.predictor {
            try PredictionError.naming(settings.policy) { try predictor.requireKnownToExtender() }
        }
        let (registry, logger) = serving.start()
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

    /// The policy of a run folder's newest checkpoint, or of a checkpoint file.
    static func loadPolicy(_ path: String) throws -> LoadedPolicy {
        let file = try RunFolder.newestCheckpoint(path)
        return try PredictionError.naming(file) {
            let checkpoint = try Checkpoint.read(file)
            let predictor = try PolicyPredictor(checkpoint)
            return LoadedPolicy(
                policy: try TrainedPolicy.load(checkpoint, predictor: predictor?.placement), predictor: predictor)
        }
    }
}
