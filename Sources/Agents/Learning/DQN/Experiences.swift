import Foundation

/// Transitions of one or several steps, as arrays side by side: element i of each belongs to transition i.
package struct Experiences<Observations: ObservationBatch>: Sendable {
    /// What the action was chosen from.
    package var observations: Observations
    /// The action that was taken.
    package var actions: [Int] = []
    /// Σ γ^Δt r over the transition's steps, Δt being the time from its beginning.
    package var returns: [Float] = []
    /// γ^Δt of the whole transition; 0 when it ended in a termination, after which there is nothing to come.
    package var discounts: [Float] = []
    /// What it led to.
    package var nextObservations: Observations

    /// No transitions between observations of the widths of `observations`.
    package init(like observations: Observations) {
        self.observations = observations.emptied()
        nextObservations = observations.emptied()
    }

    package var count: Int { actions.count }

    /// Removes all transitions and keeps the memory.
    package mutating func removeAll() {
        observations.removeAll()
        actions.removeAll(keepingCapacity: true)
        returns.removeAll(keepingCapacity: true)
        discounts.removeAll(keepingCapacity: true)
        nextObservations.removeAll()
    }

    /// Appends transition `index` of others.
    package mutating func append(_ index: Int, of other: Experiences) {
        observations.append(index, of: other.observations)
        actions.append(other.actions[index])
        returns.append(other.returns[index])
        discounts.append(other.discounts[index])
        nextObservations.append(index, of: other.nextObservations)
    }

    /// Appends the transitions `range` of others.
    package mutating func append(_ range: Range<Int>, of other: Experiences) {
        guard range != 0..<other.count else { return append(allOf: other) }
        for index in range { append(index, of: other) }
    }

    /// Appends all transitions of others.
    package mutating func append(allOf other: Experiences) {
        observations.append(allOf: other.observations)
        actions.append(contentsOf: other.actions)
        returns.append(contentsOf: other.returns)
        discounts.append(contentsOf: other.discounts)
        nextObservations.append(allOf: other.nextObservations)
    }
}

/// The last steps of one environment, until enough have been taken for a transition of n steps.
package struct PendingSteps<Observations: ObservationBatch>: Sendable, Codable {
    private var observations: Observations
    private var actions: [Int] = []
    private var rewards: [Double] = []
    private var elapsed: [Double] = []

    /// No steps.
    package init(like observations: Observations) { self.observations = observations.emptied() }

    /// Steps that have been begun.
    package var count: Int { actions.count }

    /// Begins a step with the action that was chosen from observation `index`.
    package mutating func begin(_ action: Int, from index: Int, of batch: Observations) {
        observations.append(index, of: batch)
        actions.append(action)
    }

    /// Ends the step that was begun last.
    package mutating func end(reward: Double, elapsed: Double) {
        rewards.append(reward)
        self.elapsed.append(elapsed)
    }

    /// Takes the transition from the oldest step to observation `next` of a batch out and appends it to `experiences`.
    package mutating func emit(
        to next: Int, of batch: Observations, isTerminated: Bool, discount: Double,
        into experiences: inout Experiences<Observations>
    ) {
        var (total, factor) = (0.0, 1.0)
        for step in rewards.indices {
            total += factor * rewards[step]
            factor *= power(discount, elapsed[step])
        }
        experiences.observations.append(0, of: observations)
        experiences.actions.append(actions[0])
        experiences.returns.append(Float(total))
        experiences.discounts.append(isTerminated ? 0 : Float(factor))
        experiences.nextObservations.append(next, of: batch)
        removeFirst()
    }

    /// Whether it holds as many observations, of these widths, as steps.
    package func isSound(rowWidths: [Int]) -> Bool {
        observations.rowWidths == rowWidths && observations.count == count && rewards.count == count
            && elapsed.count == count && actions.allSatisfy { $0 >= 0 }
    }

    private mutating func removeFirst() {
        actions.removeFirst()
        rewards.removeFirst()
        elapsed.removeFirst()
        guard !actions.isEmpty else { return observations.removeAll() }
        var rest = observations.emptied()
        for index in 1..<observations.count { rest.append(index, of: observations) }
        observations = rest
    }
}

/// The discount of a time; a whole interval, by far the most frequent, and none need no power.
private func power(_ discount: Double, _ elapsed: Double) -> Double {
    switch elapsed {
    case 0: 1
    case 1: discount
    default: pow(discount, elapsed)
    }
}
