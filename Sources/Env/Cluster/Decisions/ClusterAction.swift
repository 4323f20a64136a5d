/// Something that can be done to a cluster. All but `advance` take no time.
public enum ClusterAction: Sendable, Hashable, Codable {
    /// Let the control interval pass.
    case advance
    /// Bind the pending pod with this id to the node with this index.
    case place(pod: Int, node: Int)
    /// Change a service's desired replicas by `change`, which is not 0.
    case scale(service: Int, change: Int)
    /// Multiply the CPU request of a service's replicas by `factor`: of new ones, and of running ones in place.
    case resize(service: Int, factor: Double)
    /// Evict the pod with this id; its service creates another, pending.
    case evict(pod: Int)
}

/// A choice to make now: one kind of action, never mixed.
public struct Decision: Sendable, Equatable, Codable {
    /// What is being decided.
    public enum Kind: Sendable, Equatable, Codable {
        /// Where the pending pod at this index of `ClusterSnapshot.pods` goes; candidates are its feasible nodes.
        case placement(podIndex: Int)
        /// What to do before time passes; candidates are `advance` and the legal scalings, resizings and evictions.
        case control
    }

    /// What is being decided.
    public var kind: Kind
    /// The legal actions; never empty.
    public var candidates: [ClusterAction]

    /// A decision among `candidates`.
    public init(kind: Kind, candidates: [ClusterAction]) {
        self.kind = kind
        self.candidates = candidates
    }
}
