import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import Randomness
import Testing

/// `count` transitions between rows of one feature, numbered from `first`: transition i leads from i to i + 1/2.
private func transitions(_ count: Int, from first: Int = 0) -> Experiences<Matrix> {
    var experiences = Experiences(like: Matrix(rows: 0, columns: 1))
    for index in first..<first + count {
        experiences.observations.append(row: [Float(index)].span)
        experiences.actions.append(index)
        experiences.returns.append(Float(index))
        experiences.discounts.append(0.5)
        experiences.nextObservations.append(row: [Float(index) + 0.5].span)
    }
    return experiences
}

@Suite("Replay")
struct ReplayTests {
    @Test("a sum tree finds the leaf that a walk along the leaves finds")
    func sumTree() {
        var generator = RandomGenerator(seed: 1)
        var tree = SumTree(count: 37)
        var leaves = [Double](repeating: 0, count: 37)
        for _ in 0..<500 {
            let leaf = generator.index(below: 37)
            leaves[leaf] = generator.chance(0.2) ? 0 : Double(1 + generator.index(below: 16))
            tree[leaf] = leaves[leaf]
            #expect(tree.total == leaves.reduce(0, +))
            let mass = generator.uniform() * tree.total
            var (walked, sum) = (0, leaves[0])
            while sum <= mass, walked < 36 {
                walked += 1
                sum += leaves[walked]
            }
            if tree.total > 0 { #expect(tree.leaf(at: mass) == walked) }
        }
        // At the very end, and with rounding beyond it, a leaf that is not 0.
        #expect(tree[tree.leaf(at: tree.total)] > 0 && tree[tree.leaf(at: tree.total * 1.01)] > 0)
    }

    @Test("keeps the newest transitions and draws each as often")
    func ring() {
        var replay = ReplayBuffer(capacity: 300, isPrioritized: false, like: Matrix(rows: 0, columns: 1))
        replay.append(allOf: transitions(1))
        #expect(replay.count == 1)
        replay.append(allOf: transitions(1000, from: 1))
        #expect((298...300).contains(replay.count))
        var minibatch = ReplayBuffer.Minibatch(experiences: transitions(0))
        var generator = RandomGenerator(seed: 2)
        var drawn: [Int: Int] = [:]
        for _ in 0..<300 {
            replay.draw(100, beta: 0, using: &generator, into: &minibatch)
            #expect(minibatch.weights == Array(repeating: 1, count: 100))
            for index in 0..<100 {
                let number = minibatch.experiences.actions[index]
                drawn[number, default: 0] += 1
                // What belongs together stays together.
                #expect(minibatch.experiences.observations[index, 0] == Float(number))
                #expect(minibatch.experiences.returns[index] == Float(number))
                #expect(minibatch.experiences.nextObservations[index, 0] == Float(number) + 0.5)
            }
        }
        #expect(drawn.keys.min() == 1001 - replay.count && drawn.keys.max() == 1000 && drawn.count == replay.count)
        // Each is drawn 100 times in the mean, with a deviation of 10.
        #expect(drawn.values.allSatisfy { (50...150).contains($0) })
    }

    @Test("draws in proportion to priorities and weighs against them (Schaul et al., 2016, equations 1 and 3.4)")
    func priorities() {
        var replay = ReplayBuffer(capacity: 100, isPrioritized: true, like: Matrix(rows: 0, columns: 1))
        replay.append(allOf: transitions(4))
        var settings = PrioritizedReplaySettings()
        (settings.alpha, settings.epsilon) = (0.5, 1e-12)
        // Roots 1, 2, 3 and 4 of ten.
        replay.setPriorities([1, -4, 9, 16], of: [0, 1, 2, 3], settings)
        var minibatch = ReplayBuffer.Minibatch(experiences: transitions(0))
        var generator = RandomGenerator(seed: 3)
        replay.draw(10_000, beta: 0.5, using: &generator, into: &minibatch)
        var drawn = [0, 0, 0, 0]
        for (index, slot) in minibatch.slots.enumerated() {
            drawn[slot] += 1
            #expect(minibatch.experiences.actions[index] == slot)
            // (N P)^-β over the largest, which is that of the least probable.
            let weight = (1 / Double(slot + 1)).squareRoot()
            #expect(abs(Double(minibatch.weights[index]) - weight) < 1e-6)
        }
        // One of each of 10,000 equal shares: the counts are exact but for the shares at the borders.
        for slot in 0..<4 { #expect(abs(drawn[slot] - 1000 * (slot + 1)) <= 2) }

        // A new transition gets the largest priority so far, and a forgotten one none.
        replay.append(allOf: transitions(1, from: 4))
        #expect(abs((replay.priorities?[4] ?? 0) - 4) < 1e-9)
        replay.append(allOf: transitions(100, from: 5))
        #expect(abs((replay.priorities?.total ?? 0) - 4 * Double(replay.count)) < 1e-9)
    }

    @Test("sums rewards up over n steps, discounted by time, and cuts them at the end of an episode")
    func steps() {
        var pending = PendingSteps(like: Matrix(rows: 0, columns: 1))
        let batch = Matrix(rows: 4, columns: 1, values: [10, 11, 12, 13])
        var experiences = transitions(0)
        for (step, (reward, elapsed)) in [(1.0, 0.0), (2, 1), (4, 2)].enumerated() {
            pending.begin(step, from: step, of: batch)
            pending.end(reward: reward, elapsed: elapsed)
        }
        pending.emit(to: 3, of: batch, isTerminated: false, discount: 0.5, into: &experiences)
        pending.emit(to: 3, of: batch, isTerminated: true, discount: 0.5, into: &experiences)
        pending.emit(to: 3, of: batch, isTerminated: false, discount: 0.5, into: &experiences)
        // 1 + 2 + 4/2 over 3 intervals; 2 + 4/2 to an end; 4 over 2 intervals.
        #expect(experiences.returns == [5, 4, 4])
        #expect(experiences.discounts == [0.125, 0, 0.25])
        #expect(experiences.actions == [0, 1, 2])
        #expect(experiences.observations.values == [10, 11, 12])
        #expect(experiences.nextObservations.values == [13, 13, 13])
        #expect(pending.count == 0)
    }
}

@Suite("DQN's loss")
struct DQNLossTests {
    /// Three observations with 2, 3 and 1 actions.
    private func output(_ logits: [Float], _ values: [Float]) -> ActorCriticOutput {
        var output = ActorCriticOutput()
        (output.logits, output.offsets, output.values) = (logits, [0, 2, 5, 6], values)
        return output
    }

    @Test("targets: the maximum over legal actions, double Q-learning, a duel, an end")
    func targets() throws {
        let target = output([1, 2, 5, 4, 3, 100], [10, 20, 30])
        let learning = output([9, 8, 0, 0, 7, 1], [0, 0, 0])
        var result: [Float] = []
        func targets(isDouble: Bool, isDueling: Bool, discounts: [Float]) throws -> [Float] {
            let loss = DQNLoss(loss: .huber, isDouble: isDouble, isDueling: isDueling)
            try loss.targets(
                returns: [1, 2, 3], discounts: discounts, target: target, learning: learning, into: &result)
            return result
        }
        #expect(try targets(isDouble: false, isDueling: false, discounts: [0.5, 0.5, 0]) == [2, 4.5, 3])
        // The learning network chooses actions 0 and 2; the target network values them at 1 and 3.
        #expect(try targets(isDouble: true, isDueling: false, discounts: [0.5, 0.5, 0]) == [1.5, 3.5, 3])
        // V + A - mean A: 10 + 2 - 1.5, 20 + 5 - 4, 30 + 100 - 100.
        #expect(try targets(isDouble: false, isDueling: true, discounts: [0.5, 0.5, 0.5]) == [6.25, 12.5, 18])
    }

    @Test("a cut-off episode without a next decision, and values that are no numbers, are errors")
    func refusals() {
        var empty = output([1, 2, 3, 4, 5], [0, 0, 0])
        empty.offsets = [0, 2, 5, 5]
        let loss = DQNLoss(loss: .huber, isDouble: false, isDueling: false)
        var result: [Float] = []
        #expect(throws: LearningError.self) {
            try loss.targets(
                returns: [1, 2, 3], discounts: [1, 1, 1], target: empty, learning: empty, into: &result)
        }
        // After an end nothing is asked for.
        #expect(throws: Never.self) {
            try loss.targets(
                returns: [1, 2, 3], discounts: [1, 1, 0], target: empty, learning: empty, into: &result)
        }
        let broken = output([1, .nan, 3, 4, 5, 6], [0, 0, 0])
        #expect(throws: LearningError.self) {
            try loss.targets(
                returns: [1, 2, 3], discounts: [1, 1, 1], target: broken, learning: broken, into: &result)
        }
    }

    @Test("the gradient is the slope of the loss", arguments: [ErrorLoss.huber, .squared], [false, true])
    func slope(kind: ErrorLoss, isDueling: Bool) {
        let loss = DQNLoss(loss: kind, isDouble: false, isDueling: isDueling)
        let (logits, values): ([Float], [Float]) = ([0.3, -0.2, 1, 2, -1, 0.5], [0.1, -0.3, 0.2])
        let actions = [1, 0, 0]
        let (targets, weights): ([Float], [Float]) = ([0.2, -3, 4], [1, 0.5, 0.25])
        func sum(_ logits: [Float], _ values: [Float]) -> Double {
            var (gradients, errors) = (ActorCriticOutput(), [Float]())
            return loss.gradients(
                actions: actions, targets: targets, weights: weights, output: output(logits, values),
                batchSize: 3, into: &gradients, errors: &errors
            ).loss / 3
        }
        var (gradients, errors) = (ActorCriticOutput(), [Float]())
        _ = loss.gradients(
            actions: actions, targets: targets, weights: weights, output: output(logits, values),
            batchSize: 3, into: &gradients, errors: &errors)
        #expect(errors.count == 3)
        let step: Float = 1e-2
        for index in logits.indices {
            var (up, down) = (logits, logits)
            up[index] += step
            down[index] -= step
            let slope = (sum(up, values) - sum(down, values)) / Double(up[index] - down[index])
            #expect(abs(slope - Double(gradients.logits[index])) < 2e-4)
        }
        guard isDueling else { return }
        for index in values.indices {
            var (up, down) = (values, values)
            up[index] += step
            down[index] -= step
            let slope = (sum(logits, up) - sum(logits, down)) / Double(up[index] - down[index])
            #expect(abs(slope - Double(gradients.values[index])) < 2e-4)
        }
    }
}
