import Gym
import Randomness
import Testing

@Suite struct SpaceTests {
    @Test func samplesLieInTheirSpaces() {
        var generator = RandomGenerator(seed: 1)
        let box = Box(low: [-1, 0, -.infinity, -.infinity], high: [1, .infinity, 5, .infinity])
        let multi = MultiDiscrete(counts: [2, 3])
        let candidates = CandidateSpace(contextWidth: 2, nodeWidth: 3, candidateWidth: 4, bound: 5)
        for _ in 0..<200 {
            #expect(box.problem(with: box.sample(using: &generator)) == nil)
            #expect(multi.problem(with: multi.sample(using: &generator)) == nil)
            #expect(candidates.problem(with: candidates.sample(using: &generator)) == nil)
        }
    }

    @Test func problemsAreNamed() {
        let box = Box(low: [0, 0], high: [1, 1])
        #expect(box.problem(with: [0]) == "has 1 components, expected 2")
        #expect(box.problem(with: [0, 2]) == "component 1 is 2.0, expected 0.0...1.0")
        #expect(box.problem(with: [0, .nan])?.hasPrefix("component 1 is nan") == true)
        #expect(Discrete(count: 2).problem(with: 2) == "is 2, expected 0..<2")
        #expect(MultiDiscrete(counts: [2, 2]).problem(with: [1, -1]) == "component 1 is -1, expected 0..<2")
    }
}

@Suite struct CandidateBatchTests {
    @Test func appendsAndRemoves() {
        let space = CandidateSpace(contextWidth: 2, nodeWidth: 3, candidateWidth: 4, bound: 5)
        var generator = RandomGenerator(seed: 1)
        let observations = (0..<5).map { _ in space.sample(using: &generator) }
        var batch = CandidateBatch(space: space)
        for observation in observations { batch.append(0, of: observation) }
        for (index, observation) in observations.enumerated() {
            var single = CandidateBatch(space: space)
            single.append(index, of: batch)
            #expect(single == observation)
        }
        var other = CandidateBatch(space: space)
        other.append(0..<4, of: batch)
        batch.removeLast()
        #expect(other == batch)
        batch.removeAll()
        #expect(batch == CandidateBatch(space: space))
    }
}

@Suite struct CartPoleTests {
    @Test func checkerFindsNothing() {
        #expect(EnvironmentChecker().problems { TimeLimit(CartPole(seed: 0), limit: 500) } == [])
    }

    @Test func agreesWithGymnasiumsEquations() throws {
        // Gymnasium's equations for CartPole-v1 evaluated in Python, actions 1, 0, 1, 1.
        var environment = CartPole(seed: 0)
        _ = try environment.reset(seed: 0)
        environment.set(state: [0.01, -0.02, 0.03, 0.04])
        let expected: [[Float]] = [
            [0.0096, 0.1746792, 0.0308, -0.2430687],
            [0.0130936, -0.0208688, 0.0259386, 0.059168],
            [0.0126762, 0.1738718, 0.027122, -0.2252196],
            [0.0161536, 0.3685958, 0.0226176, -0.5092253],
        ]
        for (action, state) in zip([1, 0, 1, 1], expected) {
            let (observation, outcome) = try environment.step(action)
            #expect(zip(observation, state).allSatisfy { abs($0 - $1) < 1e-6 }, "\(observation) != \(state)")
            #expect(outcome == Outcome(reward: 1))
        }
    }

    @Test func endsAndRefusesToGoOn() throws {
        var environment = CartPole(seed: 0)
        #expect(throws: EnvironmentError.needsReset) { try environment.step(0) }
        _ = try environment.reset(seed: 0)
        var steps = 0
        while try !environment.step(1).outcome.terminated { steps += 1 }
        #expect(steps < 20)
        #expect(throws: EnvironmentError.needsReset) { try environment.step(0) }
        _ = try environment.reset(seed: nil)
        #expect(throws: EnvironmentError.self) { try environment.step(2) }
    }

