/// Gymnasium's FrozenLake-v1 without its time limit.
///
/// From the start to the goal over ice with holes. State row × width + column; actions 0 left, 1 down, 2 right, 3 up;
/// off the lake is where one stood. Slippery ice carries on in the chosen direction or in one of the two beside it,
/// each with probability 1/3. Reward 1 for reaching the goal, 0 otherwise; terminated at the goal and in a hole.
/// `TimeLimit(FrozenLake(seed:), limit: FrozenLake.timeLimit4x4)` is FrozenLake-v1, with the other map and limit
/// FrozenLake8x8-v1.
public struct FrozenLake: TabularEnvironment {
    /// The map of FrozenLake-v1.
    public static let map4x4 = ["SFFF", "FHFH", "FFFH", "HFFG"]
    /// The map of FrozenLake8x8-v1.
    public static let map8x8 = [
        "SFFFFFFF",
        "FFFFFFFF",
        "FFFHFFFF",
        "FFFFFHFF",
        "FFFHFFFF",
        "FHHFFFHF",
        "FHFFHFHF",
        "FFFHFFFG",
    ]
    /// Longest episode of FrozenLake-v1, in steps.
    public static let timeLimit4x4 = 100.0
    /// Longest episode of FrozenLake8x8-v1, in steps.
    public static let timeLimit8x8 = 200.0

    private static let successRate = 1.0 / 3.0

    /// Rows of S (start), F (ice), H (hole) and G (goal).
    public let map: [String]
    /// The ice carries in the chosen direction only some of the time.
    public let isSlippery: Bool
    private let table: TransitionTable
    private var episode: TabularEpisode

    /// An environment that has not been reset.
    /// - Parameters:
    ///   - map: rows of one length of the characters S, F, H and G; with several S, each is as likely the first state.
    ///   - isSlippery: whether moves go astray.
    /// - Precondition: `map` has a start and no other characters.
    public init(seed: UInt64, map: [String] = FrozenLake.map4x4, isSlippery: Bool = true) {
        if let problem = Self.problem(with: map) { preconditionFailure("FrozenLake: \(problem)") }
        self.init(map: map, isSlippery: isSlippery, episode: TabularEpisode(seed: seed))
    }

    private init(map: [String], isSlippery: Bool, episode: TabularEpisode) {
        self.map = map
        self.isSlippery = isSlippery
        self.episode = episode
        table = Self.table(of: map, isSlippery: isSlippery)
    }

    public var state: Int { episode.state }
    public var observationSpace: Discrete { table.observationSpace }
    public var actionSpace: Discrete { table.actionSpace }
    public var firstStates: [Double] { table.firstStates }

    public func transitions(from state: Int, action: Int) -> [Transition] {
        table.transitions(from: state, action: action)
    }

    public mutating func set(state: Int) { episode.set(state: state, in: table) }

    public mutating func reset(seed: UInt64?) throws -> Int { episode.reset(seed: seed, in: table) }

    public mutating func step(_ action: Int) throws -> (observation: Int, outcome: Outcome) {
        try episode.step(action, in: table)
    }

    private static func problem(with map: [String]) -> String? {
        guard let first = map.first, !first.isEmpty else { return "the map is empty" }
        for (index, row) in map.enumerated() {
            guard row.utf8.count == first.utf8.count else {
                return "row \(index) of the map has \(row.utf8.count) characters, row 0 has \(first.utf8.count)"
            }
            guard row.allSatisfy({ "SFHG".contains($0) }) else {
                return "row \(index) of the map is \"\(row)\", expected only S, F, H and G"
            }
        }
        return map.contains { $0.contains("S") } ? nil : "the map has no start S"
    }

    private static func table(of map: [String], isSlippery: Bool) -> TransitionTable {
        let (height, width) = (map.count, map[0].utf8.count)
        let tiles = map.flatMap { Array($0.utf8) }
        let (start, hole, goal) = (UInt8(ascii: "S"), UInt8(ascii: "H"), UInt8(ascii: "G"))
        let moves = [(row: 0, column: -1), (row: 1, column: 0), (row: 0, column: 1), (row: -1, column: 0)]

        func transition(from state: Int, direction: Int, probability: Double) -> Transition {
            let row = min(max(state / width + moves[direction].row, 0), height - 1)
            let column = min(max(state % width + moves[direction].column, 0), width - 1)
            let tile = tiles[row * width + column]
            return Transition(
                probability: probability, state: row * width + column, reward: tile == goal ? 1 : 0,
                terminated: tile == goal || tile == hole)
        }

        let startCount = tiles.count { $0 == start }
        return TransitionTable(
            environment: "FrozenLake", actions: ["left", "down", "right", "up"],
            firstStates: tiles.map { $0 == start ? 1 / Double(startCount) : 0 }
        ) { state, action in
            if tiles[state] == goal || tiles[state] == hole {
                return [Transition(probability: 1, state: state, reward: 0, terminated: true)]
            }
            guard isSlippery else { return [transition(from: state, direction: action, probability: 1)] }
            let astray = (1 - successRate) / 2
            return [
                transition(from: state, direction: (action + 3) % 4, probability: astray),
                transition(from: state, direction: action, probability: successRate),
                transition(from: state, direction: (action + 1) % 4, probability: astray),
            ]
        }
    }
}

extension FrozenLake: Codable {
    // The table follows from the map.
    private enum CodingKeys: String, CodingKey { case map, isSlippery, episode }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let map = try values.decode([String].self, forKey: .map)
        if let problem = Self.problem(with: map) {
            throw DecodingError.dataCorruptedError(forKey: .map, in: values, debugDescription: problem)
        }
        self.init(
            map: map, isSlippery: try values.decode(Bool.self, forKey: .isSlippery),
            episode: try values.decode(TabularEpisode.self, forKey: .episode))
    }
}
