/// Gymnasium's Taxi without rain or a fickle passenger, and without its time limit
/// (`TimeLimit(Taxi(seed:), limit: Taxi.timeLimit)` is Taxi-v4, and so is Taxi-v3: they differ in the rain).
///
/// A taxi in a grid of 5 × 5 fetches a passenger from one of four stands and drops them off at another (Dietterich,
/// "Hierarchical reinforcement learning with the MAXQ value function decomposition", JAIR 13, 2000):
///
///     R .|. . G
///     . .|. . .
///     . . . . .      stands: 0 R, 1 G, 2 Y, 3 B
///     .|. .|. .
///     Y|. .|B .
///
/// State ((5 × row + column) × 5 + passenger) × 4 + destination, with passenger 4 for one in the taxi. Actions 0 south,
/// 1 north, 2 east, 3 west, 4 pick up, 5 drop off. Reward −1 a step, 20 for the drop-off at the destination, which
/// terminates, −10 for a pick-up or drop-off that is not possible. The first state is uniform among those with the
/// passenger at a stand other than the destination.
public struct Taxi: TabularEnvironment, Codable {
    /// Longest episode of Taxi-v4 and Taxi-v3, in steps.
    public static let timeLimit = 200.0

    private static let size = 5
    private static let inTaxi = 4
    /// The squares 5 × row + column of the stands R, G, Y and B.
    private static let stands = [0, 4, 20, 23]
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

    /// What a state number stands for.
    private struct Scene {
        var square: Int
        var passenger: Int
        var destination: Int

        init(state: Int) {
            square = state / 20
            passenger = state / 4 % 5
            destination = state % 4
        }

        var state: Int { (square * 5 + passenger) * 4 + destination }
    }

    private static func makeTable() -> TransitionTable {
        let scenes = (0..<500).map { Scene(state: $0) }
        let isFirst = scenes.map { $0.passenger != inTaxi && $0.passenger != $0.destination }
        let firstCount = isFirst.count { $0 }
        return TransitionTable(
            environment: "Taxi", actions: ["south", "north", "east", "west", "pick up", "drop off"],
            firstStates: isFirst.map { $0 ? 1 / Double(firstCount) : 0 }
        ) { state, action in [transition(from: scenes[state], action: action)] }
    }

    private static func transition(from scene: Scene, action: Int) -> Transition {
        var next = scene
        var reward = -1.0
        var terminated = false
        let (row, column) = (scene.square / size, scene.square % size)
        switch action {
        case 0:
            if row < size - 1 { next.square += size }
        case 1:
            if row > 0 { next.square -= size }
        case 2:
            if !hasWallEast(ofRow: row, column: column) { next.square += 1 }
        case 3:
            if column > 0, !hasWallEast(ofRow: row, column: column - 1) { next.square -= 1 }
        case 4:
            if scene.passenger != inTaxi, scene.square == stands[scene.passenger] {
                next.passenger = inTaxi
            } else {
                reward = -10
            }
        default:
            if scene.passenger == inTaxi, scene.square == stands[scene.destination] {
                next.passenger = scene.destination
                reward = 20
                terminated = true
            } else if scene.passenger == inTaxi, let stand = stands.firstIndex(of: scene.square) {
                // A stand that is not the destination: the passenger gets out and the ride goes on.
                next.passenger = stand
            } else {
                reward = -10
            }
        }
        return Transition(probability: 1, state: next.state, reward: reward, terminated: terminated)
    }

    /// True with a wall, the grid's own included, between a square and the one to its east.
    private static func hasWallEast(ofRow row: Int, column: Int) -> Bool {
        switch (row, column) {
        case (_, 4), (0, 1), (1, 1), (3, 0), (3, 2), (4, 0), (4, 2): true
        default: false
        }
    }
}
