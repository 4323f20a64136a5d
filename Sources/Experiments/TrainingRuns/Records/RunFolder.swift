import Checkpoints
import Foundation
import Glibc

/// The folder of one training run: `config.yaml`, `checkpoints/`, `metrics.csv`, TensorBoard's events,
/// `evaluation.json`, and of a run that is evaluated while it goes on `evaluations.csv` and `best.h5`.
public struct RunFolder: Sendable {
    /// Path of the folder.
    public let path: String

    /// The folder at a path, whether or not there is one yet.
    public init(path: String) { self.path = path }

    /// The run's configuration, with every default written out.
    public var configurationFile: String { "\(path)/config.yaml" }
    /// The figures of each iteration.
    public var metricsFile: String { "\(path)/metrics.csv" }
    /// What the trained policy returned.
    public var evaluationFile: String { "\(path)/evaluation.json" }
    /// What evaluations during training returned.
    public var evaluationsFile: String { "\(path)/evaluations.csv" }
    /// The checkpoint of the best policy that an evaluation found.
    public var bestFile: String { "\(path)/best.h5" }
    /// Where the checkpoints are.
    public var checkpointFolder: String { "\(path)/checkpoints" }

    /// The checkpoint of a step.
    func checkpointFile(step: Int) -> String {
        "\(checkpointFolder)/step-\(String(format: "%012d", step)).h5"
    }

    /// Makes the folder of a new run.
    /// - Parameters:
    ///   - overwrite: removes the run that is there.
    ///   - locking: keeps other processes out of it, as `lock` does.
    /// - Throws: `ExperimentError` when there is a run already and `overwrite` is false.
    public func create(overwrite: Bool, locking: Bool) throws {
        let files = FileManager.default
        let isThere = files.fileExists(atPath: checkpointFolder) || files.fileExists(atPath: configurationFile)
        if isThere {
            guard overwrite else {
                throw ExperimentError(
                    .runExists, "\(path) already holds a run",
                    hint: "continue it with --resume \(path), replace it with --overwrite, or name another --out")
            }
            if locking { try lock() }
            try removeRun()
        }
        do {
            try files.createDirectory(atPath: checkpointFolder, withIntermediateDirectories: true)
        } catch {
            throw ExperimentError(.unwritable, "cannot make the run folder \(path): \(error.localizedDescription)")
        }
        if locking, !isThere { try lock() }
    }

    /// Keeps other processes from training in the folder until this one ends.
    /// - Throws: `ExperimentError` when another one does.
    public func lock() throws {
        // Held by the open file and given back with it at the end of the process, however that comes.
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(descriptor)
            throw ExperimentError(
                .runInUse, "another process is training in \(path)", hint: "wait for it, or name another --out")
        }
    }

    /// Removes what a run wrote, and nothing else that may be in the folder.
    private func removeRun() throws {
        let files = FileManager.default
        for name in try files.contentsOfDirectory(atPath: path)
        where [
            "config.yaml", "metrics.csv", "evaluation.json", "evaluations.csv", "best.h5", "checkpoints",
        ].contains(name)
            || name.hasPrefix("events.out.tfevents.")
        {
            try files.removeItem(atPath: "\(path)/\(name)")
        }
    }

    /// Files of the checkpoints, oldest step first.
    public func checkpoints() throws -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpointFolder)) ?? []
        return names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }.sorted().map {
            "\(checkpointFolder)/\($0)"
        }
    }

    /// The newest checkpoint of a run.
    /// - Parameter path: the run's folder, or a checkpoint file itself.
    /// - Throws: `ExperimentError` when there is none.
    public static func newestCheckpoint(_ path: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw ExperimentError(.runMissing, "there is no run folder or checkpoint \(path)")
        }
        guard isFolder.boolValue else { return path }
        guard let newest = try RunFolder(path: path).checkpoints().last else {
            throw ExperimentError(
                .runMissing, "\(path) holds no checkpoint",
                hint: "expected \(path)/checkpoints/step-NUMBER.h5, as berth train writes; a run that ended before its "
                    + "first checkpoint starts from the beginning with --overwrite")
        }
        return newest
    }

    /// Removes all but the newest `count` checkpoints.
    func prune(keeping count: Int) throws {
        for file in try checkpoints().dropLast(count) { try FileManager.default.removeItem(atPath: file) }
    }
}
