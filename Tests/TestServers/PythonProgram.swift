public import Foundation

/// A program for the Python of .venv, which has the packages of scripts/test-requirements.txt.
public struct PythonProgram: Sendable {
    /// Why a program has not run to its end in silence.
    public struct Failure: Error, CustomStringConvertible, Sendable {
        /// How it ended and what it wrote to its standard error.
        public let description: String
    }

    private static let interpreter = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: ".venv/bin/python")

    /// True when `scripts/setup.sh --test` has made .venv.
    public static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: interpreter.path) }

    private let source: String

    /// A program with its source text.
    public init(_ source: String) { self.source = source }

    /// Runs the program and waits for its end.
    /// - Parameter arguments: its `sys.argv[1:]`.
    /// - Returns: what it wrote to its standard output.
    /// - Throws: `Failure` when it ends with another status than 0 or writes to its standard error.
    public func run(_ arguments: [String] = []) throws -> Data {
        // Errors go to a file: a program that fills a pipe which nobody reads would wait forever.
        let errors = FileManager.default.temporaryDirectory.appending(path: "berth-python-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        let errorHandle = try FileHandle(forWritingTo: errors)
        let output = Pipe()
        let process = Process()
        process.executableURL = Self.interpreter
        process.arguments = ["-c", source] + arguments
        process.standardOutput = output
        process.standardError = errorHandle
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try errorHandle.close()
        let messages = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
        guard process.terminationStatus == 0, messages.isEmpty else {
            throw Failure(
                description: "Python ended with status \(process.terminationStatus) (for a missing module run "
                    + "scripts/setup.sh --test) and wrote:\n\(messages)")
        }
        return data
    }

    /// Runs the program and reads its standard output as text.
    public func text(_ arguments: [String] = []) throws -> String {
        String(decoding: try run(arguments), as: UTF8.self)
    }
}
