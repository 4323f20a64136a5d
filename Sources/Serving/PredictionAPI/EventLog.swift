import Foundation
import Logging
import Synchronization

/// What happened to the predictor: the last so many events, each of which is logged and counted too.
final class EventLog: Sendable {
    /// What an event is about.
    enum Kind: String, Sendable, CaseIterable {
        /// A level of drift has changed.
        case drift
        /// Another predictor is in use.
        case swap
        /// A predictor was retrained, and taken into use or not.
        case retraining
        /// A predictor could not be taken into use.
        case failure
    }

    /// One event.
    struct Event: Sendable, Hashable {
        /// Seconds since 1970.
        var time: Double
        var kind: Kind
        var message: String
    }

    private static let capacity = 200
    private let events = Mutex([Event]())
    private let metrics: PredictionServerMetrics
    private let logger: Logger

    init(metrics: PredictionServerMetrics, logger: Logger) {
        (self.metrics, self.logger) = (metrics, logger)
    }

    /// The events kept, the oldest first.
    var all: [Event] { events.withLock { $0 } }

    /// Keeps, logs and counts an event.
    func record(_ kind: Kind, _ message: String) {
        let event = Event(time: Date.now.timeIntervalSince1970, kind: kind, message: message)
        events.withLock { events in
            if events.count == Self.capacity { events.removeFirst() }
            events.append(event)
        }
        metrics.countEvent(kind)
        let level: Logger.Level =
            switch kind {
            case .drift: .warning
            case .failure: .error
            case .swap, .retraining: .info
            }
        logger.log(level: level, "\(kind.rawValue)", metadata: ["event": "\(message)"])
    }
}
