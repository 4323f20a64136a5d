import ArgumentParser
import Logging
import Metrics
import Monitoring

/// `--log LEVEL`: what commands that serve until they are told to stop have in common.
struct ServingOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Least severe log messages that are shown.", valueName: "level"))
    var log = LogLevel.info

    /// Levels of swift-log by name.
    enum LogLevel: String, ExpressibleByArgument, CaseIterable {
        case trace, debug, info, warning, error

        var level: Logger.Level {
            switch self {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        }
    }

    /// Sends logs to standard error and metrics to a registry; once in a process.
    func start() -> (registry: PrometheusRegistry, logger: Logger) {
        let level = log.level
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        return (registry, Logger(label: "berth"))
    }
}
