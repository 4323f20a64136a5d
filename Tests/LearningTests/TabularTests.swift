import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import Testing

/// Walks over numbered states as a table says, and keeps what was done.
private struct Walk: Environment, Sendable, Codable {
    struct Move: Sendable, Codable {
        var next = 0
        var reward = 0.0
        var elapsed = 1.0
        var terminates = false
        var truncates = false
    }

    /// By state, then by action; every state has the same number of actions.
    var moves: [[Move]]
    var state = 0
    /// state · actions + action of each step since the beginning.
    var history: [Int] = []

    var observationSpace: Discrete { Discrete(count: moves.count) }
    var actionSpace: Discrete { Discrete(count: moves[0].count) }

    mutating func reset(seed: UInt64?) throws -> Int {
        state = 0
        return state
    }

    mutating func step(_ action: Int) throws -> (observation: Int, outcome: Outcome) {
        guard moves[state].indices.contains(action) else { throw EnvironmentError("there is no action \(action)") }
        history.append(state * moves[0].count + action)
        let move = moves[state][action]
        state = move.next
        let outcome = Outcome(
            reward: move.reward, elapsed: move.elapsed, terminated: move.terminates, truncated: move.truncates)
        return (state, outcome)
    }
}

/// Two rooms. The first has a door 0 to the second and a door 1 to a reward of 100; the second has only a door 1, to a
/// reward of 1. It refuses what is not on the list.
private struct Rooms: CandidateEnvironment, Sendable, Codable {
    static let schema = FeatureSchema(context: ["room"], node: ["nothing"], candidate: ["door"])

    var room = 0

    var observationSpace: CandidateSpace {
        CandidateSpace(contextWidth: 1, nodeWidth: 1, candidateWidth: 1, bound: 1)
    }
    var actionSpace: Discrete { Discrete(count: doors.count) }
    private var doors: [Float] { room == 0 ? [0, 1] : [1] }

    mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        room = 0
        observe(&batch)
    }

    mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        guard doors.indices.contains(action) else { throw EnvironmentError("there is no door \(action)") }
        var outcome = Outcome(reward: 0)
        if room == 0 && action == 0 {
            room = 1
        } else {
            outcome = Outcome(reward: room == 0 ? 100 : 1, terminated: true)
        }
        observe(&batch)
        return outcome
    }

    private func observe(_ batch: inout CandidateBatch) {
        let (room, doors) = (room, doors)
        batch.append(nodeCount: 0, candidateCount: doors.count) { context, _, candidates in
            context[0] = Float(room)
            for index in doors.indices { candidates[index] = doors[index] }
        }
    }
}

/// Shows what is no number, or out of all bounds.
private struct BrokenSensor: FlatEnvironment, Sendable, Codable {
    static let readings: [Float] = [.nan, .infinity, -.infinity, 1e30]

    var steps = 0

    var observationSpace: Box { Box(low: [-1], high: [1]) }
    var actionSpace: Discrete { Discrete(count: 2) }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        observation[0] = Self.readings[steps % 4]
    }

    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        steps += 1
        observation[0] = Self.readings[steps % 4]
        return Outcome(reward: Double(action), terminated: steps % 9 == 0)
    }
}

/// Names for the features of `PickLargest.space`.
private let pickSchema = FeatureSchema(
    context: ["a", "b"], node: ["c", "d", "e"], candidate: ["f", "g", "h", "i"])

private typealias Cliff = TimeLimit<CliffWalking>
private typealias Pole = TimeLimit<CartPole>

/// Settings without exploration, and what most tests change.
private func tabular(
    _ algorithm: TabularAlgorithm, rate: Double = 1, discount: Double = 0.5, exploration: Double = 0, steps: Int
) -> TabularSettings {
    var settings = TabularSettings()
    settings.algorithm = algorithm
    settings.learningRate = rate
    settings.discount = discount
    (settings.exploration.start, settings.exploration.end) = (exploration, exploration)
    settings.stepsPerIteration = steps
    return settings
}

