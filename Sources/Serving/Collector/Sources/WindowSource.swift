import Windows
import Telemetry

/// When in a window a source is asked.
public enum WindowMoment: Sendable, Hashable {
    /// As it begins: counters are read a first time.
    case start
    /// As it ends: counters are read again, and sources that keep a window of their own are asked for it.
    case end
}

/// Something that measures nodes.
public protocol WindowSource: Sendable {
    /// What it is called in replies and metrics.
    var name: String { get }

    /// Whether it knows of `node`; where no source does, no window is begun.
    /// - Throws: what went wrong, where it cannot say.
    func measures(_ node: String) async throws -> Bool

    /// What it says of `node` now; nothing where it has nothing to say at this moment.
    /// - Parameters:
    ///   - node: a node that it measures.
    ///   - scope: what of its machine the node is.
    ///   - moment: the window's start or end.
    ///   - time: the present, in seconds since 1970.
    /// - Throws: what went wrong; the source's values are then missing.
    func read(_ node: String, _ scope: NodeScope, _ moment: WindowMoment, at time: Double) async throws -> [NodeReading]

    /// Returns where the source can be asked.
    /// - Throws: why it cannot.
    func check() async throws
}
