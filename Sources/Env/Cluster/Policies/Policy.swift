public import Randomness

/// Decides among candidates.
public protocol Policy {
    /// Forgets what it remembers of an episode; called before each one.
    mutating func reset()

    /// How much the policy wants each candidate: finite, not negative, in the order of `decision.candidates`; the
    /// largest is its choice. A learned policy gives its probabilities.
    mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double]
}

extension Policy {
    /// Nothing to forget.
    public mutating func reset() {}

    /// Index of the candidate with the largest preference, drawn uniformly among equals as kube-scheduler does.
    /// - Throws: `PolicyError` when the policy gave no or unusable preferences.
    public mutating func choose(
        _ decision: Decision, in snapshot: ClusterSnapshot, using generator: inout RandomGenerator
    ) throws -> Int {
        let preferences = try preferences(for: decision, in: snapshot)
        guard preferences.count == decision.candidates.count else {
            throw PolicyError(
                "the policy gave \(preferences.count) preferences for \(decision.candidates.count) candidates")
        }
        guard var best = preferences.first else { throw PolicyError("a decision without candidates") }
        guard preferences.allSatisfy(\.isFinite) else {
            throw PolicyError("the policy's preferences hold a value that is not finite: \(preferences)")
        }
        var choice = 0
        var equals = 1
        for index in preferences.indices.dropFirst() {
            if preferences[index] > best {
                (best, choice, equals) = (preferences[index], index, 1)
            } else if preferences[index] == best {
                equals += 1
                if generator.index(below: equals) == 0 { choice = index }
            }
        }
        return choice
    }
}

/// Why a policy could not decide.
public struct PolicyError: Error, CustomStringConvertible, Sendable {
    /// What was wrong.
    public let description: String

    /// An error with its message.
    public init(_ description: String) { self.description = description }
}

/// Places by one policy and controls by another: "policy places, HPA scales".
public struct CompositePolicy: Policy {
    /// Decides placements.
    public var placement: any Policy
    /// Decides control.
    public var control: any Policy

    /// Dispatches on the kind of decision.
    public init(placement: any Policy, control: any Policy) {
        self.placement = placement
        self.control = control
    }

    public mutating func reset() {
        placement.reset()
        control.reset()
    }

    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        switch decision.kind {
        case .placement: try placement.preferences(for: decision, in: snapshot)
        case .control: try control.preferences(for: decision, in: snapshot)
        }
    }
}
