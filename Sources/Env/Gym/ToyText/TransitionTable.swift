import Randomness

/// Every transition of a tabular environment, in one array.
struct TransitionTable: Sendable {
    /// For messages.
    let environment: String
    /// What each action does, for messages.
    let actions: [String]
    /// The probability of each state as the first of an episode.
    let firstStates: [Double]
    private let entries: [Transition]
    /// `entries` of state s and action a are those from `starts[s * actions.count + a]` to the next start.
    private let starts: [Int]

    /// The table with `transitions(s, a)` for each state and action.
    init(
        environment: String, actions: [String], firstStates: [Double],
        transitions: (_ state: Int, _ action: Int) -> [Transition]
    ) {
        var entries: [Transition] = []
        var starts = [0]
        for state in firstStates.indices {
            for action in actions.indices {
                entries += transitions(state, action)
                starts.append(entries.count)
            }
        }
        self.environment = environment
        self.actions = actions
        self.firstStates = firstStates
        self.entries = entries
        self.starts = starts
    }

    var observationSpace: Discrete { Discrete(count: firstStates.count) }
    var actionSpace: Discrete { Discrete(count: actions.count) }

    func transitions(from state: Int, action: Int) -> [Transition] { Array(entries[indices(state, action)]) }

    /// Draws what follows `action` in `state`; a certain transition takes nothing from the generator.
    func draw(from state: Int, action: Int, using generator: inout RandomGenerator) -> Transition {
        let range = indices(state, action)
        let last = range.upperBound - 1
        guard range.lowerBound < last else { return entries[last] }
        var remaining = generator.uniform()
        for index in range.lowerBound..<last {
            remaining -= entries[index].probability
            if remaining < 0 { return entries[index] }
        }
        return entries[last]
    }

    /// Draws the first state of an episode.
    func drawFirstState(using generator: inout RandomGenerator) -> Int {
        var remaining = generator.uniform()
        var chosen = 0
        // When the sum of the probabilities rounds to less than the draw, the last state that is possible is taken.
        for (state, probability) in firstStates.enumerated() where probability > 0 {
            chosen = state
            remaining -= probability
            if remaining < 0 { break }
        }
        return chosen
    }

    private func indices(_ state: Int, _ action: Int) -> Range<Int> {
        precondition(actions.indices.contains(action), "\(environment): no action \(action)")
        let row = state * actions.count + action
        return starts[row]..<starts[row + 1]
    }
}

/// Where an episode in a transition table stands.
struct TabularEpisode: Sendable, Codable {
    private(set) var state = 0
    private var generator: RandomGenerator
    private var isRunning = false

    /// No episode yet.
    init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    mutating func reset(seed: UInt64?, in table: TransitionTable) -> Int {
        if let seed { generator = RandomGenerator(seed: seed) }
        state = table.drawFirstState(using: &generator)
        isRunning = true
        return state
    }

    mutating func set(state: Int, in table: TransitionTable) {
        precondition(
            table.firstStates.indices.contains(state),
            "\(table.environment): state \(state) is not in \(table.firstStates.indices)")
        self.state = state
        isRunning = true
    }

    mutating func step(_ action: Int, in table: TransitionTable) throws -> (observation: Int, outcome: Outcome) {
        guard isRunning else { throw EnvironmentError.needsReset }
        guard table.actions.indices.contains(action) else {
            let valid = table.actions.enumerated().map { "\($0.offset) (\($0.element))" }.joined(separator: ", ")
            throw EnvironmentError("\(table.environment): action \(action) is not one of \(valid)")
        }
        let transition = table.draw(from: state, action: action, using: &generator)
        state = transition.state
        isRunning = !transition.terminated
        return (state, Outcome(reward: transition.reward, terminated: transition.terminated))
    }
}
