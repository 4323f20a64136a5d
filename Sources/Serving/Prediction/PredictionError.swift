import Checkpoints
import Settings

/// Why something cannot be predicted, or a model or a data set not be used.
public struct PredictionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of thing was wrong.
    public enum Code: String, Sendable {
        /// The contents of a predictor or of a data set are not sound.
        case unsound
        /// A predictor or a data set is not of the features, windows or version that it is used with.
        case mismatch
        /// A data set is sound and of no use for predictions.
        case unusableData
        /// There are fewer episodes than are needed.
        case tooFewEpisodes
        /// No trees could be grown.
        case training
        /// The rows that a prediction is asked for cannot be used.
        case input
        /// A server's settings cannot be used.
        case settings
        /// There is no predictor to go back to.
        case noPrevious
        /// The operating system refused a file.
        case system
    }

    /// What kind of thing was wrong.
    public let code: Code

    /// What was wrong, where, and what to do.
    public let description: String

    /// An error with its message.
    public init(_ code: Code, _ description: String) { (self.code, self.description) = (code, description) }

    /// An error about contents that are not sound.
    init(_ description: String) { self.init(.unsound, description) }
}

extension PredictionError {
    /// What `body` reads of a file; its errors name the file.
    package static func naming<Value>(_ file: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as PredictionError {
            throw PredictionError(error.code, "\(file): \(error)")
        } catch var error as CheckpointError {
            error.file = error.file ?? file
            throw error
        } catch let error as SettingsError {
            throw PredictionError(.unsound, "\(file): predictor/settings: \(error.message)")
        }
    }
}
