/// Numbers the state-action pairs of an environment, so that a table can hold a value for each.
public protocol Discretizer: Sendable {
    /// What the environment shows.
    associatedtype Observation: Sendable, Codable

    /// Entries of the table; `Int.max` where there would be more.
    var count: Int { get }

    /// The bins that observations fall into: a checkpoint keeps them, since a table means nothing without. Empty
    /// where nothing is divided.
    var bins: [BinSettings] { get }

    /// Replaces `entries` by the table's index of each legal action, in the order of the decision's actions.
    ///
    /// An observation that does not fit gives none.
    /// - Parameters:
    ///   - observation: what the environment shows.
    ///   - actions: legal actions of the environment's action space.
    ///   - entries: indices from 0 to `count` - 1; its memory is kept.
    func entries(of observation: Observation, actions: Int, into entries: inout [Int])
}

extension Discretizer {
    /// Nothing is divided.
    public var bins: [BinSettings] { [] }
}

/// States that are numbered already: the entry of action a in state s is s · actions + a.
public struct StateDiscretizer: Discretizer, Equatable {
    public typealias Observation = Int

    /// Number of states.
    public let states: Int
    /// Number of actions of each state.
    public let actions: Int

    /// A numbering of `states` × `actions` pairs.
    public init(states: Int, actions: Int) {
        (self.states, self.actions) = (states, actions)
    }

    public var count: Int { saturatingProduct(states, actions) }

    public func entries(of observation: Int, actions: Int, into entries: inout [Int]) {
        entries.removeAll(keepingCapacity: true)
        guard observation >= 0, observation < states else { return }
        let first = observation * self.actions
        for action in 0..<min(actions, self.actions) { entries.append(first + action) }
    }
}

/// Product of two counts; `Int.max` when it is greater.
func saturatingProduct(_ one: Int, _ other: Int) -> Int {
    let (product, overflow) = one.multipliedReportingOverflow(by: other)
    return overflow ? Int.max : product
}
