import Checkpoints
import Learning
import LinearAlgebra

/// The parameters of a dense layer: y = x · weight + bias.
struct DenseLayer: Sendable {
    /// Name in the network's layout, such as `actor.0`.
    let name: String
    /// Inputs × outputs.
    let weight: Matrix
    let bias: [Float]
}

/// The parts of a network, read by what is there: a checkpoint does not say of which kind its network is.
extension Checkpoint {
    /// A part of the network.
    /// - Throws: `CheckpointError` naming its path when it is missing, of another shape, or not finite.
    func weights(_ name: String, shape: [Int]? = nil) throws -> [Float] {
        let path = Self.path(ofParameter: name)
        let weights = try floats(path, shape: shape)
        guard !weights.isEmpty else { throw CheckpointError(.unsound, path: path, problem: "is empty") }
        guard weights.allSatisfy(\.isFinite) else {
            throw CheckpointError(
                .unsound, path: path, problem: "holds weights that are not finite: the run had diverged")
        }
        return weights
    }

    /// A weight of a layer, as a matrix.
    func matrix(_ name: String, inputs: Int, outputs: Int) throws -> Matrix {
        Matrix(rows: inputs, columns: outputs, values: try weights(name, shape: [inputs, outputs]))
    }

    /// The dense layer `name`.
    /// - Parameter inputs: how many inputs it must have; `nil` for as many as its weights have rows.
    func layer(_ name: String, inputs: Int? = nil) throws -> DenseLayer {
        let outputs = try weights("\(name).bias").count
        let rows = try inputs ?? weights("\(name).weight").count / outputs
        return DenseLayer(
            name: name, weight: try matrix("\(name).weight", inputs: rows, outputs: outputs),
            bias: try weights("\(name).bias", shape: [outputs]))
    }

    /// The dense layers `name.0`, `name.1` and so on, at least one, each with as many inputs as the one before has
    /// outputs.
    /// - Parameters:
    ///   - inputs: inputs of the first; `nil` for any number.
    ///   - outputs: outputs of the last; `nil` for any number.
    func layers(_ name: String, inputs: Int? = nil, outputs: Int? = nil) throws -> [DenseLayer] {
        var layers = [try layer("\(name).0", inputs: inputs)]
        while hasParameters("\(name).\(layers.count)") {
            layers.append(try layer("\(name).\(layers.count)", inputs: layers[layers.count - 1].bias.count))
        }
        let last = layers[layers.count - 1]
        if let outputs { _ = try weights("\(last.name).bias", shape: [outputs]) }
        return layers
    }
}
