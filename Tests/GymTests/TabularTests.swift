import Foundation
import Gym
import Randomness
import Testing

/// Pearson's statistic of counts that should follow probabilities, and its degrees of freedom.
private struct GoodnessOfFit {
    var statistic = 0.0
    var degrees = 0

    mutating func add(counts: [Int], probabilities: [Double]) {
        let total = Double(counts.reduce(0, +))
        guard total > 0 else { return }
        for (count, probability) in zip(counts, probabilities) {
            let difference = Double(count) - total * probability
            statistic += difference * difference / (total * probability)
        }
        degrees += counts.count - 1
    }

    /// The statistic has mean `degrees` and variance 2 × `degrees`; eight deviations are never reached by chance.
    var isPlausible: Bool { statistic <= Double(degrees) + 8 * (2 * Double(degrees)).squareRoot() }
}

/// Every row of the table is a distribution over legal states, and so are the first states; 100,000 steps from random
/// states with random actions are spread as the table says.
private func expectDrawsFollowTheTable<E: TabularEnvironment>(of environment: E) throws {
    var environment = environment
    let states = environment.observationSpace.count
    let actions = environment.actionSpace.count
    let firstSum = environment.firstStates.reduce(0, +)
    #expect(environment.firstStates.count == states && abs(firstSum - 1) < 1e-12)

    var outcomes: [[Transition]] = []
    for row in 0..<states * actions {
        var distinct: [Transition] = []
        for transition in environment.transitions(from: row / actions, action: row % actions) {
            let known = distinct.firstIndex {
                $0.state == transition.state && $0.reward == transition.reward
                    && $0.terminated == transition.terminated
            }
            if let known {
                distinct[known].probability += transition.probability
            } else {
                distinct.append(transition)
            }
        }
        let sum = distinct.reduce(0) { $0 + $1.probability }
        #expect(abs(sum - 1) < 1e-12 && distinct.allSatisfy { (0..<states).contains($0.state) }, "row \(row)")
        outcomes.append(distinct)
    }

    var counts = outcomes.map { [Int](repeating: 0, count: $0.count) }
    var strangers = 0
    var generator = RandomGenerator(seed: 11)
    for _ in 0..<100_000 {
        let state = generator.index(below: states)
        let action = generator.index(below: actions)
        environment.set(state: state)
        let (next, outcome) = try environment.step(action)
        let row = state * actions + action
        let drawn = outcomes[row].firstIndex {
            $0.state == next && $0.reward == outcome.reward && $0.terminated == outcome.terminated
        }
        if let drawn { counts[row][drawn] += 1 } else { strangers += 1 }
    }
    #expect(strangers == 0)
    var fit = GoodnessOfFit()
    for (row, count) in zip(outcomes, counts) { fit.add(counts: count, probabilities: row.map(\.probability)) }
    #expect(fit.isPlausible, "statistic \(fit.statistic) with \(fit.degrees) degrees of freedom")
}

/// First states of 30,000 episodes are spread as `firstStates` says.
private func expectFirstStatesFollowTheTable<E: TabularEnvironment>(of environment: E) throws {
    var environment = environment
    let probabilities = environment.firstStates
    var counts = probabilities.map { _ in 0 }
    _ = try environment.reset(seed: 12)
    for _ in 0..<30_000 {
        let first = try environment.reset(seed: nil)
        counts[first] += 1
    }
    let possible = probabilities.indices.filter { probabilities[$0] > 0 }
    #expect(possible.reduce(0) { $0 + counts[$1] } == 30_000)
    var fit = GoodnessOfFit()
    fit.add(counts: possible.map { counts[$0] }, probabilities: possible.map { probabilities[$0] })
    #expect(fit.isPlausible, "statistic \(fit.statistic) with \(fit.degrees) degrees of freedom")
}

@Suite struct FrozenLakeTests {
    /// A way that wins on dry ice in 6 steps; what it does in states off the way does not matter.
    private let way = [1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0, 0, 2, 2, 0]

