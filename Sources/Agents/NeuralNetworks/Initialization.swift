public import Randomness

/// How weights and biases are drawn at the start.
public enum Initialization: String, Codable, Sendable, CaseIterable {
    /// Orthogonal weights, √2 (or 1 without activation) as gain of the hidden layers and a gain of the output layer's
    /// own; biases 0: the convention of policy gradients, where a small gain makes the first policy nearly uniform.
    case orthogonal
    /// Weights and biases uniform in ±1/√inputs, as layers of PyTorch are by default and Q-networks of
    /// Stable-Baselines3 and CleanRL therefore.
    case uniform
}

/// Weights whose rows or columns, whichever are fewer, are orthogonal and of length `gain` (Saxe, McClelland and
/// Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014).
///
/// Gaussian vectors are made orthonormal by modified Gram-Schmidt, run twice for full precision.
/// - Returns: inputs × outputs values, row-major.
public func orthogonalWeights(
    inputs: Int, outputs: Int, gain: Float, using generator: inout RandomGenerator
) -> [Float] {
    let (count, length) = (min(inputs, outputs), max(inputs, outputs))
    var vectors: [[Double]] = []
    for _ in 0..<count {
        var vector = (0..<length).map { _ in generator.normal() }
        for _ in 0..<2 {
            for other in vectors {
                let overlap = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                for index in vector.indices { vector[index] -= overlap * other[index] }
            }
        }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for index in vector.indices { vector[index] /= norm }
        vectors.append(vector)
    }
    var weights = [Float](repeating: 0, count: inputs * outputs)
    for i in 0..<inputs {
        for j in 0..<outputs {
            weights[i * outputs + j] = gain * Float(inputs >= outputs ? vectors[j][i] : vectors[i][j])
        }
    }
    return weights
}
