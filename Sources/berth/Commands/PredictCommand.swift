import ArgumentParser

/// `berth predict`
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Predicts what latency a node will give a service.",
        subcommands: [
            PredictRecordCommand.self, PredictTrainCommand.self, PredictServeCommand.self, PredictRollbackCommand.self,
        ])
}
