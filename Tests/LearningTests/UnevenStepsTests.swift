import Foundation
import Gym
import Learning
import NeuralNetworks
import Testing

/// Counts the steps of environments and lets one wait for another.
private final class StepCounter: @unchecked Sendable {
    // Sendable because `steps` is only touched with the condition's lock held.
    private let condition = NSCondition()
    private var steps: [Int: Int] = [:]
    private var gaveUp = false

    func count(_ environment: Int) {
        condition.lock()
        steps[environment, default: 0] += 1
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until an environment has taken so many steps, for half a minute at most.
    func wait(for environment: Int, toTake number: Int) {
        let end = Date(timeIntervalSinceNow: 30)
        condition.lock()
        while steps[environment, default: 0] < number, !gaveUp {
            if !condition.wait(until: end) { gaveUp = true }
        }
        condition.unlock()
    }

    var everyoneCame: Bool {
        condition.lock()
        defer { condition.unlock() }
        return !gaveUp
    }
}

/// An environment whose first step lasts until another has taken all steps of the rollout, as a live cluster's does
/// while a simulated one is long done.
private struct Uneven: FlatEnvironment, Sendable {
    let index: Int
    let counter: StepCounter
    var step = 0

    var observationSpace: Box { Box(low: [-1], high: [1]) }
    var actionSpace: Discrete { Discrete(count: 2) }

    mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws { observation[0] = 1 }

    mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        if index == 0, step == 0 { counter.wait(for: 1, toTake: 16) }
        step += 1
        counter.count(index)
        observation[0] = 1
        return Outcome(reward: Double(action), truncated: step % 8 == 0)
    }
}

@Suite("Steps of uneven length")
struct UnevenStepsTests {
    @Test("Blocks do not wait for each other before the end of a rollout, and free threads take the next block")
    func blocks() throws {
        let counter = StepCounter()
        var settings = PPOSettings()
        (settings.environments, settings.environmentsPerBlock, settings.threads) = (6, 1, 2)
        (settings.rolloutSteps, settings.batchSize) = (16, 96)
        let learner = try PPO(settings: settings, network: MLPActorCritic(inputs: 1, actions: 2), seed: 1) { range in
            FlatEnvironmentGroup(range.map { Uneven(index: $0, counter: counter) })
        }
        // The slow environment waits for the second one's last step: in lockstep neither would get there. Meanwhile
        // the other thread has to take all other blocks.
        let metrics = try learner.runIteration()
        #expect(counter.everyoneCame)
        #expect(metrics.episodes == 12)
    }
}
