public import LinearAlgebra
public import Randomness

/// Dense layers one after the other: y = activation(x · W + b).
///
/// The value describes shapes and where parameters lie; the parameters are in a buffer of the caller, the
/// intermediate results in an `MLPCache`. One network can therefore run on several threads at once.
public struct MLP: Sendable {
    struct Layer: Sendable {
        let inputs: Int
        let outputs: Int
        let weight: Range<Int>
        let bias: Range<Int>
        let activation: Activation
    }

    let layers: [Layer]

    /// Adds a network's parameters to `layout`, named `name.i.weight` (inputs × outputs) and `name.i.bias`.
    /// - Parameters:
    ///   - widths: number of inputs, then of the outputs of each layer; at least one layer.
    ///   - hidden: activation of all layers but the last.
    ///   - output: activation of the last.
    public init(
        _ name: String, widths: [Int], hidden: Activation, output: Activation = .identity,
        layout: inout ParameterLayout
    ) {
        precondition(widths.count >= 2 && widths.allSatisfy { $0 > 0 }, "an MLP needs inputs and at least one layer")
        layers = (1..<widths.count).map { index in
            Layer(
                inputs: widths[index - 1], outputs: widths[index],
                weight: layout.add("\(name).\(index - 1).weight", shape: [widths[index - 1], widths[index]]),
                bias: layout.add("\(name).\(index - 1).bias", shape: [widths[index]]),
                activation: index == widths.count - 1 ? output : hidden)
        }
    }

    /// Number of inputs.
    public var inputs: Int { layers[0].inputs }
    /// Number of outputs.
    public var outputs: Int { layers[layers.count - 1].outputs }

    /// Draws weights and biases.
    /// - Parameter outputGain: of the last layer's weights, where they are orthogonal.
    public func initialize(
        _ parameters: inout [Float], _ initialization: Initialization, outputGain: Float,
        using generator: inout RandomGenerator
    ) {
        for (index, layer) in layers.enumerated() {
            switch initialization {
            case .orthogonal:
                let gain = index == layers.count - 1 ? outputGain : layer.activation.gain
                let weights = orthogonalWeights(
                    inputs: layer.inputs, outputs: layer.outputs, gain: gain, using: &generator)
                parameters.replaceSubrange(layer.weight, with: weights)
                for index in layer.bias { parameters[index] = 0 }
            case .uniform:
                let bound = 1 / Float(layer.inputs).squareRoot()
                for range in [layer.weight, layer.bias] {
                    for index in range { parameters[index] = bound * Float(2 * generator.uniform() - 1) }
                }
            }
        }
    }

    /// Runs the network on rows of inputs; the results are `cache.outputs`.
    ///
    /// A row's outputs do not depend on the other rows; their last bits depend on the number of rows and on where it
    /// stands.
    /// - Parameters:
    ///   - parameters: the buffer of the layout.
    ///   - x: rows × inputs.
    public func forward(parameters: Span<Float>, _ x: Span<Float>, cache: inout MLPCache) {
        let rows = x.count / inputs
        precondition(x.count == rows * inputs, "rows of another width")
        for (index, layer) in layers.enumerated() {
            cache.activations[index].resize(rows: rows)
            if index == 0 {
                run(layer, parameters, x, rows: rows, into: &cache.activations[0])
            } else {
                // Shares its storage with the cache; no element is copied.
                let input = cache.activations[index - 1]
                run(layer, parameters, input.values.span, rows: rows, into: &cache.activations[index])
            }
        }
    }

    private func run(
        _ layer: Layer, _ parameters: Span<Float>, _ x: Span<Float>, rows: Int, into output: inout Matrix
    ) {
        var y = output.values.mutableSpan
        Kernels.product(
            x, parameters.extracting(layer.weight), bias: parameters.extracting(layer.bias), rows: rows,
            inner: layer.inputs, columns: layer.outputs, into: &y)
        layer.activation.apply(&y)
    }

    /// Adds the gradient in the parameters to `gradients`, given the gradient in the outputs in
    /// `cache.outputGradients` (which it overwrites) and the inputs of the last `forward`.
    /// - Parameter needsInputGradients: also computes `cache.inputGradients`.
    public func backward(
        parameters: Span<Float>, _ x: Span<Float>, cache: inout MLPCache, gradients: inout MutableSpan<Float>,
        needsInputGradients: Bool = false
    ) {
        let rows = x.count / inputs
        let last = layers.count - 1
        precondition(x.count == rows * inputs && cache.deltas[last].rows == rows, "rows of another forward")
        for (index, layer) in layers.enumerated().reversed() {
            let output = cache.activations[index]
            do {
                var delta = cache.deltas[index].values.mutableSpan
                layer.activation.backward(output.values.span, gradient: &delta)
            }
            let delta = cache.deltas[index]
            Kernels.addColumnSums(
                delta.values.span, rows: rows, columns: layer.outputs, into: &gradients, at: layer.bias.lowerBound)
            if index == 0 {
                addWeightGradient(layer, x, delta, to: &gradients)
            } else {
                let input = cache.activations[index - 1]
                addWeightGradient(layer, input.values.span, delta, to: &gradients)
            }
            if index > 0 {
                cache.deltas[index - 1].resize(rows: rows)
                passBack(delta, layer, parameters, into: &cache.deltas[index - 1])
            } else if needsInputGradients {
                cache.inputGradients.resize(rows: rows)
                passBack(delta, layer, parameters, into: &cache.inputGradients)
            }
        }
    }

    private func addWeightGradient(
        _ layer: Layer, _ x: Span<Float>, _ delta: Matrix, to gradients: inout MutableSpan<Float>
    ) {
        Kernels.addTransposedProduct(
            x, delta.values.span, rows: layer.inputs, inner: delta.rows, columns: layer.outputs, into: &gradients,
            at: layer.weight.lowerBound)
    }

    /// The gradient in a layer's inputs: delta · Wᵀ.
    private func passBack(_ delta: Matrix, _ layer: Layer, _ parameters: Span<Float>, into result: inout Matrix) {
        var span = result.values.mutableSpan
        Kernels.product(
            delta.values.span, transposed: parameters.extracting(layer.weight), rows: delta.rows,
            inner: layer.outputs, columns: layer.inputs, into: &span)
    }
}

/// Intermediate results of one `MLP`, kept from `forward` to `backward`; memory is reused between batches.
public struct MLPCache: Sendable {
    var activations: [Matrix]
    var deltas: [Matrix]
    /// Gradient in the inputs of the last `backward` that asked for it, rows × inputs.
    public internal(set) var inputGradients: Matrix

    /// Room for the results of `network`.
    public init(for network: MLP) {
        activations = network.layers.map { Matrix(rows: 0, columns: $0.outputs) }
        deltas = activations
        inputGradients = Matrix(rows: 0, columns: network.inputs)
    }

    /// Outputs of the last `forward`, rows × outputs.
    public var outputs: Matrix { activations[activations.count - 1] }

    /// Gradient in the outputs, rows × outputs: to be filled in before `backward`, which overwrites it.
    public var outputGradients: Matrix {
        get { deltas[deltas.count - 1] }
        _modify { yield &deltas[deltas.count - 1] }
    }
}
