public import Gym

/// A cluster as an environment of vectors and a fixed list of actions with a mask: `ClusterEnvironment` through a
/// `FlatView`.
///
/// An illegal action is an error. The reward, the passing of time and the ends of episodes are those of
/// `ClusterEnvironment`.
public struct FlatClusterEnvironment<Backend: ClusterBackend>: MaskedEnvironment {
    /// The view of the cluster.
    public let view: FlatView
    /// The environment that is viewed.
    public private(set) var base: ClusterEnvironment<Backend>
    private var encoder = ObservationEncoder()
    /// For each action of the view the candidate that it stands for, -1 for none.
    private var candidates: [Int]
    /// An episode has begun and is not over.
    public private(set) var isRunning = false

    /// An environment that begins with `reset`.
    /// - Precondition: the view was made for the rules of `base`.
    public init(_ base: ClusterEnvironment<Backend>, view: FlatView) {
        precondition(view.rules == base.settings.actions, "a flat view of other rules than the environment's")
        self.base = base
        self.view = view
        candidates = Array(repeating: -1, count: view.actions.count)
    }

    public var observationSpace: Box { view.observationSpace }
    /// All actions of the view; `isLegal` says which can be taken now.
    public var actionSpace: Discrete { Discrete(count: view.actions.count) }
    public var info: ClusterInfo { base.info }

    /// Whether `action` stands for a candidate of the current decision. After an episode's last step that is the
    /// decision that would have come next; before the first reset nothing is legal.
    public func isLegal(_ action: Int) -> Bool { candidates.indices.contains(action) && candidates[action] >= 0 }

    /// `action` where it is legal, otherwise the first one that is; `nil` before the first reset.
    public func legalAction(for action: Int) -> Int? {
        isLegal(action) ? action : candidates.firstIndex { $0 >= 0 }
    }

    /// The candidate of the current decision that `action` stands for; `nil` when it is not legal.
    public func candidate(of action: Int) -> Int? { isLegal(action) ? candidates[action] : nil }

    /// Writes 1 for each legal action and 0 for the others.
    /// - Precondition: `mask` has as many values as there are actions.
    public func writeActionMask(into mask: inout MutableSpan<UInt8>) {
        precondition(mask.count == candidates.count, "a mask of \(candidates.count) values")
        for index in candidates.indices { mask[index] = candidates[index] >= 0 ? 1 : 0 }
    }

    /// Starts an episode.
    /// - Throws: also `EnvironmentError` when the cluster does not fit into the view.
    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        isRunning = false
        try base.begin(seed: seed)
        try observe(into: &observation)
        isRunning = true
    }

    public mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        guard isRunning else { throw EnvironmentError.needsReset }
        guard view.actions.indices.contains(action) else {
            throw EnvironmentError("there is no action \(action): expected 0..<\(view.actions.count)")
        }
        guard let candidate = self.candidate(of: action) else { throw illegalAction(action) }
        let outcome = try base.perform(candidate)
        isRunning = !outcome.ended
        try observe(into: &observation)
        return outcome
    }

    /// The error of taking an action that is not legal now.
    public func illegalAction(_ action: Int) -> EnvironmentError {
        let name = view.actions.indices.contains(action) ? " (\(view.actions[action]))" : ""
        let legal = candidates.indices.filter { candidates[$0] >= 0 }
        let list = legal.prefix(8).map { "\($0)" }.joined(separator: ", ")
        return EnvironmentError(
            "action \(action)\(name) is not legal now: choose one whose mask is 1, which are \(list)"
                + (legal.count > 8 ? ", and \(legal.count - 8) more" : ""))
    }

    private mutating func observe(into observation: inout MutableSpan<Float>) throws {
        guard let decision = base.decision else { throw EnvironmentError.needsReset }
        let snapshot = base.snapshot
        if let problem = view.problem(with: snapshot) {
            isRunning = false
            throw EnvironmentError(problem)
        }
        view.match(decision, in: snapshot, into: &candidates)
        encoder.encode(decision, in: snapshot, view: view, into: &observation)
    }
}

extension FlatClusterEnvironment: Sendable where Backend: Sendable {}

/// Storable where the backend is: a decoded copy goes on as the original would.
extension FlatClusterEnvironment: Codable where Backend: Codable {
    private enum CodingKeys: String, CodingKey {
        case base, nodes, services, isRunning
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let base = try container.decode(ClusterEnvironment<Backend>.self, forKey: .base)
        let nodes = try container.decode(Int.self, forKey: .nodes)
        let services = try container.decode(Int.self, forKey: .services)
        guard nodes > 0, services > 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .nodes, in: container, debugDescription: "a flat view of no nodes or no services")
        }
        self.init(base, view: FlatView(nodes: nodes, services: services, rules: base.settings.actions))
        isRunning = try container.decode(Bool.self, forKey: .isRunning)
        if let decision = base.decision, view.problem(with: base.snapshot) == nil {
            view.match(decision, in: base.snapshot, into: &candidates)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(base, forKey: .base)
        try container.encode(view.nodes, forKey: .nodes)
        try container.encode(view.services, forKey: .services)
        try container.encode(isRunning, forKey: .isRunning)
    }
}
