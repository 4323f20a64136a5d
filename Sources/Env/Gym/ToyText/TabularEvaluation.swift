extension TabularEnvironment {
    /// The expected return of an episode with a fixed choice for each state, exact but for rounding.
    ///
    /// Iterative policy evaluation (Sutton and Barto, "Reinforcement learning: an introduction", section 4.1), one
    /// sweep for each step. Cost: steps × states × entries of a row.
    /// - Parameters:
    ///   - policy: an action for each state.
    ///   - steps: longest episode, 0 or more; what is missed after it counts as 0.
    ///   - discount: factor on the reward of each later step, in 0...1.
    /// - Returns: the mean of the discounted sum of rewards over first states and transitions.
    /// - Precondition: `policy` has an action of the action space for each state.
    public func expectedReturn(of policy: [Int], within steps: Int, discount: Double = 1) -> Double {
        precondition(policy.count == observationSpace.count, "a policy needs an action for each state")
        let rows = policy.indices.map { [transitions(from: $0, action: policy[$0])] }
        return bestReturn(among: rows, within: steps, discount: discount)
    }

    /// The greatest expected return of an episode of at most `steps` steps, undiscounted, over all policies, those
    /// that look at the time left included: what no agent can exceed on average.
    ///
    /// Backward induction (Puterman, "Markov decision processes", 1994, section 4.5). Cost: steps × states × actions ×
    /// entries of a row.
    /// - Parameter steps: longest episode, 0 or more.
    public func optimalReturn(within steps: Int) -> Double {
        let actions = 0..<actionSpace.count
        let rows = (0..<observationSpace.count).map { state in
            actions.map { transitions(from: state, action: $0) }
        }
        return bestReturn(among: rows, within: steps, discount: 1)
    }

    /// The expected return of the best choice at each step.
    /// - Parameter rows: for each state, the transitions of each action that is open to choice there.
    private func bestReturn(among rows: [[[Transition]]], within steps: Int, discount: Double) -> Double {
        precondition(steps >= 0, "a negative number of steps")
        var values = [Double](repeating: 0, count: rows.count)
        for _ in 0..<steps {
            let later = values
            for (state, choices) in rows.enumerated() {
                var best = -Double.infinity
                for choice in choices {
                    var value = 0.0
                    for transition in choice {
                        let future = transition.terminated ? 0 : discount * later[transition.state]
                        value += transition.probability * (transition.reward + future)
                    }
                    best = max(best, value)
                }
                values[state] = best
            }
        }
        return zip(firstStates, values).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