    @Test func keepsTheContract() throws {
        for isSlippery in [true, false] {
            #expect(EnvironmentChecker().problems { FrozenLake(seed: 0, isSlippery: isSlippery) } == [])
            try expectContinuationAfterCoding(of: FrozenLake(seed: 0, isSlippery: isSlippery))
        }
        try expectContinuationAfterCoding(of: FrozenLake(seed: 0, map: FrozenLake.map8x8))
        try expectRefusals(of: FrozenLake(seed: 0), illegal: [-1, 4]) {
            "FrozenLake: action \($0) is not one of 0 (left), 1 (down), 2 (right), 3 (up)"
        }
        let course = try observations(of: FrozenLake(seed: 0), seed: 1)
        #expect(try observations(of: FrozenLake(seed: 9), seed: 1) == course)
        #expect(try observations(of: FrozenLake(seed: 0), seed: 2) != course)
    }

    @Test func drawsFollowTheTable() throws {
        for isSlippery in [true, false] {
            try expectDrawsFollowTheTable(of: FrozenLake(seed: 0, isSlippery: isSlippery))
            try expectDrawsFollowTheTable(of: FrozenLake(seed: 0, map: FrozenLake.map8x8, isSlippery: isSlippery))
        }
        let twoStarts = FrozenLake(seed: 0, map: ["SFS", "FHG"])
        #expect(twoStarts.firstStates == [0.5, 0, 0.5, 0, 0, 0])
        try expectFirstStatesFollowTheTable(of: twoStarts)
    }

    @Test func endsAtTheGoalAndInHoles() throws {
        var environment = FrozenLake(seed: 0, isSlippery: false)
        environment.set(state: 14)
        var (state, outcome) = try environment.step(2)
        #expect(state == 15 && environment.state == 15 && outcome == Outcome(reward: 1, terminated: true))
        #expect(throws: EnvironmentError.needsReset) { _ = try environment.step(2) }
        environment.set(state: 4)
        (state, outcome) = try environment.step(2)
        #expect(state == 5 && outcome == Outcome(reward: 0, terminated: true))
        state = try environment.reset(seed: nil)
        #expect(state == 0)
        (state, outcome) = try environment.step(3)
        #expect(state == 0 && outcome == Outcome(reward: 0))
    }

    /// 0.7442 is the optimum within 100 steps; without a limit it is 14/17.
    @Test func optimaAreTheKnownOnes() {
        let slippery = FrozenLake(seed: 0)
        #expect(abs(slippery.optimalReturn(within: 100) - 0.7442) < 1e-4)
        #expect(abs(slippery.optimalReturn(within: 2000) - 14.0 / 17) < 1e-9)
        let dry = FrozenLake(seed: 0, isSlippery: false)
        #expect(dry.optimalReturn(within: 5) == 0 && dry.optimalReturn(within: 6) == 1)
        #expect(dry.expectedReturn(of: way, within: 5) == 0 && dry.expectedReturn(of: way, within: 6) == 1)
        #expect(abs(dry.expectedReturn(of: way, within: 50, discount: 0.9) - 0.59049) < 1e-12)
        let large = FrozenLake(seed: 0, map: FrozenLake.map8x8, isSlippery: false)
        #expect(large.optimalReturn(within: 13) == 0 && large.optimalReturn(within: 14) == 1)
    }

    /// Of all fixed choices, the best without a limit on time loses a little to the best that looks at the time left.
    @Test func playedEpisodesGiveTheExpectedReturn() throws {
        let policy = [0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0]
        let lake = FrozenLake(seed: 0)
        let expected = lake.expectedReturn(of: policy, within: 100)
        #expect(abs(expected - 0.74016) < 1e-5)
        var environment = TimeLimit(lake, limit: FrozenLake.timeLimit4x4)
        let episodes = 4_000
        var sum = 0.0
        var state = try environment.reset(seed: 1)
        for _ in 0..<episodes {
            var outcome = Outcome(reward: 0)
            while !outcome.ended {
                (state, outcome) = try environment.step(policy[state])
                sum += outcome.reward
            }
            state = try environment.reset(seed: nil)
        }
        let deviation = (expected * (1 - expected) / Double(episodes)).squareRoot()
        #expect(abs(sum / Double(episodes) - expected) < 5 * deviation)
    }

