import Foundation
import Glibc
import HTTP
import JSON

extension ExecPlugin {
    /// Runs the program on a thread of its own and reads what it prints.
    /// - Throws: `AccessError`.
    func run(for access: ClusterAccess) async throws -> PluginCredential {
        let information = try self.information(for: access).bytes
        let outcome: Result<[UInt8], AccessError> = await withCheckedContinuation { continuation in
            let thread = Thread {
                continuation.resume(returning: Result { () throws(AccessError) in try runAndWait(information) })
            }
            thread.name = "exec-plugin"
            thread.start()
        }
        return try parse(try outcome.get())
    }

    private func runAndWait(_ information: [UInt8]) throws(AccessError) -> [UInt8] {
        var variables = ProcessInfo.processInfo.environment
        for variable in environment { variables[variable.name] = variable.value }
        variables["KUBERNETES_EXEC_INFO"] = String(decoding: information, as: UTF8.self)
        guard let path = Self.find(command, along: variables["PATH"]) else {
            throw failure("there is no such program" + (installHint.map { ". \($0)" } ?? ""))
        }
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = variables
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        do {
            try process.run()
        } catch {
            throw failure("it cannot be started: \(error)")
        }
        let read = Self.drain(
            output.fileHandleForReading.fileDescriptor, errors.fileHandleForReading.fileDescriptor, seconds: timeout)
        guard let (printed, complaint) = read else {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            throw failure("it was still running after \(timeout) seconds")
        }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let text = String(decoding: complaint.prefix(1_000), as: UTF8.self)[...].trimmed
            throw failure("it ended with status \(process.terminationStatus)" + (text.isEmpty ? "" : ": \(text)"))
        }
        return printed
    }

    private func failure(_ message: String) -> AccessError {
        AccessError(code: .plugin, place: "exec plugin \(command)", message: message)
    }

    /// The program's file, found as a shell would.
    private static func find(_ command: String, along path: String?) -> String? {
        let candidates =
            command.contains("/")
            ? [command] : (path ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(command)" }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Reads both pipes to their ends; `nil` where that takes longer than `seconds`. Both at once, since a program that
    /// fills the one that nobody reads would wait forever. No more than a megabyte of each is kept.
    private static func drain(
        _ output: Int32, _ errors: Int32, seconds: Double
    ) -> (output: [UInt8], errors: [UInt8])? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var watched = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        var collected: [[UInt8]] = [[], []]
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while watched.contains(where: { $0.fd >= 0 }) {
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else { return nil }
            guard poll(&watched, nfds_t(watched.count), Int32(min(left.rounded(.up), 60_000))) >= 0 || errno == EINTR
            else { return nil }
            for index in watched.indices where watched[index].fd >= 0 && watched[index].revents != 0 {
                let count = read(watched[index].fd, &buffer, buffer.count)
                if count > 0 {
                    if collected[index].count < 1 << 20 { collected[index] += buffer[..<count] }
                } else {
                    // poll passes over negative descriptors.
                    watched[index].fd = -1
                }
            }
        }
        return (collected[0], collected[1])
    }
}
