import NeuralNetworks

/// Action values as outputs of an actor-critic: Q = logit; in a duel Q = V + A − mean A over the legal actions, with the
/// logits as A (Wang et al., 2016, equation 9).
package enum ActionValues {
    /// The legal action of the highest value in observation `index`, the first among equals; `nil` when there is none,
    /// or values that are not finite.
    package static func best(_ output: ActorCriticOutput, _ index: Int) -> Int? {
        let range = output.offsets[index]..<output.offsets[index + 1]
        guard !range.isEmpty else { return nil }
        var best = range.lowerBound
        for candidate in range {
            guard output.logits[candidate].isFinite else { return nil }
            if output.logits[candidate] > output.logits[best] { best = candidate }
        }
        return best - range.lowerBound
    }

    /// The value of a legal action in observation `index`.
    package static func value(of action: Int, _ output: ActorCriticOutput, _ index: Int, isDueling: Bool) -> Float {
        let advantage = output.logits[output.offsets[index] + action]
        guard isDueling else { return advantage }
        return output.values[index] + advantage - mean(output, index)
    }

    private static func mean(_ output: ActorCriticOutput, _ index: Int) -> Float {
        let range = output.offsets[index]..<output.offsets[index + 1]
        var sum: Float = 0
        for candidate in range { sum += output.logits[candidate] }
        return sum / Float(range.count)
    }
}

/// DQN's loss and its gradient in the outputs of the network (Mnih et al., "Human-level control through deep
/// reinforcement learning", 2015, equation 2).
///
/// With the target y = Σ γ^Δt r + γ^Δt Q'(s', a*), and a* the legal action of the highest value by the target network
/// Q', or by the learning one in double Q-learning: the weighted mean over the minibatch of the loss of Q(s, a) − y.
package struct DQNLoss: Sendable {
    package var loss: ErrorLoss
    package var isDouble: Bool
    package var isDueling: Bool

    package init(loss: ErrorLoss, isDouble: Bool, isDueling: Bool) {
        (self.loss, self.isDouble, self.isDueling) = (loss, isDouble, isDueling)
    }

    /// Sums over samples.
    package struct Sums: Sendable, BitwiseCopyable {
        package var loss = 0.0
        package var absoluteError = 0.0
        package var actionValue = 0.0

        static func += (left: inout Sums, right: Sums) {
            left.loss += right.loss
            left.absoluteError += right.absoluteError
            left.actionValue += right.actionValue
        }
    }

    /// The targets of transitions.
    /// - Parameters:
    ///   - returns, discounts: as in `Experiences`.
    ///   - target: the target network's outputs for what the transitions led to.
    ///   - learning: the learning network's, where it chooses.
    /// - Throws: `LearningError` when a transition that did not end in a termination leads to no legal action, or to
    ///   values that are not finite.
    package func targets(
        returns: [Float], discounts: [Float], target: ActorCriticOutput, learning: ActorCriticOutput,
        into result: inout [Float]
    ) throws {
        result.removeAll(keepingCapacity: true)
        for index in returns.indices {
            guard discounts[index] > 0 else {
                result.append(returns[index])
                continue
            }
            let chooser = isDouble ? learning : target
            guard chooser.choices(index) > 0 else {
                throw LearningError(
                    .noCandidates,
                    "an episode that was cut off ended in an observation without candidates: it must show the decision "
                        + "that would have come next, or be terminated")
            }
            guard let best = ActionValues.best(chooser, index) else {
                throw LearningError.diverged("the action values are")
            }
            let value = ActionValues.value(of: best, target, index, isDueling: isDueling)
            result.append(returns[index] + discounts[index] * value)
        }
    }

    /// The gradient of the loss in the outputs.
    /// - Parameters:
    ///   - weights: of the samples, as from `ReplayBuffer`.
    ///   - batchSize: transitions of the whole minibatch.
    ///   - gradients: gets logits and, in a duel, values of the lengths of `output`'s.
    ///   - errors: gets Q(s, a) − y of each sample.
    package func gradients(
        actions: [Int], targets: [Float], weights: [Float], output: ActorCriticOutput, batchSize: Int,
        into gradients: inout ActorCriticOutput, errors: inout [Float]
    ) -> Sums {
        Self.clear(&gradients.logits, count: output.logits.count)
        if isDueling { Self.clear(&gradients.values, count: output.values.count) }
        errors.removeAll(keepingCapacity: true)
        var sums = Sums()
        let scale = 1 / Float(batchSize)
        for index in actions.indices {
            let value = ActionValues.value(of: actions[index], output, index, isDueling: isDueling)
            let error = value - targets[index]
            errors.append(error)
            let (cost, slope): (Float, Float) =
                switch loss {
                case .squared: (error * error, 2 * error)
                case .huber: abs(error) <= 1 ? (0.5 * error * error, error) : (abs(error) - 0.5, error > 0 ? 1 : -1)
                }
            sums.loss += Double(weights[index] * cost)
            sums.absoluteError += Double(abs(error))
            sums.actionValue += Double(value)
            let gradient = weights[index] * slope * scale
            let range = output.offsets[index]..<output.offsets[index + 1]
            if isDueling {
                gradients.values[index] = gradient
                for candidate in range { gradients.logits[candidate] -= gradient / Float(range.count) }
            }
            gradients.logits[range.lowerBound + actions[index]] += gradient
        }
        return sums
    }

    private static func clear(_ array: inout [Float], count: Int) {
        array.removeAll(keepingCapacity: true)
        array.append(contentsOf: repeatElement(0, count: count))
    }
}