private func walker(
    _ moves: [[Walk.Move]], _ settings: TabularSettings
) throws -> TabularLearner<Walk, StateDiscretizer> {
    let walk = Walk(moves: moves)
    return try TabularLearner(
        settings: settings, environment: walk,
        discretizer: settings.states(walk.observationSpace, actions: walk.actionSpace), seed: 1)
}

private func cliffWalker(_ settings: TabularSettings, seed: UInt64) throws -> TabularLearner<Cliff, StateDiscretizer> {
    let environment = TimeLimit(CliffWalking(seed: 0), limit: 1000)
    return try TabularLearner(
        settings: settings, environment: environment,
        discretizer: settings.states(environment.observationSpace, actions: environment.actionSpace), seed: seed)
}

/// The balance of the pole in bins; where the cart is, is not looked at.
private func poleBalancer(_ settings: TabularSettings, seed: UInt64) throws -> TabularLearner<Pole, BoxDiscretizer> {
    var settings = settings
    settings.bins = [
        BinSettings("1", low: -0.75, high: 0.75, bins: 3), BinSettings("2", low: -0.2, high: 0.2, bins: 6),
        BinSettings("3", low: -1, high: 1, bins: 10),
    ]
    let environment = TimeLimit(CartPole(seed: 0), limit: 500)
    return try TabularLearner(
        settings: settings, environment: environment,
        discretizer: settings.box(environment.observationSpace, actions: environment.actionSpace), seed: seed)
}

@Suite("Updates of a table of action values")
struct TabularUpdateTests {
    @Test("are those worked out by hand, and are reported", arguments: TabularAlgorithm.allCases)
    func byHand(algorithm: TabularAlgorithm) throws {
        let moves = [[Walk.Move(next: 1, reward: 1)], [Walk.Move(reward: 2, terminates: true)]]
        let learner = try walker(moves, tabular(algorithm, rate: 0.5, discount: 0.9, steps: 4))
        let metrics = try learner.runIteration()
        // Errors 1 + 0.9 · 0 - 0, 2 - 0; in the second episode 1 + 0.9 · 1 - 0.5, 2 - 1.
        #expect(abs(learner.values[0] - 1.2) < 1e-12)
        #expect(abs(learner.values[1] - 1.5) < 1e-12)
        #expect(abs(metrics.temporalDifference - (1 + 2 + 1.4 + 1) / 4) < 1e-12)
        #expect(metrics.episodes == 2 && metrics.meanReturn == 3 && metrics.meanLength == 2)
        #expect(metrics.steps == 4 && metrics.iteration == 1 && learner.episodes == 2)
    }

