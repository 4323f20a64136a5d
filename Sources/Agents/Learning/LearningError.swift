/// Why learning cannot go on.
public struct LearningError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }

    /// A decision came without actions to choose from.
    static func noCandidates(environment: Int) -> LearningError {
        LearningError(
            "environment \(environment) gave a decision without candidates: every decision before the end of an "
                + "episode needs at least one")
    }

    /// Gradients or outputs are no longer numbers.
    static func diverged(_ what: String) -> LearningError {
        LearningError(
            "\(what) not finite: the run has diverged; lower learningRate or maximumGradientNorm, and check the "
                + "environment's features and rewards")
    }
}
