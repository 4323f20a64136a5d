import Gym
import LinearAlgebra
import NeuralNetworks
import Processes

/// One thread's part of a minibatch: gathers its transitions, values what they led to, and keeps the gradient.
struct DQNShard<Network: ActorCritic>: Sendable where Network.Observations: ObservationBatch {
    /// What the gradient depends on beside the transitions.
    struct Inputs: Sendable {
        var parameters: [Float]
        var target: [Float]
        var normalizer: BatchNormalizer?
        var rewardScaler: RewardScaler?
        var loss: DQNLoss
    }

    let network: Network
    var gradients: [Float]
    /// Q(s, a) − y of each transition.
    var errors: [Float] = []
    var sums = DQNLoss.Sums()
    /// Why there is no gradient.
    var failure: (any Error)?
    private var part: Experiences<Network.Observations>
    private var workspace: Network.Workspace
    private var targetWorkspace: Network.Workspace
    private var targets: [Float] = []

    init(_ network: Network, like observations: Network.Observations) {
        self.network = network
        gradients = Array(repeating: 0, count: network.layout.count)
        part = Experiences(like: observations)
        (workspace, targetWorkspace) = (network.makeWorkspace(), network.makeWorkspace())
    }

    /// Computes the gradient of the loss over the transitions `range` of a minibatch.
    mutating func run(
        _ minibatch: ReplayBuffer<Network.Observations>.Minibatch, _ range: Range<Int>, _ inputs: Inputs
    ) {
        do {
            failure = nil
            try compute(minibatch, range, inputs)
        } catch {
            failure = error
        }
    }

    private mutating func compute(
        _ minibatch: ReplayBuffer<Network.Observations>.Minibatch, _ range: Range<Int>, _ inputs: Inputs
    ) throws {
        part.removeAll()
        part.append(range, of: minibatch.experiences)
        if let normalizer = inputs.normalizer {
            normalizer.normalize(&part.observations)
            normalizer.normalize(&part.nextObservations)
        }
        if let scaler = inputs.rewardScaler {
            for index in part.returns.indices {
                part.returns[index] = Float(scaler.scaled(Double(part.returns[index])))
            }
        }
        let (parameters, target, loss, heads) = (inputs.parameters, inputs.target, inputs.loss, network.heads)
        network.forward(part.nextObservations, parameters: target.span, heads: heads, workspace: &targetWorkspace)
        if loss.isDouble {
            network.forward(part.nextObservations, parameters: parameters.span, heads: .policy, workspace: &workspace)
        }
        try loss.targets(
            returns: part.returns, discounts: part.discounts, target: targetWorkspace.output,
            learning: workspace.output, into: &targets)
        network.forward(part.observations, parameters: parameters.span, heads: heads, workspace: &workspace)
        let output = workspace.output
        sums = loss.gradients(
            actions: part.actions, targets: targets, weights: Array(minibatch.weights[range]), output: output,
            batchSize: minibatch.experiences.count, into: &workspace.outputGradients, errors: &errors)
        clear()
        network.backward(part.observations, parameters: parameters.span, workspace: &workspace, gradients: &gradients)
    }

    private mutating func clear() {
        var span = gradients.mutableSpan
        span.update(repeating: 0)
    }

    /// Adds the gradient of another part of the same minibatch.
    mutating func add(_ other: DQNShard) {
        var span = gradients.mutableSpan
        Kernels.add(other.gradients.span, to: &span)
    }
}

extension DQNShard: SharedShard {
    func write(to message: inout Message) {
        message.append(gradients)
        message.append(errors)
        message.append([sums])
    }

    mutating func read(from message: inout Message) throws {
        gradients = try message.take(Float.self)
        errors = try message.take(Float.self)
        sums = try message.take(DQNLoss.Sums.self).first ?? DQNLoss.Sums()
    }
}