    @Test("lead towards the best legal action or towards the one taken next", arguments: TabularAlgorithm.allCases)
    func definition(algorithm: TabularAlgorithm) throws {
        let moves = [
            [Walk.Move(next: 1, reward: 0.5), Walk.Move(next: 2, reward: -1, elapsed: 0)],
            [Walk.Move(next: 2, reward: 1, elapsed: 0.5), Walk.Move(next: 1, reward: -2, elapsed: 2)],
            [Walk.Move(next: 0, reward: 3, terminates: true), Walk.Move(next: 0, reward: 0.25, elapsed: 3)],
        ]
        let (rate, discount) = (0.3, 0.8)
        let learner = try walker(
            moves, tabular(algorithm, rate: rate, discount: discount, exploration: 0.5, steps: 500))
        _ = try learner.runIteration()

        let checkpoint = try learner.checkpoint()
        let walk = try JSONDecoder().decode(Walk.self, from: Data(checkpoint.text("environments/states/0").utf8))
        let drawn = Int(try checkpoint.integers("environments/next_actions")[0])
        #expect(walk.history.count == 500)
        var values = [Double](repeating: 0, count: 6)
        for (step, entry) in walk.history.enumerated() {
            let move = moves[entry / 2][entry % 2]
            var target = move.reward
            if !move.terminates {
                let taken = step < 499 ? walk.history[step + 1] : move.next * 2 + drawn
                let greatest = max(values[move.next * 2], values[move.next * 2 + 1])
                target += pow(discount, move.elapsed) * (algorithm == .sarsa ? values[taken] : greatest)
            }
            values[entry] += rate * (target - values[entry])
        }
        #expect(zip(learner.values, values).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test("discount by elapsed time", arguments: TabularAlgorithm.allCases)
    func elapsed(algorithm: TabularAlgorithm) throws {
        let moves = [
            [Walk.Move(next: 1, elapsed: 2)], [Walk.Move(next: 2, elapsed: 0)], [Walk.Move(next: 3, elapsed: 0.5)],
            [Walk.Move(reward: 8, terminates: true)],
        ]
        let learner = try walker(moves, tabular(algorithm, discount: 0.25, steps: 40))
        _ = try learner.runIteration()
        let exact = [0.25, 4, 4, 8]
        #expect(zip(learner.values, exact).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test("bootstrap from what was cut off, and not from what is over", arguments: TabularAlgorithm.allCases)
    func endings(algorithm: TabularAlgorithm) throws {
        func value(terminates: Bool, truncates: Bool) throws -> Double {
            let move = Walk.Move(reward: 1, terminates: terminates, truncates: truncates)
            let learner = try walker([[move]], tabular(algorithm, steps: 60))
            #expect(try learner.runIteration().episodes == (terminates || truncates ? 60 : 0))
            return learner.values[0]
        }
        #expect(try value(terminates: true, truncates: false) == 1)
        #expect(try value(terminates: true, truncates: true) == 1)
        // 1 / (1 - γ), as without an end.
        #expect(try abs(value(terminates: false, truncates: true) - 2) < 1e-12)
        #expect(try abs(value(terminates: false, truncates: false) - 2) < 1e-12)
    }

    @Test("never look at an action that is not legal", arguments: TabularAlgorithm.allCases)
    func illegal(algorithm: TabularAlgorithm) throws {
        var settings = tabular(algorithm, exploration: 0.5, steps: 300)
        settings.initialValue = 1000
        let bins = [
            BinSettings("room", row: .context, low: 0, high: 1, bins: 2),
            BinSettings("door", low: 0, high: 1, bins: 2),
        ]
        let learner = try TabularLearner(
            settings: settings, environment: Rooms(),
            discretizer: CandidateDiscretizer(bins: bins, schema: Rooms.schema), seed: 3)
        _ = try learner.runIteration()
        // Door 0 of the second room is never on the list: its value stays 1000 and is in no target.
        let exact = [0.5, 100, 1000, 1]
        #expect(learner.values == exact)
        let evaluation = try learner.evaluate(in: Rooms(), seeds: [0])
        #expect(evaluation.returns == [100] && evaluation.lengths == [1])
    }

    @Test("refuse a decision without legal actions")
    func emptyList() throws {
        let learner = try TabularLearner(
            settings: TabularSettings(), environment: EmptyList(),
            discretizer: CandidateDiscretizer(bins: [], schema: pickSchema), seed: 0)
        let error = #expect(throws: LearningError.self) { try learner.runIteration() }
        #expect(error?.code == .noCandidates)
        #expect(learner.steps == 0)
    }

    @Test("refuse rewards that are not finite")
    func notFinite() throws {
        let learner = try walker([[Walk.Move(reward: .infinity)]], tabular(.qLearning, steps: 10))
        let error = #expect(throws: LearningError.self) { try learner.runIteration() }
        #expect(error?.code == .diverged)
        #expect(learner.values == [0])
    }

    @Test("follow the schedules of rate and exploration")
    func schedules() throws {
        var settings = tabular(.qLearning, rate: 0.5, steps: 4)
        settings.totalSteps = 8
        settings.learningRateSchedule = .linear
        (settings.exploration.start, settings.exploration.end, settings.exploration.fraction) = (1, 0, 1)
        let learner = try walker([[Walk.Move(reward: 1)]], settings)
        let first = try learner.runIteration()
        // The fourth of eight steps.
        #expect(first.learningRate == 0.5 * 0.625 && first.exploration == 0.625)
        #expect(!learner.isFinished)
        let second = try learner.runIteration()
        #expect(second.learningRate == 0.5 * 0.125 && second.exploration == 0.125)
        #expect(learner.isFinished && second.meanReturn == nil && second.meanLength == nil)
        #expect(
            second.figures.map(\.tag) == [
                "rollout/mean_return", "rollout/mean_length", "rollout/episodes", "train/td_error",
                "train/learning_rate", "train/exploration", "time/steps_per_second",
            ])
        #expect(second.figures.map(\.tag) == TabularMetrics().figures.map(\.tag))
    }

    @Test("take the first of equal actions")
    func ties() throws {
        let learner = try walker(
            [[Walk.Move(), Walk.Move()], [Walk.Move(), Walk.Move()]], tabular(.qLearning, steps: 1))
        #expect(learner.greedyPolicy() == [0, 0])
    }
}

@Suite("Tabular learning")
struct TabularLearningTests {
    /// Exploration goes on to the end: what SARSA fears.
    private func trainedCliffWalker(_ algorithm: TabularAlgorithm) throws -> [Int] {
        var settings = tabular(algorithm, rate: 0.1, discount: 1, exploration: 0.2, steps: 10_000)
        settings.totalSteps = 300_000
        settings.learningRateSchedule = .linear
        let learner = try cliffWalker(settings, seed: 1)
        while !learner.isFinished { _ = try learner.runIteration() }
        return learner.greedyPolicy()
    }

