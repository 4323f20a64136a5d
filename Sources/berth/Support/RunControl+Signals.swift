import Logging
import TrainingRuns

extension RunControl {
    /// Ctrl-C and `kill` stop the run; what happens is told on standard error. `Interruption.install` has to be called
    /// before.
    static var signals: RunControl {
        var logger = Logger(label: "live") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return RunControl(
            isCancelled: { Interruption.signalNumber != nil }, warn: CommandFailure.warn, logger: logger)
    }
}
