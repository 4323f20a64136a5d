import Windows
import Telemetry

/// A window that was asked for: under way or finished.
public struct CollectedWindow: Sendable, Equatable {
    /// Names it among all windows of this collector.
    public var id: String
    /// The node.
    public var node: String
    /// When it began, in seconds since 1970.
    public var start: Double
    /// When it ends or ended.
    public var end: Double
    /// What was measured; `nil` while it is under way.
    public var result: NodeWindow?
    /// What went wrong, by source. Its values are missing, or another source's.
    public var errors: [String: String] = [:]
}

/// The collector's clock, so that tests do not have to wait.
public struct CollectorClock: Sendable {
    /// The present, in seconds since 1970.
    public var now: @Sendable () -> Double
    /// Returns at this time, in seconds since 1970; throws `CancellationError` when the task is cancelled before.
    public var sleep: @Sendable (_ until: Double) async throws -> Void

    /// A clock made of its parts.
    public init(now: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (Double) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }
}