    /// The states from the start to the goal.
    private func path(of policy: [Int]) -> [Int] {
        let cliff = CliffWalking(seed: 0)
        var path = [36]
        while let state = path.last, state != 47, path.count < 100 {
            path.append(cliff.transitions(from: state, action: policy[state])[0].state)
        }
        return path
    }

    @Test("Q-learning walks along the cliff, the shortest way")
    func shortestPath() throws {
        let policy = try trainedCliffWalker(.qLearning)
        #expect(CliffWalking(seed: 0).expectedReturn(of: policy, within: 100) == -13)
        let edge: [Int] = [36] + Array(24...35) + [47]
        #expect(path(of: policy) == edge)
    }

    @Test("SARSA keeps away from the cliff, since it counts on its own missteps")
    func safePath() throws {
        let policy = try trainedCliffWalker(.sarsa)
        #expect(CliffWalking(seed: 0).expectedReturn(of: policy, within: 100) == -17)
        // The cells above the cliff are 25 to 34.
        #expect(!path(of: policy).contains { (25...34).contains($0) })
    }

    @Test("Q-learning crosses the slippery lake as well as any fixed choice can, within 0.01")
    func frozenLake() throws {
        var settings = tabular(.qLearning, rate: 0.1, discount: 0.99, steps: 10_000)
        settings.totalSteps = 600_000
        settings.learningRateSchedule = .linear
        (settings.exploration.start, settings.exploration.end) = (1, 0.3)
        let lake = FrozenLake(seed: 0, map: FrozenLake.map4x4, isSlippery: true)
        let learner = try TabularLearner(
            settings: settings, environment: TimeLimit(lake, limit: FrozenLake.timeLimit4x4),
            discretizer: settings.states(lake.observationSpace, actions: lake.actionSpace), seed: 1)
        while !learner.isFinished { _ = try learner.runIteration() }
        #expect(lake.expectedReturn(of: learner.greedyPolicy(), within: 100) > 0.7342)
    }

