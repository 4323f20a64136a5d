import Foundation
import Gym
import NeuralNetworks

/// The networks written once more in double precision, from their documentation: plain loops over named parameters.
struct DoubleReference {
    let layout: ParameterLayout
    let parameters: [Double]

    private func part(_ name: String) -> (values: ArraySlice<Double>, shape: [Int]) {
        guard let entry = layout[name] else { return ([], [0, 0]) }
        return (parameters[entry.range], entry.shape)
    }

    private func product(_ x: [Double], _ name: String) -> [Double] {
        let (weight, shape) = part(name)
        let first = weight.startIndex
        return (0..<shape[1]).map { j in
            (0..<shape[0]).reduce(0) { $0 + x[$1] * weight[first + $1 * shape[1] + j] }
        }
    }

    private func bias(_ name: String) -> [Double] { Array(part(name).values) }

    func mlp(
        _ name: String, _ input: [Double], hidden: (Double) -> Double, output: (Double) -> Double = { $0 }
    ) -> [Double] {
        var x = input
        var index = 0
        while layout["\(name).\(index).weight"] != nil {
            let isLast = layout["\(name).\(index + 1).weight"] == nil
            x = zip(product(x, "\(name).\(index).weight"), bias("\(name).\(index).bias")).map(+)
                .map(isLast ? output : hidden)
            index += 1
        }
        return x
    }

    /// Logits of every candidate and value of every observation.
    func candidates(_ batch: CandidateBatch) -> (logits: [Double], values: [Double]) {
        let relu = { (x: Double) in max(x, 0) }
        var (logits, values): ([Double], [Double]) = ([], [])
        for decision in 0..<batch.count {
            let context = row(batch.contexts, decision, batch.contextWidth)
            let shared = zip(product(context, "actor.context.weight"), bias("actor.candidate.bias")).map(+)
            for candidate in batch.candidateOffsets[decision]..<batch.candidateOffsets[decision + 1] {
                let own = product(
                    row(batch.candidateRows, candidate, batch.candidateWidth), "actor.candidate.weight")
                logits += mlp("actor.scorer", zip(shared, own).map(+).map(relu), hidden: relu)
            }
            let nodes = (batch.nodeOffsets[decision]..<batch.nodeOffsets[decision + 1]).map {
                mlp("critic.node", row(batch.nodeRows, $0, batch.nodeWidth), hidden: relu, output: relu)
            }
            let width = layout["critic.node.0.bias"]?.count ?? 0
            let mean = (0..<width).map { column in
                nodes.isEmpty ? 0 : nodes.reduce(0) { $0 + $1[column] } / Double(nodes.count)
            }
            let most = (0..<width).map { column in nodes.map { $0[column] }.max() ?? 0 }
            values += mlp("critic.value", context + mean + most + [log(1 + Double(nodes.count))], hidden: relu)
        }
        return (logits, values)
    }

    private func row(_ rows: [Float], _ index: Int, _ width: Int) -> [Double] {
        rows[index * width..<(index + 1) * width].map(Double.init)
    }
}

/// The gradient by central differences of a function in double precision.
func centralDifferences(
    at point: [Float], step: Double = 1e-6, _ function: ([Double]) -> Double
) -> [Double] {
    var x = point.map(Double.init)
    return x.indices.map { index in
        let center = x[index]
        x[index] = center + step
        let above = function(x)
        x[index] = center - step
        let below = function(x)
        x[index] = center
        return (above - below) / (2 * step)
    }
}

/// The largest difference between two gradients, relative to each component, with 1 % of the largest component as the
/// floor of what counts as its size.
func relativeDifference(_ gradient: [Float], _ exact: [Double]) -> Double {
    let floor = 0.01 * (exact.map(abs).max() ?? 1)
    return zip(gradient, exact).map { abs(Double($0) - $1) / max(abs($1), floor) }.max() ?? .infinity
}
