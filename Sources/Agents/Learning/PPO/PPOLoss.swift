import Foundation
import LinearAlgebra
public import NeuralNetworks

/// What a minibatch remembers of the decisions it learns from; one element for each sample.
public struct PPOSamples: Sendable {
    /// Index of the action that was taken; the number of the vector where actions are vectors.
    public var actions: [Int] = []
    /// Logarithm of its probability when it was taken.
    public var logProbabilities: [Float] = []
    /// Advantages, normalised where that is asked for.
    public var advantages: [Float] = []
    /// Returns that the value is to learn.
    public var returns: [Float] = []
    /// Values when the action was taken.
    public var values: [Float] = []

    /// No samples.
    public init() {}

    /// Number of samples.
    public var count: Int { actions.count }
}

/// PPO's loss and its gradient in the outputs of the network (Schulman et al., "Proximal policy optimization
/// algorithms", 2017, equations 7 and 9).
///
/// With the ratio r = π(a)/π_old(a), the advantage Â, the clip range ε and means over the minibatch:
///
///     loss = mean(max(-r Â, -clip(r, 1 - ε, 1 + ε) Â))
///          + valueCoefficient · mean(½ (V - R)²)
///          - entropyCoefficient · mean(entropy)
///
/// With a value clip range δ the squared error is the larger of (V - R)² and (clip(V, V_old - δ, V_old + δ) - R)².
/// The entropy is that of the legal candidates, divided by log(their number) if `normalizesEntropy`, and 0 for a single
/// one. Where an action is a vector its log-probability and entropy are the sums over its components.
///
/// Decisions with a single candidate have no gradient in the policy, but count in the means and in the normalisation of
/// advantages. Leaving them out gave policies that were no better: docs/architecture.md has the figures.
public struct PPOLoss: Sendable {
    /// ε.
    public var clipRange: Float
    /// δ; `nil` for no limit.
    public var valueClipRange: Float?
    /// Weight of the value loss.
    public var valueCoefficient: Float
    /// Weight of the entropy.
    public var entropyCoefficient: Float
    /// Whether the entropy of a decision is relative to the largest possible.
    public var normalizesEntropy: Bool

    /// A loss of these weights.
    public init(
        clipRange: Float, valueClipRange: Float? = nil, valueCoefficient: Float = 0.5, entropyCoefficient: Float = 0,
        normalizesEntropy: Bool = true
    ) {
        self.clipRange = clipRange
        self.valueClipRange = valueClipRange
        self.valueCoefficient = valueCoefficient
        self.entropyCoefficient = entropyCoefficient
        self.normalizesEntropy = normalizesEntropy
    }

    /// Sums over samples of the parts of the loss, before their weights, and of what is reported beside them.
    public struct Sums: Sendable, Equatable, BitwiseCopyable {
        /// max(-r Â, -clip(r) Â).
        public var policy = 0.0
        /// Half the squared error of the value.
        public var value = 0.0
        /// Entropy, normalised where that is asked for.
        public var entropy = 0.0
        /// r - 1 - log r: an unbiased estimate of the KL divergence of low variance (Schulman, 2020).
        public var divergence = 0.0
        /// Samples whose ratio is out of the clip range.
        public var clipped = 0.0
        /// Samples.
        public var count = 0.0

        /// Of no samples.
        public init() {}

        /// Adds the sums of other samples.
        public static func += (left: inout Sums, right: Sums) {
            left.policy += right.policy
            left.value += right.value
            left.entropy += right.entropy
            left.divergence += right.divergence
            left.clipped += right.clipped
            left.count += right.count
        }

        /// The weighted loss, as a mean over the samples.
        public func loss(_ weights: PPOLoss) -> Double {
            (policy + Double(weights.valueCoefficient) * value - Double(weights.entropyCoefficient) * entropy) / count
        }
    }

    /// Memory that is reused between minibatches.
    public struct Scratch: Sendable {
        var logProbabilities: [Float] = []
        var probabilities: [Float] = []
        var offsets: [Int] = []

        /// Empty.
        public init() {}
    }

