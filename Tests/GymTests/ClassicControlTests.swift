import Gym
import Randomness
import Testing

@Suite struct AcrobotTests {
    @Test func keepsTheContract() throws {
        #expect(EnvironmentChecker().problems { TimeLimit(Acrobot(seed: 0), limit: Acrobot.timeLimit) } == [])
        try expectContinuationAfterCoding(of: Acrobot(seed: 0))
        try expectRefusals(of: Acrobot(seed: 0), illegal: [-1, 3]) {
            "Acrobot: action \($0) is not 0, 1 or 2 (torque -1, 0 or 1)"
        }
        let course = try observations(of: Acrobot(seed: 0), seed: 1)
        #expect(try observations(of: Acrobot(seed: 9), seed: 1) == course)
        #expect(try observations(of: Acrobot(seed: 0), seed: 2) != course)
    }

    @Test func firstStatesAreSmallAndOfSinglePrecision() throws {
        var environment = Acrobot(seed: 0)
        var greatest = 0.0
        for seed in UInt64(0)..<200 {
            _ = try environment.reset(seed: seed)
            for index in 0..<4 {
                let value = environment.state[index]
                #expect(value == Double(Float(value)) && abs(value) <= 0.1)
                greatest = max(greatest, abs(value))
            }
        }
        #expect(greatest > 0.095)
    }

    @Test func hangsStillWithoutTorque() throws {
        var environment = Acrobot(seed: 0)
        environment.set(state: SIMD4(0, 0, 0, 0))
        let (observation, outcome) = try environment.step(1)
        #expect(observation == [1, 0, 1, 0, 0, 0])
        #expect(outcome == Outcome(reward: -1))
        _ = try environment.step(2)
        #expect(environment.state[3] > 0 && environment.state[2] < 0)  // the motor turns the links apart
    }

    @Test func mirroredStatesAndTorquesGiveMirroredSteps() throws {
        var environment = Acrobot(seed: 0)
        let states: [SIMD4<Double>] = [SIMD4(0.3, -1.2, 0.7, 2), SIMD4(-1, 2, 3, -5), SIMD4(0.1, 0.2, -0.3, 0.4)]
        for state in states {
            for action in 0..<3 {
                environment.set(state: state)
                _ = try environment.step(action)
                let next = environment.state
                environment.set(state: -state)
                _ = try environment.step(2 - action)
                for index in 0..<4 { #expect(abs(environment.state[index] + next[index]) < 1e-12) }
            }
        }
    }

    @Test func anglesWrapAndSpeedsAreBounded() throws {
        var environment = Acrobot(seed: 0)
        environment.set(state: SIMD4(3.1, 0, 2, 0))
        _ = try environment.step(1)
        #expect(environment.state[0] < -2 && environment.state[0] >= -Double.pi)
        var fastest = SIMD2<Double>()
        var generator = RandomGenerator(seed: 4)
        for _ in 0..<500 {
            let angles = (generator.uniform(in: -3...3), generator.uniform(in: -3...3))
            environment.set(state: SIMD4(angles.0, angles.1, 4 * Double.pi, 9 * Double.pi))
            _ = try environment.step(generator.index(below: 3))
            fastest[0] = max(fastest[0], abs(environment.state[2]))
            fastest[1] = max(fastest[1], abs(environment.state[3]))
        }
        #expect(fastest[0] == 4 * Double.pi && fastest[1] == 9 * Double.pi)
    }

    @Test func endsAboveTheHeight() throws {
        var environment = Acrobot(seed: 0)
        environment.set(state: SIMD4(3.13, 0, 0, 0))
        let outcome = try environment.step(1).outcome
        #expect(outcome == Outcome(reward: 0, terminated: true))
        #expect(throws: EnvironmentError.needsReset) { _ = try environment.step(1) }
    }
}

@Suite struct MountainCarTests {
    @Test func keepsTheContract() throws {
        #expect(EnvironmentChecker().problems { TimeLimit(MountainCar(seed: 0), limit: MountainCar.timeLimit) } == [])
        try expectContinuationAfterCoding(of: MountainCar(seed: 0))
        try expectRefusals(of: MountainCar(seed: 0), illegal: [-1, 3]) {
            "MountainCar: action \($0) is not 0 (left), 1 (none) or 2 (right)"
        }
        let course = try observations(of: MountainCar(seed: 0), seed: 1)
        #expect(try observations(of: MountainCar(seed: 9), seed: 1) == course)
        #expect(try observations(of: MountainCar(seed: 0), seed: 2) != course)
    }

    @Test func stopsAtTheLeftWall() throws {
        var environment = MountainCar(seed: 0)
        environment.set(state: SIMD2(-1.19, -0.07))
        let (observation, outcome) = try environment.step(0)
        #expect(observation == [-1.2, 0])
        #expect(outcome == Outcome(reward: -1))
    }

    @Test func speedIsBounded() throws {
        var environment = MountainCar(seed: 0)
        environment.set(state: SIMD2(-0.9, 0.07))
        _ = try environment.step(2)
        #expect(environment.state[1] == 0.07)
        environment.set(state: SIMD2(0, -0.07))
        _ = try environment.step(0)
        #expect(environment.state[1] == -0.07)
    }

    @Test func endsAtTheFlagUnlessItRollsBack() throws {
        var environment = MountainCar(seed: 0)
        environment.set(state: SIMD2(0.49, 0.02))
        let arrival = try environment.step(2).outcome
        #expect(arrival == Outcome(reward: -1, terminated: true))
        #expect(throws: EnvironmentError.needsReset) { _ = try environment.step(2) }
        environment.set(state: SIMD2(0.55, -0.02))
        let rollingBack = try environment.step(0).outcome
        #expect(rollingBack == Outcome(reward: -1) && environment.state[0] > 0.5)
    }

    /// The motor alone does not climb the hill; pushing the way the car moves does, within the time limit.
    @Test func hasToSwingUp() throws {
        for seed in UInt64(0)..<20 {
            var environment = TimeLimit(MountainCar(seed: 0), limit: MountainCar.timeLimit)
            _ = try environment.reset(seed: seed)
            var outcome = Outcome(reward: 0)
            while !outcome.ended { outcome = try environment.step(2).outcome }
            #expect(outcome.truncated && !outcome.terminated, "seed \(seed)")
            _ = try environment.reset(seed: seed)
            outcome = Outcome(reward: 0)
            while !outcome.ended { outcome = try environment.step(environment.base.state[1] < 0 ? 0 : 2).outcome }
            #expect(outcome.terminated, "seed \(seed)")
        }
    }
}
