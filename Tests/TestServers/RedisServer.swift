import Foundation
import Glibc

/// A Redis server of Debian's package on loopback, without files; it ends when this is released.
public final class RedisServer: Sendable {
    private static let executable = URL(filePath: "/usr/bin/redis-server")

    /// True when `scripts/setup.sh --test` has installed it.
    public static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: executable.path) }

    /// The port that it listens on.
    public let port: Int
    private let process: Process

    /// Starts a server and waits until it answers.
    /// - Parameter port: to listen on; a free one where `nil`.
    public init(port: Int? = nil, password: String? = nil) throws {
        self.port = try port ?? TextServer.freePort()
        process = Process()
        process.executableURL = Self.executable
        process.arguments =
            [
                "--port", "\(self.port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir",
                FileManager.default.temporaryDirectory.path,
            ] + (password.map { ["--requirepass", $0] } ?? [])
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        while (try? Loopback.connect(self.port)).map({ close($0) }) == nil {
            // Another process may have taken the port.
            guard process.isRunning else { throw POSIXError(.EADDRINUSE) }
            usleep(10_000)
        }
    }

    deinit { stop() }

    /// Ends the server, connections and all.
    public func stop() {
        guard process.isRunning else { return }
        // It may have inherited a thread's mask, in which SIGTERM is blocked; and it has nothing to save.
        send(SIGKILL)
        process.waitUntilExit()
    }

    /// Sends a signal: SIGSTOP makes it a server that is connected and never answers.
    public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }
}