    @Test("balances a pole whose state is divided into bins")
    func cartPole() throws {
        var settings = tabular(.qLearning, rate: 0.1, discount: 0.99, steps: 10_000)
        settings.totalSteps = 300_000
        settings.learningRateSchedule = .linear
        (settings.exploration.start, settings.exploration.end) = (1, 0.02)
        let learner = try poleBalancer(settings, seed: 1)
        while !learner.isFinished { _ = try learner.runIteration() }
        let before = try learner.checkpoint()
        let environment = TimeLimit(CartPole(seed: 0), limit: 500)
        let evaluation = try learner.evaluate(in: environment, seeds: Array(1000..<1050))
        #expect(evaluation.meanReturn >= 150)
        #expect(evaluation.lengths.map(Double.init) == evaluation.returns)
        #expect(try learner.checkpoint() == before)
    }

    @Test("gives the same values for the same seed and others for another")
    func repeatability() throws {
        func values(_ seed: UInt64) throws -> [Double] {
            let settings = tabular(.sarsa, rate: 0.2, discount: 0.9, exploration: 0.3, steps: 3000)
            let learner = try poleBalancer(settings, seed: seed)
            _ = try learner.runIteration()
            return learner.values
        }
        let first = try values(7)
        #expect(try values(7) == first)
        #expect(try values(8) != first)
    }

    @Test("goes on through observations that are not numbers, and resumes at one", arguments: 1...4)
    func notANumber(steps: Int) throws {
        var settings = tabular(.qLearning, rate: 0.5, exploration: 0.5, steps: 20 + steps)
        settings.bins = [BinSettings("0", low: -1, high: 1, bins: 4)]
        func learner(seed: UInt64) throws -> TabularLearner<BrokenSensor, BoxDiscretizer> {
            try TabularLearner(
                settings: settings, environment: BrokenSensor(),
                discretizer: settings.box(BrokenSensor().observationSpace, actions: Discrete(count: 2)), seed: seed)
        }
        let whole = try learner(seed: 2)
        for _ in 0..<4 { _ = try whole.runIteration() }
        // Bins 1 and 2 are never met.
        #expect(whole.values[2...5] == [0, 0, 0, 0])
        #expect(whole.values[0] != 0 && whole.values[7] != 0)
        let first = try learner(seed: 2)
        for _ in 0..<2 { _ = try first.runIteration() }
        let second = try learner(seed: 5)
        try second.restore(from: first.checkpoint())
        for _ in 0..<2 { _ = try second.runIteration() }
        #expect(try second.checkpoint() == whole.checkpoint())
    }
}

@Suite("Resuming tabular learning")
struct TabularResumeTests {
    @Test("goes on bit for bit, through a file", arguments: TabularAlgorithm.allCases)
    func cartPole(algorithm: TabularAlgorithm) throws {
        var settings = tabular(algorithm, rate: 0.2, discount: 0.9, steps: 333)
        settings.totalSteps = 3000
        settings.learningRateSchedule = .linear
        (settings.exploration.start, settings.exploration.end) = (1, 0.1)
        let whole = try poleBalancer(settings, seed: 4)
        for _ in 0..<8 { _ = try whole.runIteration() }

        let first = try poleBalancer(settings, seed: 4)
        for _ in 0..<4 { _ = try first.runIteration() }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("tabular-\(UUID()).h5").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try first.checkpoint().write(to: path)
        let second = try poleBalancer(settings, seed: 99)
        try second.restore(from: Checkpoint.read(path))
        #expect(second.steps == first.steps && second.episodes == first.episodes)
        for _ in 0..<4 { _ = try second.runIteration() }
        #expect(second.values == whole.values)
        #expect(try second.checkpoint() == whole.checkpoint())
        #expect(try whole.checkpoint().text("policy/algorithm") == algorithm.rawValue)
    }