    @Test func timeLimitTruncates() throws {
        var environment = TimeLimit(CartPole(seed: 0), limit: 5)
        _ = try environment.reset(seed: 0)
        let outcomes = try (0..<5).map { try environment.step($0 % 2).outcome }
        #expect(outcomes.map(\.truncated) == [false, false, false, false, true])
        #expect(outcomes.allSatisfy { !$0.terminated })
    }
}

@Suite struct VectorEnvironmentTests {
    @Test func agreesWithSingleEnvironments() throws {
        let count = 3
        var vector = VectorEnvironment((0..<count).map { _ in TimeLimit(CartPole(seed: 0), limit: 30) })
        var observations = [Float](repeating: 0, count: count * 4)
        var finals = observations
        var outcomes = [Outcome](repeating: Outcome(reward: 0), count: count)
        var observationSpan = observations.mutableSpan
        try vector.reset(seeds: [1, 2, 3], into: &observationSpan)

        var singles = (0..<count).map { _ in TimeLimit(CartPole(seed: 0), limit: 30) }
        for index in 0..<count { _ = try singles[index].reset(seed: UInt64(index + 1)) }
        var generator = RandomGenerator(seed: 9)
        var endings = 0
        for _ in 0..<200 {
            let actions = (0..<count).map { _ in generator.index(below: 2) }
            var observationSpan = observations.mutableSpan
            var finalSpan = finals.mutableSpan
            var outcomeSpan = outcomes.mutableSpan
            try vector.step(
                actions.span, into: &observationSpan, outcomes: &outcomeSpan, finalObservations: &finalSpan)
            for index in 0..<count {
                let (observation, outcome) = try singles[index].step(actions[index])
                #expect(outcome == outcomes[index])
                let row = Array(observations[index * 4..<index * 4 + 4])
                if outcome.ended {
                    endings += 1
                    #expect(Array(finals[index * 4..<index * 4 + 4]) == observation)
                    #expect(try row == singles[index].reset(seed: nil))
                } else {
                    #expect(row == observation)
                }
            }
        }
        #expect(endings > 10)
    }
}

@Suite struct NormalizationTests {
    @Test func observationsHaveMeanZeroAndVarianceOne() throws {
        var environment = NormalizedObservations(CartPole(seed: 0))
        #expect(EnvironmentChecker().problems { NormalizedObservations(CartPole(seed: 0)) } == [])
        var rows: [Float] = []
        rows += try environment.reset(seed: 0)
        var generator = RandomGenerator(seed: 2)
        for _ in 0..<30_000 {
            let (observation, outcome) = try environment.step(generator.index(below: 2))
            rows += observation
            if outcome.ended { rows += try environment.reset(seed: nil) }
        }
        var statistics = RunningStatistics(width: 4)
        statistics.add(rows: rows.span.extracting(60_000..<rows.count))
        for column in 0..<4 {
            #expect(abs(statistics.mean[column]) < 0.1)
            #expect(abs(statistics.variance(column) - 1) < 0.05)
        }
    }

    /// A constant, one that differs in its rounding, a rare flag and a wide column.
    private func rows(_ range: Range<Int>) -> [Float] {
        range.flatMap { row -> [Float] in
            [0.1, row.isMultiple(of: 2) ? 0.3 : Float(0.3).nextUp, row == 77 ? 1 : 0, Float(row)]
        }
    }

