import Foundation
import Prediction
import Synchronization

/// Retrains the predictor when asked to, in the background, and takes the new one into use if it is no worse.
final class Retrainer: Sendable {
    private struct State {
        var isRunning = false
        var notBefore = ContinuousClock.now
    }

    private let settings: RetrainingSettings
    private let file: PredictorFile
    private let slot: PredictorSlot
    private let events: EventLog
    private let state = Mutex(State())

    init(_ settings: RetrainingSettings, file: PredictorFile, slot: PredictorSlot, events: EventLog) {
        (self.settings, self.file, self.slot, self.events) = (settings, file, slot, events)
    }

    /// Trains on a thread of its own, unless that goes on already or happened within `minimumSeconds`.
    func request() {
        let isDue = state.withLock { state in
            guard !state.isRunning, state.notBefore <= .now else { return false }
            state.isRunning = true
            return true
        }
        guard isDue else { return }
        Thread { [self] in
            do {
                events.record(.retraining, try retrain())
            } catch {
                events.record(.failure, "retraining: \(error)")
            }
            state.withLock { $0 = State(isRunning: false, notBefore: .now + .seconds(settings.minimumSeconds)) }
        }.start()
    }

    /// - Returns: the outcome, in words.
    private func retrain() throws -> String {
        let current = slot.current.predictor
        let comparison = try PredictorComparison(
            retraining: current, on: try PredictionDataset(joining: settings.datasets),
            settings.predictor ?? current.settings,
            heldOut: settings.heldOut, seed: settings.splitSeed)
        let candidate = comparison.candidate
        let figures =
            "\(Self.percent(comparison.candidateScores.medianError)) median error against "
            + "\(Self.percent(comparison.currentScores.medianError)), \(Self.rounded(comparison.candidateScores)) "
            + "logarithmic error against \(Self.rounded(comparison.currentScores)), on \(comparison.heldOutRows) rows "
            + "held out"
        guard comparison.isNoWorse else { return "\(candidate.version) is worse and not taken: \(figures)" }
        if let previous = try? LatencyPredictor(file: file.previousPath), previous.version == candidate.version {
            return "\(candidate.version) is not taken: it was rolled back"
        }
        let prepared = try slot.prepare(candidate)
        // Training takes a while: what has come meanwhile was not compared.
        guard slot.version == current.version, (try? file.read())?.version == current.version else {
            return
                "\(candidate.version) is not taken: another predictor has come into use or into \(file.path) meanwhile"
        }
        try file.install(candidate)
        slot.exchange(with: prepared, because: "drift, and \(figures)")
        return "\(candidate.version) is taken: \(figures)"
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    private static func rounded(_ scores: PredictionScores) -> String {
        String(format: "%.3f", scores.logarithmicError)
    }
}
