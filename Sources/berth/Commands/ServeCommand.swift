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
        let policy = try settings.policy.isEmpty ? nil : Self.loadPolicy(settings.policy)
        let (registry, logger) = serving.start()
        if policy == nil {
            logger.warning("no policy is configured: the fallback answers everything, and /readyz never succeeds")
        }
        let riskFilter = try settings.filter.risk.map { limit in
            let predictor = try LatencyPredictor(file: settings.predictor)
            do {
                return try RiskFilter(predictor, limit: limit)
            } catch let error as PredictionError {
                throw CommandFailure(message: "\(settings.predictor): \(error)")
            }
        }
        let scorer = PlacementScorer(settings: settings, policy: policy, riskFilter: riskFilter)
        try await ExtenderServer(settings: settings, scorer: scorer, registry: registry, logger: logger).run()
    }

    /// The policy of a run folder's newest checkpoint, or of a checkpoint file.
    static func loadPolicy(_ path: String) throws -> any Policy & Sendable {
        let file = try RunFolder.newestCheckpoint(path)
        do {
            return try TrainedPolicy.load(Checkpoint.read(file))
        } catch var error as CheckpointError {
            error.file = error.file ?? file
            throw error
        }
    }
}
