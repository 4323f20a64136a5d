import Windows

/// The names of the features that an encoder writes, in order: what a checkpoint stores and a policy must agree with.
public struct FeatureSchema: Sendable, Equatable, Codable {
    /// Features of the context row.
    public var context: [String]
    /// Features of a node row.
    public var node: [String]
    /// Features of a candidate row.
    public var candidate: [String]

    /// A schema of these features.
    public init(context: [String], node: [String], candidate: [String]) {
        self.context = context
        self.node = node
        self.candidate = candidate
    }

    /// Says how another schema differs from this one, naming the first feature that does; `nil` when it does not.
    public func difference(from other: FeatureSchema) -> String? {
        for (row, ours, theirs) in [
            ("context", context, other.context), ("node", node, other.node), ("candidate", candidate, other.candidate),
        ] {
            for index in 0..<max(ours.count, theirs.count) {
                let expected = index < ours.count ? "'\(ours[index])'" : "nothing"
                let found = index < theirs.count ? "'\(theirs[index])'" : "nothing"
                if expected != found { return "\(row) feature \(index) is \(found), expected \(expected)" }
            }
        }
        return nil
    }
}

/// Where the next feature of a row goes. Features are clipped to the encoder's bound; a missing one is 0 with mask 0.
struct FeatureCursor {
    var position: Int

    @inline(__always)
    mutating func put(_ value: Double, into row: inout MutableSpan<Float>) {
        row[position] = Float(max(-ObservationEncoder.bound, min(ObservationEncoder.bound, value)))
        position += 1
    }

    /// A value and its mask feature: 1 when it was measured.
    @inline(__always)
    mutating func put(measured value: Double?, into row: inout MutableSpan<Float>) {
        if let value, value.isFinite {
            put(value, into: &row)
            put(1, into: &row)
        } else {
            position += 2
        }
    }

    /// Four features: CPU and memory requested on a node, and the CPU in use there with its mask, once `pod`, which
    /// uses `usage` cores, has come (`sign` 1) or gone (-1).
    @inline(__always)
    mutating func put(
        _ node: Node, changedBy pod: Pod, sign: Double, usage: Double, into row: inout MutableSpan<Float>
    ) {
        let cpu = max(1e-9, node.allocatable.cpu)
        put((node.requested.cpu + sign * pod.requests.cpu) / cpu, into: &row)
        put((node.requested.memory + sign * pod.requests.memory) / max(1, node.allocatable.memory), into: &row)
        put(measured: node.cpuUsage.map { ($0.value + sign * usage) / cpu }, into: &row)
    }
}
