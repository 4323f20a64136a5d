import Foundation
import Prediction
import ServiceLifecycle

/// Looks for changes of the predictor's file, so that a predictor that was trained, copied or rolled back there is used
/// without a restart.
struct PredictorWatch: Service {
    /// What tells one file from another by the same name.
    private struct Identity: Equatable {
        var path: String
        var inode: UInt64?
        var size: UInt64?
        var changed: Date?
    }

    let path: String
    let seconds: Double
    let slot: PredictorSlot
    let events: EventLog

    func run() async throws {
        // Files may be on a volume that takes its time: not on the threads that answer.
        try? await withTaskExecutorPreference(globalConcurrentExecutor) { try await look() }
    }

    private func look() async throws {
        try await cancelWhenGracefulShutdown {
            // What came after the server had read the file is seen at the first look.
            var (seen, version) = (Identity?.none, slot.version)
            while true {
                try await Task.sleep(for: .seconds(seconds))
                guard let now = Self.identity(of: path) else { continue }
                // Retraining takes a predictor into use and writes it; where the file is rolled back before the next look,
                // it is the one that was seen before.
                guard now != seen || version != slot.version else { continue }
                seen = now
                await take()
                version = slot.version
            }
        }
    }

    /// Reading takes a while: on a thread of its own, so that no request waits for it.
    private func take() async {
        await withCheckedContinuation { continuation in
            Thread {
                do {
                    try slot.swap(to: try LatencyPredictor(file: path), because: "\(path) has changed")
                } catch {
                    events.record(.failure, "the changed predictor is not taken: \(error)")
                }
                continuation.resume()
            }.start()
        }
    }

    /// `nil` where there is no file.
    private static func identity(of path: String) -> Identity? {
        // Kubernetes mounts a file of a volume as a link, and changes what a folder on its way links to.
        let path = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
        return Identity(
            path: path, inode: attributes[.systemFileNumber] as? UInt64, size: attributes[.size] as? UInt64,
            changed: attributes[.modificationDate] as? Date)
    }
}
