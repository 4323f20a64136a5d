import Foundation
import Testing

/// The built `berth` command, run as a user runs it.
struct BerthProcess {
    /// What a finished process left.
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The command beside this test program.
    static let executable = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "berth")

    /// Runs `berth`, or another program, to its end.
    static func run(
        executable: String? = nil, _ arguments: [String], in folder: String? = nil
    ) async throws -> Result {
        try await BerthProcess(executable: executable, arguments, in: folder).result()
    }

    /// Runs `berth` and sends it a signal as soon as a condition holds. A shell watches for it: a task of this program may
    /// have to wait for seconds behind other tests.
    /// - Parameter condition: a command of the shell, whose status 0 means that it holds.
    static func run(_ arguments: [String], sending signal: Int32, when condition: String) async throws -> Result {
        let script = """
            berth=$1; shift
            "$berth" "$@" & process=$!
            until \(condition); do kill -0 "$process" 2> /dev/null || break; sleep 0.01; done
            kill -\(signal) "$process"
            wait "$process"
            """
        return try await run(executable: "/bin/sh", ["-c", script, "sh", executable.path] + arguments)
    }

    private let process = Process()
    private let output: URL
    private let errors: URL

    /// Starts `berth`, or another program.
    init(executable: String? = nil, _ arguments: [String], in folder: String? = nil) throws {
        let name = FileManager.default.temporaryDirectory.appending(path: "berth-output-\(UUID().uuidString)")
        // Files and not pipes: a long output would fill a pipe that nobody reads.
        output = name.appendingPathExtension("out")
        errors = name.appendingPathExtension("err")
        try Data().write(to: output)
        try Data().write(to: errors)
        process.executableURL = executable.map { URL(filePath: $0) } ?? Self.executable
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        try process.run()
    }

    /// Sends a signal.
    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    var isRunning: Bool { process.isRunning }

    /// The most memory that the running process has held so far, in bytes.
    func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let peak = try #require(status.firstMatch(of: /VmHWM:\s+(\d+) kB/))
        return try #require(Int(peak.1)) * 1024
    }

    /// Waits for the end.
    func result() async throws -> Result {
        while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        defer {
            try? FileManager.default.removeItem(at: output)
            try? FileManager.default.removeItem(at: errors)
        }
        return Result(
            status: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }
}

/// A new folder, removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "berth-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// Root of the repository.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
