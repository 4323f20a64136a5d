public import Settings

/// How often a learner takes a random legal action in place of the best it knows: ε of ε-greedy.
///
/// ε falls in a straight line from `start` to `end` over the first `fraction` of the run and then stays.
public struct ExplorationSchedule: Configurable, Equatable {
    /// Probability of a random action at the start of the run, 0 to 1.
    public var start = 1.0
    /// Probability of a random action once it has stopped changing, 0 to 1.
    public var end = 0.05
    /// Share of the run in which it changes, 0 to 1; 0: it is `end` from the first step.
    public var fraction = 0.5

    /// From 1 to 0.05 in the first half of the run.
    public init() {}

    /// The probability at `progress` of the run, from 0 to 1; progress outside counts as the nearer bound.
    public func value(at progress: Double) -> Double {
        guard progress < fraction else { return end }
        return start + (end - start) * max(0, progress) / fraction
    }

    public func validate() throws(SettingsError) {
        try require("start", start, in: 0...1)
        try require("end", end, in: 0...1)
        try require("fraction", fraction, in: 0...1)
    }
}