    @Test(arguments: [false, true]) func whatHasNeverVariedBecomesZero(isOld: Bool) throws {
        var normalizer = ObservationNormalizer(width: 4)
        for range in [0..<100, 100..<101, 101..<5000] { normalizer.statistics.add(rows: rows(range).span) }
        if isOld {
            let statistics = normalizer.statistics
            normalizer.statistics = try #require(
                RunningStatistics(
                    count: statistics.count, mean: statistics.mean, squaredDeviations: statistics.squaredDeviations))
        }
        // Of statistics without extremes it is not known that the second column varied in its rounding alone.
        #expect((0..<4).map(normalizer.hasVaried) == [false, isOld, true, true])
        for value: Float in [0.1, 0, -3, 1e30, .infinity, .nan] {
            var row = [value, isOld ? 0.3 : value, 0, 0]
            var span = row.mutableSpan
            normalizer.normalize(&span)
            #expect(row[0] == 0 && abs(row[1]) < 0.01 && row[2] != 0 && row[3] < -1)
        }
        // One row in which it is different, and it counts.
        normalizer.statistics.add(rows: ([0.6, 0.3, 0, 0] as [Float]).span)
        var row: [Float] = [0.6, 0.3, 0, 0]
        var span = row.mutableSpan
        normalizer.normalize(&span)
        #expect(row[0] == normalizer.clip)
    }

    @Test func rewardsAreScaledByTheReturnsDeviation() {
        var scaler = RewardScaler(count: 1, discount: 0.5)
        var returns: [Double] = []
        var current = 0.0
        var last = 0.0
        for step in 0..<100 {
            let reward = Double(step % 7)
            current = current * 0.5 + reward
            returns.append(current)
            last = scaler.scale(Outcome(reward: reward), of: 0)
        }
        let mean = returns.reduce(0, +) / 100
        let deviation = (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100).squareRoot()
        #expect(abs(last - 1 / deviation) < 1e-6)  // the last reward is 99 % 7 = 1
    }

    @Test func actionsWithoutTimeAreNotDiscounted() {
        var scaler = RewardScaler(count: 1, discount: 0.5)
        _ = scaler.scale(Outcome(reward: 2), of: 0)
        _ = scaler.scale(Outcome(reward: 3, elapsed: 0), of: 0)
        #expect(scaler.returns[0] == 5)
    }
}

/// Environments with one defect each.
struct Defective: FlatEnvironment {
    enum Defect { case none, shape, range, seed, actionIgnored, rewardIgnored, nan }
    var defect: Defect
    var position: Float = 0
    var generator = RandomGenerator(seed: 0)
    nonisolated(unsafe) static var calls: Float = 0  // only one test touches it

    var observationSpace: Box { Box(low: [-1], high: [1]) }
    var actionSpace: Discrete { Discrete(count: 2) }
    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        position = 0
        observation[0] = 0
    }
    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        let push = defect == .actionIgnored ? 0.001 : Float(action) * 0.001
        position += push + Float(generator.uniform()) * 0.0001
        Self.calls += 1
        switch defect {
        case .range: observation[0] = 2
        case .seed: observation[0] = Self.calls / 1e6
        default: observation[0] = position
        }
        let reward = defect == .rewardIgnored ? 1 : defect == .nan ? Double.nan : Double(position)
        return Outcome(reward: reward)
    }
    mutating func step(_ action: Int) throws -> (observation: [Float], outcome: Outcome) {
        var observation: [Float] = [0]
        var span = observation.mutableSpan
        let outcome = try step(action, into: &span)
        return (defect == .shape ? [0, 0] : observation, outcome)
    }
}

@Suite struct EnvironmentCheckerTests {
    @Test(arguments: [
        (Defective.Defect.shape, "observation after step has 2 components, expected 1"),
        (.range, "observation after step component 0 is 2.0, expected -1.0...1.0"),
        (.seed, "two runs with seed 0 and the same actions gave different observations"),
        (.actionIgnored, "8 different sequences of actions from seed 0 gave identical observations"),
        (.rewardIgnored, "8 different sequences of actions from seed 0 gave identical rewards"),
        (.nan, "reward is nan, expected a finite number"),
    ])
    func findsTheDefect(defect: Defective.Defect, problem: String) {
        var checker = EnvironmentChecker()
        checker.steps = 50
        checker.rewardDependsOnAction = true
        #expect(checker.problems { Defective(defect: defect) }.contains(problem))
        #expect(checker.problems { Defective(defect: .none) } == [])
    }
}
