import Foundation
import Learning
import Testing

@Suite("Generalised advantage estimation")
struct AdvantageTests {
    private func trajectory(_ rewards: [Float], values: [Float], elapsed: [Float]? = nil)
        -> AdvantageEstimation.Trajectory
    {
        var trajectory = AdvantageEstimation.Trajectory()
        trajectory.rewards = rewards
        trajectory.values = values
        trajectory.nextValues = Array(values.dropFirst()) + [0]
        trajectory.elapsed = elapsed ?? rewards.map { _ in 1 }
        trajectory.ended = rewards.map { _ in false }
        trajectory.ended[rewards.count - 1] = true
        return trajectory
    }

    @Test("with lambda 1 gives the discounted return minus the value")
    func monteCarlo() {
        let rewards: [Float] = [1, -2, 3, 0.5]
        let values: [Float] = [0.3, 1, -1, 2]
        let advantages = AdvantageEstimation(discount: 0.9, lambda: 1).advantages(
            trajectory(rewards, values: values))
        for step in rewards.indices {
            let total = (step..<4).reduce(0.0) { $0 + Double(rewards[$1]) * pow(0.9, Double($1 - step)) }
            #expect(abs(Double(advantages[step]) - (total - Double(values[step]))) < 1e-5)
        }
    }

    @Test("with lambda 0 gives one-step differences")
    func oneStep() {
        let advantages = AdvantageEstimation(discount: 0.5, lambda: 0).advantages(
            trajectory([1, 2, 3], values: [4, 6, 8]))
        // r + γ V' - V with γ = 0.5: 1 + 3 - 4, 2 + 4 - 6, 3 - 8.
        let exact: [Float] = [0, 0, -5]
        #expect(advantages == exact)
    }

    @Test("follows the weighted sum of differences in between")
    func definition() {
        let (gamma, lambda) = (0.97, 0.8)
        let rewards: [Float] = [0.2, 0.7, -1, 4, 0]
        let values: [Float] = [1, 2, 0.5, -0.5, 3]
        let advantages = AdvantageEstimation(discount: gamma, lambda: lambda).advantages(
            trajectory(rewards, values: values))
        let deltas = rewards.indices.map { step in
            Double(rewards[step]) + gamma * Double(step < 4 ? values[step + 1] : 0) - Double(values[step])
        }
        for step in rewards.indices {
            let exact = (step..<5).reduce(0.0) { $0 + pow(gamma * lambda, Double($1 - step)) * deltas[$1] }
            #expect(abs(Double(advantages[step]) - exact) < 1e-5)
        }
    }

    @Test("does not discount actions that take no time, and takes powers of fractions and multiples")
    func elapsedTime() {
        let estimation = AdvantageEstimation(discount: 0.81, lambda: 1)
        let burst = estimation.advantages(
            trajectory([0, 0, 0, 1], values: [0, 0, 0, 0], elapsed: [0, 0, 0, 1]))
        #expect(burst == [1, 1, 1, 1])
        let uneven = estimation.advantages(trajectory([0, 0, 1], values: [0, 0, 0], elapsed: [0.5, 2, 1]))
        #expect(abs(Double(uneven[1]) - 0.81 * 0.81) < 1e-6)
        #expect(abs(Double(uneven[0]) - 0.9 * 0.81 * 0.81) < 1e-6)
    }

    @Test("bootstraps a truncation from its last observation, and carries nothing over an ending")
    func endings() {
        var cut = AdvantageEstimation.Trajectory()
        cut.rewards = [1, 1, 5]
        cut.elapsed = [1, 1, 1]
        cut.values = [0, 0, 0]
        // The second step is the last of a truncated episode whose last observation is worth 10.
        cut.nextValues = [0, 10, 7]
        cut.ended = [false, true, false]
        let advantages = AdvantageEstimation(discount: 0.5, lambda: 1).advantages(cut)
        // 1 + 0.5 · 6, then 1 + 0.5 · 10, then 5 + 0.5 · 7.
        let exact: [Float] = [4, 6, 8.5]
        #expect(advantages == exact)
    }
}

@Suite("Schedules")
struct ScheduleTests {
    @Test("start at their value and fall to 0 or stay")
    func values() {
        #expect(Schedule.constant.value(3, at: 0.7) == 3)
        #expect(Schedule.linear.value(4, at: 0) == 4)
        #expect(Schedule.linear.value(4, at: 0.25) == 3)
        #expect(Schedule.linear.value(4, at: 1) == 0)
        #expect(Schedule.linear.value(4, at: 1.5) == 0)
    }
}
