/// Why learning cannot go on.
public struct LearningError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What kind of thing was wrong.
    public enum Code: String, Sendable {
        /// A decision came without actions to choose from.
        case noCandidates
        /// Parameters, gradients, outputs or targets are no longer finite.
        case diverged
        /// A table would have more entries than one may have.
        case tableTooLarge
        /// Not as many environments were made as were asked for.
        case environments
        /// Another of the processes that train together failed.
        case otherProcess
    }

    /// What kind of thing was wrong.
    public let code: Code

    /// What was wrong, what was expected and what to do.
    public let description: String

    /// An error with its message.
    public init(_ code: Code, _ description: String) { (self.code, self.description) = (code, description) }

    /// A decision came without actions to choose from.
    static func noCandidates(environment: Int) -> LearningError {
        LearningError(
            .noCandidates,
            "environment \(environment) gave a decision without candidates: every decision before the end of an "
                + "episode needs at least one")
    }

    /// Gradients or outputs are no longer numbers.
    static func diverged(_ what: String) -> LearningError {
        LearningError(
            .diverged,
            "\(what) not finite: the run has diverged; lower learningRate or maximumGradientNorm, and check the "
                + "environment's features and rewards")
    }
}
