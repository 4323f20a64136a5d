import LinearAlgebra
import NeuralNetworks

/// How long the matrix products and activations of a multi-layer perceptron take by themselves: what no
/// implementation on the same kernels can be faster than.
struct KernelBound {
    /// Number of inputs, then of the outputs of each layer.
    let widths: [Int]
    /// Activation of all layers but the last.
    let activation: Activation

    /// Seconds of the products and activations of a forward pass over `rows` rows: the median of many.
    func forward(rows: Int) -> Double { seconds(rows: rows, isBackward: false) }

    /// Seconds of those of a backward pass: two products in each layer but the first, which passes nothing back.
    func backward(rows: Int) -> Double { seconds(rows: rows, isBackward: true) }

    private func seconds(rows: Int, isBackward: Bool) -> Double {
        var layers = (1..<widths.count).map { Layer(rows: rows, inputs: widths[$0 - 1], outputs: widths[$0]) }
        let clock = ContinuousClock()
        // Enough repetitions for a clock that is read for each to say something.
        let repetitions = max(1, 200_000 / (rows * widths.reduce(0, +)))
        var times: [Double] = []
        for _ in 0..<31 {
            let start = clock.now
            for _ in 0..<repetitions {
                for index in layers.indices {
                    let isHidden = index < layers.count - 1
                    if isBackward {
                        layers[index].backward(isFirst: index == 0)
                    } else {
                        layers[index].forward(isHidden ? activation : .identity)
                    }
                }
            }
            times.append((clock.now - start) / .seconds(1) / Double(repetitions))
        }
        return times.sorted()[times.count / 2]
    }

    /// Operands of one layer. What they hold does not matter to the time, as long as it is an ordinary number.
    private struct Layer {
        let rows: Int
        let inputs: Int
        let outputs: Int
        let x: [Float]
        let weights: [Float]
        let delta: [Float]
        var y: [Float]
        var weightGradients: [Float]
        var inputGradients: [Float]

        init(rows: Int, inputs: Int, outputs: Int) {
            (self.rows, self.inputs, self.outputs) = (rows, inputs, outputs)
            x = Array(repeating: 0.5, count: rows * inputs)
            weights = Array(repeating: 0.01, count: inputs * outputs)
            delta = Array(repeating: 1e-3, count: rows * outputs)
            y = Array(repeating: 0, count: rows * outputs)
            weightGradients = Array(repeating: 0, count: inputs * outputs)
            inputGradients = Array(repeating: 0, count: rows * inputs)
        }

        mutating func forward(_ activation: Activation) {
            let (rows, inputs, outputs) = (rows, inputs, outputs)
            let (x, weights) = (x, weights)
            var span = y.mutableSpan
            Kernels.product(x.span, weights.span, rows: rows, inner: inputs, columns: outputs, into: &span)
            switch activation {
            case .tanh: Kernels.tanh(&span)
            case .relu: Kernels.relu(&span)
            case .identity: break
            }
        }

        mutating func backward(isFirst: Bool) {
            let (rows, inputs, outputs) = (rows, inputs, outputs)
            let (x, weights, delta) = (x, weights, delta)
            do {
                var span = weightGradients.mutableSpan
                Kernels.addTransposedProduct(
                    x.span, delta.span, rows: inputs, inner: rows, columns: outputs, into: &span)
            }
            guard !isFirst else { return }
            var span = inputGradients.mutableSpan
            Kernels.product(
                delta.span, transposed: weights.span, rows: rows, inner: outputs, columns: inputs, into: &span)
        }
    }
}