    @Test func aStoredMapIsChecked() throws {
        let stored = String(decoding: try JSONEncoder().encode(FrozenLake(seed: 0)), as: UTF8.self)
        for (row, message) in [("HFFX", "only S, F, H and G"), ("HFF", "has 3 characters, row 0 has 4")] {
            let damaged = Data(stored.replacingOccurrences(of: "HFFG", with: row).utf8)
            let error = #expect(throws: DecodingError.self) {
                _ = try JSONDecoder().decode(FrozenLake.self, from: damaged)
            }
            #expect("\(String(describing: error))".contains(message))
        }
    }
}

@Suite struct CliffWalkingTests {
    @Test func keepsTheContract() throws {
        #expect(EnvironmentChecker().problems { CliffWalking(seed: 0) } == [])
        try expectContinuationAfterCoding(of: CliffWalking(seed: 0))
        try expectRefusals(of: CliffWalking(seed: 0), illegal: [-1, 4]) {
            "CliffWalking: action \($0) is not one of 0 (up), 1 (right), 2 (down), 3 (left)"
        }
        let course = try observations(of: CliffWalking(seed: 0), seed: 1)
        #expect(try observations(of: CliffWalking(seed: 9), seed: 1) == course)
        try expectDrawsFollowTheTable(of: CliffWalking(seed: 0))
        try expectFirstStatesFollowTheTable(of: CliffWalking(seed: 0))
    }

    @Test func fallingGoesBackToTheStartAndOn() throws {
        var environment = CliffWalking(seed: 0)
        let first = try environment.reset(seed: 0)
        #expect(first == 36)
        var (state, outcome) = try environment.step(1)
        #expect(state == 36 && outcome == Outcome(reward: -100))
        environment.set(state: 30)
        (state, outcome) = try environment.step(2)
        #expect(state == 36 && outcome == Outcome(reward: -100))
        (state, outcome) = try environment.step(3)
        #expect(state == 36 && outcome == Outcome(reward: -1))
        environment.set(state: 35)
        (state, outcome) = try environment.step(2)
        #expect(state == 47 && outcome == Outcome(reward: -1, terminated: true))
        #expect(throws: EnvironmentError.needsReset) { _ = try environment.step(0) }
    }

    @Test func returnsAreTheKnownOnes() {
        let environment = CliffWalking(seed: 0)
        #expect(environment.optimalReturn(within: 100) == -13)
        #expect(environment.optimalReturn(within: 5) == -5)
        // Up, along the cliff, down.
        var edge = [Int](repeating: 1, count: 48)
        (edge[36], edge[35]) = (0, 2)
        #expect(environment.expectedReturn(of: edge, within: 100) == -13)
        // Up to the first row, along it, down.
        var safe = [Int](repeating: 1, count: 48)
        for row in 0..<4 { safe[12 * row + 11] = 2 }
        for row in 1..<4 { safe[12 * row] = 0 }
        #expect(environment.expectedReturn(of: safe, within: 100) == -17)
        #expect(environment.expectedReturn(of: [Int](repeating: 1, count: 48), within: 10) == -1000)
    }
}

@Suite struct TaxiTests {
    @Test func keepsTheContract() throws {
        #expect(EnvironmentChecker().problems { TimeLimit(Taxi(seed: 0), limit: Taxi.timeLimit) } == [])
        try expectContinuationAfterCoding(of: Taxi(seed: 0))
        try expectRefusals(of: Taxi(seed: 0), illegal: [-1, 6]) {
            "Taxi: action \($0) is not one of 0 (south), 1 (north), 2 (east), 3 (west), 4 (pick up), 5 (drop off)"
        }
        let course = try observations(of: Taxi(seed: 0), seed: 1)
        #expect(try observations(of: Taxi(seed: 9), seed: 1) == course)
        #expect(try observations(of: Taxi(seed: 0), seed: 2) != course)
        try expectDrawsFollowTheTable(of: Taxi(seed: 0))
        try expectFirstStatesFollowTheTable(of: Taxi(seed: 0))
    }