    @Test("goes on bit for bit after each of several steps", arguments: TabularAlgorithm.allCases, 1...4)
    func everyStep(algorithm: TabularAlgorithm, steps: Int) throws {
        // Four steps an episode: every place in it, its end included.
        let moves = (0..<4).map { state in
            [1.0, 2.0].map { Walk.Move(next: (state + 1) % 4, reward: $0, truncates: state == 3) }
        }
        let settings = tabular(algorithm, rate: 0.3, exploration: 0.5, steps: 40 + steps)
        let whole = try walker(moves, settings)
        for _ in 0..<2 { _ = try whole.runIteration() }
        let first = try walker(moves, settings)
        _ = try first.runIteration()
        let second = try walker(moves, settings)
        try second.restore(from: first.checkpoint())
        _ = try second.runIteration()
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("goes on bit for bit over candidates", arguments: TabularAlgorithm.allCases)
    func candidates(algorithm: TabularAlgorithm) throws {
        let settings = tabular(algorithm, rate: 0.2, exploration: 0.3, steps: 250)
        func learner(seed: UInt64) throws -> TabularLearner<PickLargest, CandidateDiscretizer> {
            let bins = [
                BinSettings("f", low: -2, high: 2, bins: 10),
                BinSettings("b", row: .context, low: -2, high: 2, bins: 3),
            ]
            return try TabularLearner(
                settings: settings, environment: PickLargest(seed: 0),
                discretizer: CandidateDiscretizer(bins: bins, schema: pickSchema), seed: seed)
        }
        let whole = try learner(seed: 5)
        for _ in 0..<6 { _ = try whole.runIteration() }
        let first = try learner(seed: 5)
        for _ in 0..<3 { _ = try first.runIteration() }
        let second = try learner(seed: 0)
        try second.restore(from: first.checkpoint())
        for _ in 0..<3 { _ = try second.runIteration() }
        #expect(second.values == whole.values)
        #expect(try second.checkpoint() == whole.checkpoint())
    }

    @Test("refuses what does not fit, names it and changes nothing")
    func refusals() throws {
        let settings = tabular(.sarsa, rate: 0.2, exploration: 0.3, steps: 100)
        let learner = try poleBalancer(settings, seed: 1)
        _ = try learner.runIteration()
        let checkpoint = try learner.checkpoint()
        let other = try poleBalancer(settings, seed: 2)
        let before = try other.checkpoint()
        var notFinite = learner.values
        notFinite[3] = .nan
        for (path, value) in [
            ("policy/algorithm", Checkpoint.Value.text("qLearning")),
            ("policy/bins", .text("[]")),
            ("policy/q", .float64([1], shape: [1])),
            ("policy/q", .float64(notFinite, shape: [notFinite.count])),
            ("generators/actions", .uint64([0, 0, 0, 0], shape: [1, 4])),
            ("environments/observations", .text("[[0]]")),
            ("environments/observations", .text("{}")),
            ("environments/states/0", .text("{}")),
            ("environments/next_actions", .int64([2], shape: [1])),
            ("progress/steps", .int64([-5], shape: [])),
        ] {
            var broken = checkpoint
            broken[path] = value
            #expect(throws: (any Error).self, "\(path)") { try other.restore(from: broken) }
            broken[path] = nil
            #expect(throws: (any Error).self, "\(path)") { try other.restore(from: broken) }
        }
        #expect(try other.checkpoint() == before)
    }

    @Test("leaves out an environment that cannot be stored, and goes on with a new episode")
    func notCodable() throws {
        func learner(seed: UInt64) throws -> TabularLearner<EmptyList, CandidateDiscretizer> {
            try TabularLearner(
                settings: TabularSettings(), environment: EmptyList(),
                discretizer: CandidateDiscretizer(bins: [], schema: pickSchema), seed: seed)
        }
        let checkpoint = try learner(seed: 0).checkpoint()
        #expect(!checkpoint.values.keys.contains { $0.hasPrefix("environments/") })
        let other = try learner(seed: 1)
        try other.restore(from: checkpoint)
        #expect(try other.checkpoint() == checkpoint)
    }
}
