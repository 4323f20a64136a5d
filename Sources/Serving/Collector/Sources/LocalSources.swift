import Windows
import Foundation
public import Telemetry

/// The kernel of the machine that the collector runs on.
public struct ProcSource: WindowSource {
    /// "proc"
    public let name = "proc"
    private let node: String
    private let root: String

    /// The kernel of the machine that is `node`, whose /proc is at `root`.
    public init(node: String, root: String = "/proc") {
        self.node = node
        self.root = root
    }

    /// Whether it is the machine's own node.
    public func measures(_ node: String) -> Bool { node == self.node }

    /// Reads the counters.
    public func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) throws
        -> [NodeReading]
    {
        [.machine(try MachineReading(proc: root, time: time))]
    }

    /// Reads the counters once.
    public func check() throws {
        _ = try MachineReading(proc: root, time: 0)
    }
}

/// The pcm-sensor-server of the machine that the collector runs on.
public struct PCMSource: WindowSource {
    /// "pcm"
    public let name = "pcm"
    private let node: String
    private let endpoint: PCMEndpoint
    private let seconds: Int

    /// The server at `endpoint`, which measures `node`.
    /// - Parameter seconds: the window's length, within `PCMEndpoint.windows`.
    public init(node: String, endpoint: PCMEndpoint, seconds: Int) {
        self.node = node
        self.endpoint = endpoint
        self.seconds = seconds
    }

    /// Whether it is the machine's own node.
    public func measures(_ node: String) -> Bool { node == self.node }

    /// Asks at the end for the window that has passed: the server keeps it.
    public func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) async throws
        -> [NodeReading]
    {
        // A window of a shared machine would be thrown away.
        guard moment == .end, !scope.isShared else { return [] }
        return [.pcm(try await endpoint.window(seconds: seconds, at: time))]
    }

    /// Asks for the last second.
    public func check() async throws {
        _ = try await endpoint.window(seconds: 1, at: 0)
    }
}

/// What `pcm` writes to a file on the machine that the collector runs on: `pcm 20 -csv=FILE`.
public struct PCMFileSource: WindowSource {
    /// "pcm"
    public let name = "pcm"
    private let node: String
    private let path: String
    private let seconds: Int

    /// Bytes that hold the header, and at the end the last rows.
    private static let head = 1 << 15
    private static let tail = 1 << 15

    /// The file at `path`, whose rows measure `node`.
    /// - Parameter seconds: what `pcm` was told: the window's length.
    public init(node: String, path: String, seconds: Int) {
        (self.node, self.path, self.seconds) = (node, path, seconds)
    }

    /// Whether it is the machine's own node.
    public func measures(_ node: String) -> Bool { node == self.node }

    /// Reads at the end the last whole row; it is of some moment within the window.
    public func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) throws
        -> [NodeReading]
    {
        guard moment == .end, !scope.isShared else { return [] }
        let last = try rows(now: time).last { $0.time <= time + 1 && time - $0.time <= 2 * Double(seconds) }
        return last.map { [.pcm($0)] } ?? []
    }

    /// Reads the file once.
    public func check() throws {
        _ = try rows(now: Date.now.timeIntervalSince1970)
    }

    /// The rows at the file's end.
    private func rows(now: Double) throws -> [PCMFigures] {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw CollectorError("local.pcmFile: \(path) cannot be read: see that `pcm \(seconds) -csv=\(path)` runs")
        }
        defer { try? file.close() }
        let size = try file.seekToEnd()
        try file.seek(toOffset: 0)
        var bytes = try file.read(upToCount: Self.head) ?? Data()
        if size > UInt64(bytes.count) {
            // What lies between is cut off at line feeds: a row is whole or not there.
            let start = max(UInt64(bytes.count), size > UInt64(Self.tail) ? size - UInt64(Self.tail) : 0)
            try file.seek(toOffset: start)
            let rest = try file.readToEnd() ?? Data()
            if start > UInt64(bytes.count) {
                bytes = bytes.prefix(through: bytes.lastIndex(of: 0x0A) ?? bytes.startIndex)
                bytes += rest[(rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex)...]
            } else {
                bytes += rest
            }
        }
        // pcm writes its machine's local time.
        let offset = -Double(TimeZone.current.secondsFromGMT(for: Date(timeIntervalSince1970: now)))
        return try PCMTable.rows(
            of: String(decoding: bytes, as: UTF8.self), seconds: Double(seconds), utcOffset: offset)
    }
}
