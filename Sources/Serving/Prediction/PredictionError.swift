import Checkpoints
import Settings

/// Why something cannot be predicted, or a model or a data set not be used.
public struct PredictionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong, where, and what to do.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}

extension PredictionError {
    /// What `body` reads of a file; its errors name the file.
    package static func naming<Value>(_ file: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as PredictionError {
            throw PredictionError("\(file): \(error)")
        } catch var error as CheckpointError {
            error.file = error.file ?? file
            throw error
        } catch let error as SettingsError {
            throw PredictionError("\(file): predictor/settings: \(error.message)")
        }
    }
}
