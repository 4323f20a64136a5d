import CKernels

extension Kernels {
    /// x = tanh(x), within 4e-7 of the exact value.
    public static func tanh(_ x: inout MutableSpan<Float>) {
        x.withUnsafeMutableBufferPointer { berth_tanh($0.count, $0.baseAddress) }
    }

    /// x = exp(x), relative error below 3e-7; 0 below -87 and infinity above 88.
    public static func exp(_ x: inout MutableSpan<Float>) {
        x.withUnsafeMutableBufferPointer { berth_exp($0.count, $0.baseAddress) }
    }

    /// x = max(x, 0).
    public static func relu(_ x: inout MutableSpan<Float>) {
        x.withUnsafeMutableBufferPointer { berth_relu($0.count, $0.baseAddress) }
    }

    /// gradient *= 1 - y², where y = tanh(x): the gradient in y becomes that in x.
    public static func tanhBackward(_ y: Span<Float>, gradient: inout MutableSpan<Float>) {
        precondition(y.count == gradient.count)
        y.withUnsafeBufferPointer { y in
            gradient.withUnsafeMutableBufferPointer { berth_tanh_backward($0.count, y.baseAddress, $0.baseAddress) }
        }
    }

    /// gradient = 0 where y = max(x, 0) is 0: the gradient in y becomes that in x.
    public static func reluBackward(_ y: Span<Float>, gradient: inout MutableSpan<Float>) {
        precondition(y.count == gradient.count)
        y.withUnsafeBufferPointer { y in
            gradient.withUnsafeMutableBufferPointer { berth_relu_backward($0.count, y.baseAddress, $0.baseAddress) }
        }
    }

    /// sums += the column sums of x, rows in ascending order: the gradient of a bias.
    /// - Parameters:
    ///   - x: rows × columns.
    ///   - sums: holds the columns values from element `offset` on.
    public static func addColumnSums(
        _ x: Span<Float>, rows: Int, columns: Int, into sums: inout MutableSpan<Float>, at offset: Int = 0
    ) {
        precondition(x.count == rows * columns && offset >= 0 && offset + columns <= sums.count)
        x.withUnsafeBufferPointer { x in
            sums.withUnsafeMutableBufferPointer { sums in
                guard let sums = sums.baseAddress else { return }
                berth_add_column_sums(rows, columns, x.baseAddress, sums + offset)
            }
        }
    }

    /// The sum of squares, in a fixed order.
    public static func squaredNorm(_ x: Span<Float>) -> Double {
        x.withUnsafeBufferPointer { berth_squared_norm($0.count, $0.baseAddress) }
    }

    /// x *= factor.
    public static func scale(_ x: inout MutableSpan<Float>, by factor: Float) {
        x.withUnsafeMutableBufferPointer { berth_scale($0.count, factor, $0.baseAddress) }
    }

    /// y += factor · x.
    public static func add(_ x: Span<Float>, times factor: Float = 1, to y: inout MutableSpan<Float>) {
        precondition(x.count == y.count)
        x.withUnsafeBufferPointer { x in
            y.withUnsafeMutableBufferPointer { berth_add_scaled($0.count, factor, x.baseAddress, $0.baseAddress) }
        }
    }

    /// Coefficients of one step of Adam; the names are those of Kingma and Ba, "Adam: a method for stochastic
    /// optimization" (2015), algorithm 1.
    public struct AdamStep: Sendable {
        /// The gradient is multiplied by it first: for clipping by norm.
        public var gradientScale: Float
        /// Learning rate α divided by 1 - β₁ᵗ.
        public var stepSize: Float
        /// 1 / √(1 - β₂ᵗ).
        public var inverseRootCorrection: Float
        /// Decay of the first moment.
        public var beta1: Float
        /// Decay of the second moment.
        public var beta2: Float
        /// Added to the root of the corrected second moment.
        public var epsilon: Float

        /// The coefficients of step `step` (1 is the first).
        public init(
            step: Int, rate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
            gradientScale: Double = 1
        ) {
            precondition(step >= 1, "Adam counts its steps from 1")
            self.gradientScale = Float(gradientScale)
            stepSize = Float(rate / (1 - Self.power(beta1, step)))
            inverseRootCorrection = Float(1 / (1 - Self.power(beta2, step)).squareRoot())
            self.beta1 = Float(beta1)
            self.beta2 = Float(beta2)
            self.epsilon = Float(epsilon)
        }

        /// Repeated squaring, so that no library's `pow` decides the bits.
        private static func power(_ base: Double, _ exponent: Int) -> Double {
            var (result, square, rest) = (1.0, base, exponent)
            while rest > 0 {
                if rest & 1 == 1 { result *= square }
                square *= square
                rest >>= 1
            }
            return result
        }
    }

    /// One step of Adam on all of `parameters`; the moments are updated in place.
    public static func adam(
        _ step: AdamStep, parameters: inout MutableSpan<Float>, gradient: Span<Float>,
        firstMoment: inout MutableSpan<Float>, secondMoment: inout MutableSpan<Float>
    ) {
        let count = parameters.count
        precondition(gradient.count == count && firstMoment.count == count && secondMoment.count == count)
        parameters.withUnsafeMutableBufferPointer { parameters in
            gradient.withUnsafeBufferPointer { gradient in
                firstMoment.withUnsafeMutableBufferPointer { first in
                    secondMoment.withUnsafeMutableBufferPointer { second in
                        berth_adam(
                            count, parameters.baseAddress, gradient.baseAddress, first.baseAddress, second.baseAddress,
                            step.gradientScale, step.stepSize, step.inverseRootCorrection, step.beta1, step.beta2,
                            step.epsilon)
                    }
                }
            }
        }
    }
}
