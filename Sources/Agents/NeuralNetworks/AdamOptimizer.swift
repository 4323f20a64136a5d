import LinearAlgebra

/// Adam (Kingma and Ba, 2015) over one flat buffer of parameters, with clipping by the norm of all gradients.
public struct AdamOptimizer: Sendable, Equatable, Codable {
    /// Steps taken.
    public private(set) var step = 0
    /// First moment of each parameter's gradient.
    public private(set) var firstMoment: [Float]
    /// Second moment of each parameter's gradient.
    public private(set) var secondMoment: [Float]
    /// Decay of the first moment.
    public let beta1: Double
    /// Decay of the second moment.
    public let beta2: Double
    /// Added to the root of the second moment.
    public let epsilon: Double

    /// An optimiser of `count` parameters that has taken no step.
    ///
    /// ε = 1e-5, not the paper's 1e-8, is what PPO's reference implementations use.
    public init(count: Int, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-5) {
        firstMoment = Array(repeating: 0, count: count)
        secondMoment = firstMoment
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    /// Puts back stored moments.
    /// - Returns: false, and changes nothing, when the lengths are not those of this optimiser or `step` is negative.
    public mutating func restore(step: Int, firstMoment: [Float], secondMoment: [Float]) -> Bool {
        let count = self.firstMoment.count
        guard firstMoment.count == count, secondMoment.count == count, step >= 0 else { return false }
        (self.step, self.firstMoment, self.secondMoment) = (step, firstMoment, secondMoment)
        return true
    }

    /// One step along `gradients`; none when they are not finite.
    /// - Parameters:
    ///   - rate: learning rate.
    ///   - maximumNorm: gradients of a larger Euclidean norm are scaled down to it; infinity leaves them.
    /// - Returns: the norm before clipping.
    @discardableResult
    public mutating func update(
        _ parameters: inout [Float], gradients: Span<Float>, rate: Double, maximumNorm: Double = .infinity
    ) -> Double {
        let norm = Kernels.squaredNorm(gradients).squareRoot()
        guard norm.isFinite else { return norm }
        step += 1
        let coefficients = Kernels.AdamStep(
            step: step, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
            // The 1e-6 is that of the reference implementations' clip_grad_norm_.
            gradientScale: min(1, maximumNorm / (norm + 1e-6)))
        Self.apply(coefficients, &parameters, gradients, &firstMoment, &secondMoment)
        return norm
    }

    private static func apply(
        _ step: Kernels.AdamStep, _ parameters: inout [Float], _ gradients: Span<Float>, _ first: inout [Float],
        _ second: inout [Float]
    ) {
        var parameterSpan = parameters.mutableSpan
        var firstSpan = first.mutableSpan
        var secondSpan = second.mutableSpan
        Kernels.adam(
            step, parameters: &parameterSpan, gradient: gradients, firstMoment: &firstSpan,
            secondMoment: &secondSpan)
    }
}
