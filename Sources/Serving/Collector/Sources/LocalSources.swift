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
