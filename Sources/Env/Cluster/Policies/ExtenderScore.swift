/// The scores that an extender gives to nodes.
public enum ExtenderScore {
    /// The greatest score that kube-scheduler takes from an extender.
    public static let greatest = 10

    /// Scores of candidates from a policy's preferences: round(10 · preference / largest), where only the best is at
    /// 10, with its equals, and all others at most at 9.
    /// - Parameter preferences: finite and not negative; a value that is neither counts as 0.
    /// - Returns: integers from 0 to 10, one for each preference.
    public static func scores(_ preferences: [Double]) -> [Int] {
        let usable = preferences.map { $0.isFinite ? max(0, $0) : 0 }
        guard let best = usable.max() else { return [] }
        return usable.map { preference in
            if preference == best { return greatest }
            return min(greatest - 1, Int((Double(greatest) * preference / best).rounded()))
        }
    }
}

/// What kube-scheduler makes of a policy that it asks through an extender: every figure claimed for the extender goes
/// through this.
///
/// Preferences become integers from 0 to 10, are multiplied by the extender's weight and by 10, and are added to the
/// points of the scheduler's own plugins; equals are drawn at random by `choose`. In a cluster of 100 nodes or more
/// only so many feasible ones are scored as kube-scheduler's `numFeasibleNodesToFind` says: it looks at the nodes in
/// turn, from where it stopped the last time, until it has found them. Control decisions pass through unchanged.
public struct ServedPlacement: Policy {
    /// The policy behind the extender.
    public var base: any Policy
    /// Points of the scheduler's own score plugins; `nil` when they are disabled.
    public var plugins: (any Policy)?
    /// Weight of the extender in the scheduler's configuration.
    public let weight: Int
    /// Index of the node that the next search for feasible ones starts at.
    private var nextStart = 0

    /// Serves `base` to a scheduler whose configuration gives the extender `weight`.
    public init(_ base: any Policy, plugins: (any Policy)? = nil, weight: Int = 1) {
        self.base = base
        self.plugins = plugins
        self.weight = weight
    }

    public mutating func reset() {
        base.reset()
        plugins?.reset()
        nextStart = 0
    }

    /// Number of feasible nodes that kube-scheduler scores at most in a cluster of `nodes`, feasible or not: all below
    /// 100, else 50 % - nodes / 125 but at least 5 % and at least 100.
    public static func sampleSize(of nodes: Int) -> Int {
        guard nodes >= 100 else { return nodes }
        let percentage = max(5, 50 - nodes / 125)
        return max(100, nodes * percentage / 100)
    }

    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        guard case .placement = decision.kind else { return try base.preferences(for: decision, in: snapshot) }
        let count = decision.candidates.count
        let size = Self.sampleSize(of: snapshot.nodes.count)
        // With fewer feasible nodes the search goes once round all nodes and ends where it began.
        guard size < count else { return try points(for: decision, in: snapshot) }
        // Candidates are in the order of their nodes.
        let first = decision.candidates.firstIndex { Self.node($0) >= nextStart } ?? 0
        let sample = (0..<size).map { (first + $0) % count }
        nextStart = (Self.node(decision.candidates[(first + size - 1) % count]) + 1) % snapshot.nodes.count
        let sampled = Decision(kind: decision.kind, candidates: sample.map { decision.candidates[$0] })
        var preferences = [Double](repeating: 0, count: count)
        // One point more than any sampled node can lose, so that a node outside the sample is never chosen.
        for (index, points) in zip(sample, try points(for: sampled, in: snapshot)) { preferences[index] = points + 1 }
        return preferences
    }

    /// Index of the node that a placement names.
    private static func node(_ action: ClusterAction) -> Int {
        if case .place(_, let node) = action { node } else { 0 }
    }

    private mutating func points(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        let scores = ExtenderScore.scores(try base.preferences(for: decision, in: snapshot))
        var points = scores.map { Double($0 * weight * 10) }
        if let own = try plugins?.preferences(for: decision, in: snapshot) {
            for index in points.indices { points[index] += own[index] }
        }
        return points
    }
}
