import Foundation
import Gym
import Randomness
import Testing

/// What an environment shows from a reset with `seed` on, under `steps` random actions; episodes follow each other.
func observations<E: Environment>(of environment: E, seed: UInt64, steps: Int = 200) throws -> [E.Observation]
where E.ActionSpace == Discrete {
    var environment = environment
    var actions = RandomGenerator(seed: 5)
    let first = try environment.reset(seed: seed)
    var seen = [first]
    for _ in 0..<steps {
        let (observation, outcome) = try environment.step(actions.index(below: environment.actionSpace.count))
        seen.append(observation)
        if outcome.ended { seen.append(try environment.reset(seed: nil)) }
    }
    return seen
}

/// Both go the same way from here, over the ends of episodes.
func expectSameCourse<E: Environment>(_ first: E, _ second: E, steps: Int = 300) throws
where E.ActionSpace == Discrete {
    var (first, second) = (first, second)
    var actions = RandomGenerator(seed: 6)
    for step in 0..<steps {
        let action = actions.index(below: first.actionSpace.count)
        let one = try first.step(action)
        let other = try second.step(action)
        #expect(one.observation == other.observation, "step \(step)")
        #expect(one.outcome == other.outcome, "step \(step)")
        if one.outcome.ended {
            let oneStart = try first.reset(seed: nil)
            let otherStart = try second.reset(seed: nil)
            #expect(oneStart == otherStart, "reset after step \(step)")
        }
    }
}

/// An environment that was stored in mid-episode and read back goes on as the one that was not.
func expectContinuationAfterCoding<E: Environment & Codable>(of environment: E) throws
where E.ActionSpace == Discrete {
    var environment = environment
    _ = try environment.reset(seed: 8)
    for _ in 0..<7 {
        let outcome = try environment.step(0).outcome
        if outcome.ended { _ = try environment.reset(seed: nil) }
    }
    let copy = try JSONDecoder().decode(E.self, from: JSONEncoder().encode(environment))
    try expectSameCourse(environment, copy)
}

/// Steps before the first reset are refused, and so are `illegal` actions, which leave the environment as it was.
func expectRefusals<E: Environment>(of environment: E, illegal: [Int], message: (Int) -> String) throws
where E.ActionSpace == Discrete {
    var environment = environment
    #expect(throws: EnvironmentError.needsReset) { _ = try environment.step(0) }
    _ = try environment.reset(seed: 3)
    let untouched = environment
    for action in illegal {
        let refusal = EnvironmentError(message(action))
        #expect(throws: refusal) { _ = try environment.step(action) }
    }
    try expectSameCourse(environment, untouched)
}