    /// From the stand R, with the passenger there (or in the taxi), to the stand G.
    @Test func pickUpsAndDropOffs() throws {
        func number(row: Int, column: Int, passenger: Int, destination: Int) -> Int {
            ((row * 5 + column) * 5 + passenger) * 4 + destination
        }
        let waiting = number(row: 0, column: 0, passenger: 0, destination: 1)
        let riding = number(row: 0, column: 0, passenger: 4, destination: 1)
        let arriving = number(row: 0, column: 4, passenger: 4, destination: 1)
        let arrived = number(row: 0, column: 4, passenger: 1, destination: 1)
        let between = number(row: 2, column: 2, passenger: 4, destination: 1)
        let cases: [(state: Int, action: Int, next: Int, outcome: Outcome)] = [
            (waiting, 4, riding, Outcome(reward: -1)),
            (waiting, 5, waiting, Outcome(reward: -10)),
            (riding, 4, riding, Outcome(reward: -10)),
            (riding, 5, waiting, Outcome(reward: -1)),
            (between, 5, between, Outcome(reward: -10)),
            (arriving, 5, arrived, Outcome(reward: 20, terminated: true)),
        ]
        var environment = Taxi(seed: 0)
        for (state, action, next, outcome) in cases {
            environment.set(state: state)
            let step = try environment.step(action)
            #expect(step.observation == next && step.outcome == outcome, "action \(action) in state \(state)")
        }
        #expect(throws: EnvironmentError.needsReset) { _ = try environment.step(0) }
    }

    /// The optimum is the mean of 20 less the steps before the drop-off on the shortest ways, found on the drawn grid.
    @Test func optimumFollowsFromTheShortestWays() {
        let grid = ["R .|. . G", ". .|. . .", ". . . . .", ".|. .|. .", "Y|. .|B ."].map { Array($0) }
        var distances = [[Int]](repeating: [Int](repeating: 1000, count: 25), count: 25)
        for square in 0..<25 {
            let (row, column) = (square / 5, square % 5)
            distances[square][square] = 0
            if row < 4 { (distances[square][square + 5], distances[square + 5][square]) = (1, 1) }
            if column < 4, grid[row][2 * column + 1] == " " {
                (distances[square][square + 1], distances[square + 1][square]) = (1, 1)
            }
        }
        for middle in 0..<25 {
            for from in 0..<25 {
                for to in 0..<25 {
                    let detour = distances[from][middle] + distances[middle][to]
                    distances[from][to] = min(distances[from][to], detour)
                }
            }
        }
        let stands = [0, 4, 20, 23]
        var returns: [Int] = []
        for square in 0..<25 {
            for passenger in stands {
                for destination in stands where destination != passenger {
                    let way = distances[square][passenger] + distances[passenger][destination]
                    returns.append(19 - way)
                }
            }
        }
        let mean = Double(returns.reduce(0, +)) / 300
        #expect(returns.count == 300 && abs(mean - 7.93) < 1e-9)
        #expect(abs(Taxi(seed: 0).optimalReturn(within: 200) - mean) < 1e-9)
    }
}

@Suite struct OneHotObservationsTests {
    @Test func keepsTheContract() throws {
        #expect(EnvironmentChecker().problems { OneHotObservations(FrozenLake(seed: 0)) } == [])
        #expect(EnvironmentChecker().problems { OneHotObservations(CliffWalking(seed: 0)) } == [])
        #expect(
            EnvironmentChecker().problems { OneHotObservations(TimeLimit(Taxi(seed: 0), limit: Taxi.timeLimit)) }
                == [])
        try expectContinuationAfterCoding(of: OneHotObservations(TimeLimit(Taxi(seed: 0), limit: 20)))
    }

    @Test func rowsShowTheStates() throws {
        var plain = TimeLimit(Taxi(seed: 0), limit: 50)
        var wrapped = OneHotObservations(plain)
        let (zeros, ones) = ([Float](repeating: 0, count: 500), [Float](repeating: 1, count: 500))
        #expect(wrapped.observationSpace == Box(low: zeros, high: ones))
        var state = try plain.reset(seed: 7)
        var row = try wrapped.reset(seed: 7)
        var actions = RandomGenerator(seed: 1)
        for _ in 0..<200 {
            #expect(row.count == 500 && row.reduce(0, +) == 1 && row[state] == 1)
            let action = actions.index(below: 6)
            let expected = try plain.step(action)
            let shown = try wrapped.step(action)
            #expect(shown.outcome == expected.outcome)
            (state, row) = (expected.observation, shown.observation)
            if expected.outcome.ended {
                state = try plain.reset(seed: nil)
                row = try wrapped.reset(seed: nil)
            }
        }
    }
}