    /// The gradient of the loss in logits and values.
    /// - Parameters:
    ///   - samples: as many as observations in `output`.
    ///   - batchSize: samples of the whole minibatch, of which these may be a part.
    ///   - gradients: gets logits and values of the lengths of `output`'s.
    public func gradients(
        _ samples: PPOSamples, output: ActorCriticOutput, batchSize: Int, scratch: inout Scratch,
        into gradients: inout ActorCriticOutput
    ) -> Sums {
        let count = output.values.count
        precondition(samples.count == count && output.offsets.count == count + 1, "one sample for each observation")
        Self.resize(&scratch.logProbabilities, to: output.logits.count)
        Self.resize(&scratch.probabilities, to: output.logits.count)
        Self.resize(&gradients.logits, to: output.logits.count)
        Self.resize(&gradients.values, to: count)
        if !output.parts.isEmpty { Self.offsetsOfParts(output, &scratch.offsets) }
        Self.logSoftmax(
            output, output.parts.isEmpty ? output.offsets : scratch.offsets, &scratch.logProbabilities,
            &scratch.probabilities)
        var sums = Sums()
        policyGradients(
            samples, output, scratch.logProbabilities.span, scratch.probabilities.span, 1 / Float(batchSize),
            &gradients.logits, &sums)
        valueGradients(samples, output.values.span, 1 / Float(batchSize), &gradients.values, &sums)
        sums.count = Double(count)
        return sums
    }

    private static func resize(_ array: inout [Float], to count: Int) {
        guard array.count != count else { return }
        array.removeAll(keepingCapacity: true)
        array.append(contentsOf: repeatElement(0, count: count))
    }

    /// First logit of each part of each observation, and after the last their number.
    private static func offsetsOfParts(_ output: ActorCriticOutput, _ offsets: inout [Int]) {
        offsets.removeAll(keepingCapacity: true)
        offsets.append(0)
        for _ in 1..<output.offsets.count {
            for width in output.parts { offsets.append(offsets[offsets.count - 1] + width) }
        }
    }

    private static func logSoftmax(
        _ output: ActorCriticOutput, _ offsets: [Int], _ logProbabilities: inout [Float],
        _ probabilities: inout [Float]
    ) {
        var logs = logProbabilities.mutableSpan
        var values = probabilities.mutableSpan
        Kernels.logSoftmax(
            output.logits.span, offsets: offsets.span, logProbabilities: &logs, probabilities: &values)
    }

    private func policyGradients(
        _ samples: PPOSamples, _ output: ActorCriticOutput, _ logs: Span<Float>, _ probabilities: Span<Float>,
        _ scale: Float, _ result: inout [Float], _ sums: inout Sums
    ) {
        var gradients = result.mutableSpan
        let actions = samples.actions.span
        let oldLogs = samples.logProbabilities.span
        let advantages = samples.advantages.span
        for sample in actions.indices {
            let components = ActionComponents(output, sample, action: actions[sample])
            // log π(a), and the logarithm of the number of actions.
            var (logProbability, most): (Float, Float) = (0, 0)
            for component in components {
                precondition(component.taken < component.end, "the action taken is not on the list")
                logProbability += logs[component.taken]
                if component.end - component.begin > 1 { most += log(Float(component.end - component.begin)) }
            }
            let logRatio = logProbability - oldLogs[sample]
            let ratio = exp(logRatio)
            let advantage = advantages[sample]
            let free = -ratio * advantage
            let bounded = -max(1 - clipRange, min(1 + clipRange, ratio)) * advantage
            sums.policy += Double(max(free, bounded))
            sums.divergence += Double(ratio - 1 - logRatio)
            if abs(ratio - 1) > clipRange { sums.clipped += 1 }

            // d loss / d log π(a): no gradient where the clipped branch is the larger.
            let inLogProbability = free >= bounded ? free * scale : 0
            let unit = normalizesEntropy ? most : 1
            for component in components {
                var entropy: Float = 0
                var entropyScale: Float = 0
                if component.end - component.begin > 1 {
                    for index in component.begin..<component.end { entropy -= probabilities[index] * logs[index] }
                    sums.entropy += Double(entropy / unit)
                    entropyScale = entropyCoefficient * scale / unit
                }
                // d log π(a) / d z_j = [j = a] - π_j; d entropy / d z_j = -π_j (log π_j + entropy).
                for index in component.begin..<component.end {
                    let probability = probabilities[index]
                    gradients[index] =
                        probability * (entropyScale * (logs[index] + entropy) - inLogProbability)
                }
                gradients[component.taken] += inLogProbability
            }
        }
    }

    private func valueGradients(
        _ samples: PPOSamples, _ values: Span<Float>, _ scale: Float, _ result: inout [Float], _ sums: inout Sums
    ) {
        var gradients = result.mutableSpan
        let returns = samples.returns.span
        let oldValues = samples.values.span
        for sample in values.indices {
            let error = values[sample] - returns[sample]
            var square = error * error
            var slope = error
            if let valueClipRange {
                let change = values[sample] - oldValues[sample]
                let boundedChange = max(-valueClipRange, min(valueClipRange, change))
                let boundedError = oldValues[sample] + boundedChange - returns[sample]
                if boundedError * boundedError > square {
                    square = boundedError * boundedError
                    slope = boundedChange == change ? boundedError : 0
                }
            }
            sums.value += Double(0.5 * square)
            gradients[sample] = valueCoefficient * scale * slope
        }
    }
}
