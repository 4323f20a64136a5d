/// One of the fixed actions of a `FlatView`. Each stands for at most one candidate of a decision.
public enum FlatAction: Sendable, Hashable, CustomStringConvertible {
    /// Let the control interval pass.
    case advance
    /// Bind the pod to be placed to this node.
    case place(node: Int)
    /// Change a service's desired replicas by `change`.
    case scale(service: Int, change: Int)
    /// Multiply the CPU request of a service's replicas by `factor`.
    case resize(service: Int, factor: Double)
    /// Evict, of a service's replicas on a node, the one that comes first on the list of candidates. They are all as
    /// much at risk; the one with the lowest id, which is the oldest, comes first.
    case evict(service: Int, node: Int)

    /// The action in words, such as `scale service 1 by -2`.
    public var description: String {
        switch self {
        case .advance: "advance"
        case .place(let node): "place on node \(node)"
        case .scale(let service, let change): "scale service \(service) by \(change > 0 ? "+" : "")\(change)"
        case .resize(let service, let factor): "resize service \(service) by \(factor)"
        case .evict(let service, let node): "evict service \(service) from node \(node)"
        }
    }
}
