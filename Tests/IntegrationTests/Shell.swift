import Foundation

/// Runs programs, without holding a thread of the cooperative pool while they run.
enum Shell {
    /// What a program printed and how it ended.
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// A program that did not end with status 0.
    struct Failure: Error, CustomStringConvertible {
        var command: String
        var result: Result

        var description: String {
            "'\(command)' ended with status \(result.status): \(result.errors.suffix(4000))\(result.output.suffix(1000))"
        }
    }

    /// Runs `command` and returns what it printed on standard output.
    ///
    /// - Parameters:
    ///   - command: the program, looked up on the PATH, and its arguments.
    ///   - environment: added to this process's own.
    ///   - seconds: it is ended after so long, with status 124.
    /// - Throws: `Failure` when its status is not 0.
    @discardableResult
    static func run(_ command: [String], environment: [String: String] = [:], seconds: Int = 120) async throws -> String
    {
        let result = try await attempt(command, environment: environment, seconds: seconds)
        guard result.status == 0 else { throw Failure(command: command.joined(separator: " "), result: result) }
        return result.output
    }

    /// Runs `command` and returns how it ended, whatever its status.
    static func attempt(_ command: [String], environment: [String: String] = [:], seconds: Int = 120) async throws
        -> Result
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("berth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files rather than pipes: nobody has to drain them while the program runs.
        let output = folder.appendingPathComponent("output")
        let errors = folder.appendingPathComponent("errors")
        for file in [output, errors] { try Data().write(to: file) }

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "--kill-after=60", "\(seconds)"] + command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        return Result(
            status: status, output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }
}
