import LinearAlgebra
import NeuralNetworks
import Processes

/// One thread's part of a minibatch: gathers its samples, runs the network forward and back, and keeps the gradient.
struct GradientShard<Network: ActorCritic>: Sendable where Network.Observations: ObservationBatch {
    let network: Network
    var gradients: [Float]
    var sums = PPOLoss.Sums()
    private var workspace: Network.Workspace
    private var batch: Network.Observations
    private var samples = PPOSamples()
    private var scratch = PPOLoss.Scratch()

    init(_ network: Network, like observations: Network.Observations) {
        self.network = network
        gradients = Array(repeating: 0, count: network.layout.count)
        workspace = network.makeWorkspace()
        batch = observations.emptied()
    }

    /// Computes the gradient of the loss over the samples `indices` of a rollout.
    /// - Parameters:
    ///   - advantages: of each of the indices, in their order.
    ///   - batchSize: samples of the whole minibatch.
    ///   - maximumRows: bound on the rows in the network at once; more samples are gone through in pieces.
    mutating func run(
        _ indices: [Int], advantages: [Float], rollout: Rollout<Network.Observations>, parameters: [Float],
        loss: PPOLoss, batchSize: Int, maximumRows: Int
    ) {
        sums = PPOLoss.Sums()
        clear()
        var begin = 0
        while begin < indices.count {
            var end = begin
            var rows = 0
            repeat {
                rows += rollout.observations.rowCount(indices[end])
                end += 1
            } while end < indices.count && rows + rollout.observations.rowCount(indices[end]) <= maximumRows
            gather(indices, begin..<end, advantages, rollout)
            network.forward(batch, parameters: parameters.span, heads: .both, workspace: &workspace)
            let output = workspace.output
            sums += loss.gradients(
                samples, output: output, batchSize: batchSize, scratch: &scratch, into: &workspace.outputGradients)
            network.backward(batch, parameters: parameters.span, workspace: &workspace, gradients: &gradients)
            begin = end
        }
    }

    private mutating func clear() {
        var span = gradients.mutableSpan
        span.update(repeating: 0)
    }

    /// Adds the gradient of another part of the same minibatch.
    mutating func add(_ other: GradientShard) {
        var span = gradients.mutableSpan
        Kernels.add(other.gradients.span, to: &span)
    }

    private mutating func gather(
        _ indices: [Int], _ range: Range<Int>, _ advantages: [Float], _ rollout: Rollout<Network.Observations>
    ) {
        batch.removeAll()
        batch.append(indices.span.extracting(range), of: rollout.observations)
        Self.gather(indices, range, advantages, rollout.samples, into: &samples)
    }

    private static func gather(
        _ indices: [Int], _ range: Range<Int>, _ advantages: [Float], _ from: PPOSamples, into to: inout PPOSamples
    ) {
        to.actions.removeAll(keepingCapacity: true)
        to.logProbabilities.removeAll(keepingCapacity: true)
        to.advantages.removeAll(keepingCapacity: true)
        to.returns.removeAll(keepingCapacity: true)
        to.values.removeAll(keepingCapacity: true)
        to.advantages.append(contentsOf: advantages[range])
        for position in range {
            let index = indices[position]
            to.actions.append(from.actions[index])
            to.logProbabilities.append(from.logProbabilities[index])
            to.returns.append(from.returns[index])
            to.values.append(from.values[index])
        }
    }
}

extension GradientShard: SharedShard {
    // Everything that can go wrong with a rollout has gone wrong when it was collected.
    var failure: (any Error)? { nil }

    func write(to message: inout Message) {
        message.append(gradients)
        message.append([sums])
    }

    mutating func read(from message: inout Message) throws {
        gradients = try message.take(Float.self)
        sums = try message.take(PPOLoss.Sums.self).first ?? PPOLoss.Sums()
    }
}

/// A rollout of all environments: sample t * environments + e is step t of environment e.
struct Rollout<Observations: ObservationBatch>: Sendable {
    /// What the network saw.
    var observations: Observations
    /// The same before normalisation; empty where nothing is normalised.
    var seen: Observations
    var samples = PPOSamples()
}
