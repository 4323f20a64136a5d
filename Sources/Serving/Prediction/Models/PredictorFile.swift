import Checkpoints
import Foundation

/// A predictor's file, and beside it, with ".previous" behind its name, the one that it took the place of.
public struct PredictorFile: Sendable, Equatable {
    /// The file of the predictor in use.
    public let path: String
    /// The file of the one before it.
    public var previousPath: String { path + ".previous" }

    /// A file that may exist or not.
    public init(_ path: String) { self.path = path }

    /// Reads the predictor in use.
    /// - Throws: `CheckpointError` or `PredictionError` naming the file.
    public func read() throws -> LatencyPredictor { try LatencyPredictor(file: path) }

    /// Puts a predictor in the place of the one in use, which is kept as the previous one, unless it is the same. At no time is
    /// there no file. Two processes must not do this at a time.
    /// - Throws: `CheckpointError` or `PredictionError` naming the file.
    public func install(_ predictor: LatencyPredictor) throws {
        recover()
        if FileManager.default.fileExists(atPath: path), (try? read())?.version != predictor.version {
            // A second name for the same file: the write below puts another file in the place of the first name.
            try Self.check(link(path, aside), "keep \(path) as \(previousPath)")
            try Self.check(rename(aside, previousPath), "keep \(path) as \(previousPath)")
        }
        try predictor.write(to: path)
    }

    /// Exchanges the predictor in use and the previous one, so that a second call undoes the first.
    /// - Returns: the one that is in use from now on.
    /// - Throws: `CheckpointError` or `PredictionError` where there is no previous one, or it cannot be read; nothing is
    ///   changed then.
    @discardableResult
    public func rollBack() throws -> LatencyPredictor {
        recover()
        guard FileManager.default.fileExists(atPath: previousPath) else {
            throw PredictionError(.noPrevious, "\(previousPath) does not exist: no predictor was replaced")
        }
        let predictor = try LatencyPredictor(file: previousPath)
        try Self.check(link(path, aside), "keep \(path)")
        try Self.check(rename(previousPath, path), "put \(previousPath) in the place of \(path)")
        try Self.check(rename(aside, previousPath), "keep the replaced predictor as \(previousPath)")
        return predictor
    }

    /// Name of the replaced predictor between the steps of an exchange.
    private var aside: String { path + ".aside" }

    /// Ends an exchange that was broken off: what lies aside is the previous predictor, or a second name of one that has
    /// another.
    private func recover() {
        if FileManager.default.fileExists(atPath: previousPath) { unlink(aside) } else { rename(aside, previousPath) }
    }

    private static func check(_ status: Int32, _ what: String) throws {
        guard status != 0 else { return }
        throw PredictionError(.system, "cannot \(what): \(String(cString: strerror(errno)))")
    }
}
