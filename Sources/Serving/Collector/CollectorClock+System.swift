import Foundation

extension CollectorClock {
    /// The machine's own.
    public static let system = CollectorClock(
        now: { Date().timeIntervalSince1970 },
        sleep: { time in
            let seconds = time - Date().timeIntervalSince1970
            if seconds > 0 { try await Task.sleep(for: .seconds(seconds)) }
        })
}
