public import Logging

/// The hold that whoever runs an experiment keeps on it.
public struct RunControl: Sendable {
    /// Whether it should stop. It is asked between steps, from any thread.
    public var isCancelled: @Sendable () -> Bool
    /// Told of what went wrong beside the error that is thrown, such as pods that could not be removed.
    public var warn: @Sendable (String) -> Void
    /// Where what happens on a live cluster is logged.
    public var logger: Logger

    /// By default nothing stops the experiment and nobody is told anything.
    public init(
        isCancelled: @escaping @Sendable () -> Bool = { false }, warn: @escaping @Sendable (String) -> Void = { _ in },
        logger: Logger = Logger(label: "live") { _ in SwiftLogNoOpLogHandler() }
    ) {
        (self.isCancelled, self.warn, self.logger) = (isCancelled, warn, logger)
    }
}
