/// A policy that places no pod where its service is predicted to miss its objective, unless no other node is left.
public struct RiskLimitedPolicy<Base: Policy>: Policy {
    /// The policy that chooses among what is left.
    public var base: Base
    private let predictor: PlacementPredictor

    /// Limits the placements of `base` by the risk limit of `predictor`.
    public init(_ base: Base, predictor: PlacementPredictor) {
        (self.base, self.predictor) = (base, predictor)
    }

    public mutating func reset() { base.reset() }

    /// The preferences of `base` among the candidates that are left, and 0 for the others; 1 for those that are left where it
    /// has none among them.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        var left = decision
        predictor.restrict(&left, in: snapshot)
        let preferences = try base.preferences(for: left, in: snapshot)
        guard left.candidates.count < decision.candidates.count, preferences.count == left.candidates.count else {
            return preferences
        }
        let isIndifferent = preferences.allSatisfy { $0 == 0 }
        var all: [Double] = []
        var next = 0
        for candidate in decision.candidates {
            if next < left.candidates.count, candidate == left.candidates[next] {
                all.append(isIndifferent ? 1 : preferences[next])
                next += 1
            } else {
                all.append(0)
            }
        }
        return all
    }
}

extension RiskLimitedPolicy: Sendable where Base: Sendable {}

extension Policy {
    /// The policy within the risk limit of a predictor.
    public func limited(by predictor: PlacementPredictor) -> any Policy {
        RiskLimitedPolicy(self, predictor: predictor)
    }
}

extension Policy where Self: Sendable {
    /// The policy within the risk limit of a predictor.
    public func limited(by predictor: PlacementPredictor) -> any Policy & Sendable {
        RiskLimitedPolicy(self, predictor: predictor)
    }
}
