/// Gymnasium's CliffWalking-v1, not slippery; it has no time limit.
///
/// From the lower left to the lower right corner of a grid of 4 rows and 12 columns, along a cliff between the two
/// (Sutton and Barto, "Reinforcement learning: an introduction", 2nd edition, example 6.6). State 12 × row + column;
/// actions 0 up, 1 right, 2 down, 3 left; off the grid is where one stood. Reward −1 a step, −100 for one off the
/// cliff, which goes back to the start and does not end the episode; terminated at the goal.
public struct CliffWalking: TabularEnvironment, Codable {
    private static let height = 4
    private static let width = 12
    private static let start = 36
    private static let goal = 47
    private static let table = makeTable()

    private var episode: TabularEpisode

    /// An environment that has not been reset.
    public init(seed: UInt64) { episode = TabularEpisode(seed: seed) }

    public var state: Int { episode.state }
    public var observationSpace: Discrete { Self.table.observationSpace }
    public var actionSpace: Discrete { Self.table.actionSpace }
    public var firstStates: [Double] { Self.table.firstStates }

    public func transitions(from state: Int, action: Int) -> [Transition] {
        Self.table.transitions(from: state, action: action)
    }

    public mutating func set(state: Int) { episode.set(state: state, in: Self.table) }

    public mutating func reset(seed: UInt64?) throws -> Int { episode.reset(seed: seed, in: Self.table) }

    public mutating func step(_ action: Int) throws -> (observation: Int, outcome: Outcome) {
        try episode.step(action, in: Self.table)
    }

    private static func makeTable() -> TransitionTable {
        TransitionTable(
            environment: "CliffWalking", actions: ["up", "right", "down", "left"],
            firstStates: (0..<height * width).map { $0 == start ? 1 : 0 }
        ) { state, action in [transition(from: state, action: action)] }
    }

    private static func transition(from state: Int, action: Int) -> Transition {
        let moves = [(row: -1, column: 0), (row: 0, column: 1), (row: 1, column: 0), (row: 0, column: -1)]
        let row = min(max(state / width + moves[action].row, 0), height - 1)
        let column = min(max(state % width + moves[action].column, 0), width - 1)
        let next = row * width + column
        if start < next && next < goal {
            return Transition(probability: 1, state: start, reward: -100, terminated: false)
        }
        return Transition(probability: 1, state: next, reward: -1, terminated: next == goal)
    }
}
