import Synchronization

/// Shows how many episodes have been played, whichever thread plays them.
final class EpisodeDisplay: Sendable {
    private struct State {
        var display: ProgressDisplay
        var done: Int?
    }

    private let state: Mutex<State>

    /// Nothing is shown before the first `update`.
    /// - Parameter unit: what is counted, in the plural.
    init(unit: String) { state = Mutex(State(display: ProgressDisplay(unit: unit, total: 0))) }

    /// Shows that so many of all have been played.
    func update(_ done: Int, of total: Int) {
        state.withLock {
            $0.display.total = total
            $0.display.update(done)
            $0.done = done
        }
    }

    /// Ends the line, if there is one.
    func finish() {
        state.withLock { state in
            guard let done = state.done else { return }
            state.display.finish(done)
        }
    }
}
