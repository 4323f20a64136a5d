import LinearAlgebra

/// What a layer applies to its sums.
public enum Activation: String, Sendable, Codable, CaseIterable {
    /// tanh: smooth and bounded; the convention of classic control.
    case tanh
    /// max(x, 0).
    case relu
    /// Nothing: outputs.
    case identity

    /// Gain of the orthogonal initialisation of a hidden layer with this activation: √2, or 1 without one.
    public var gain: Float { self == .identity ? 1 : Float(2).squareRoot() }

    /// Applies the activation in place.
    func apply(_ x: inout MutableSpan<Float>) {
        switch self {
        case .tanh: Kernels.tanh(&x)
        case .relu: Kernels.relu(&x)
        case .identity: break
        }
    }

    /// Turns the gradient in the outputs `y` into that in the sums, in place.
    func backward(_ y: Span<Float>, gradient: inout MutableSpan<Float>) {
        switch self {
        case .tanh: Kernels.tanhBackward(y, gradient: &gradient)
        case .relu: Kernels.reluBackward(y, gradient: &gradient)
        case .identity: break
        }
    }
}
