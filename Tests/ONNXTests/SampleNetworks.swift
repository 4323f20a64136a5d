import Checkpoints
import Cluster
import Foundation
import Gym
import Learning
import LinearAlgebra
import NeuralNetworks
import Randomness

/// A network with random parameters, the statistics that its observations are normalised with, and the checkpoint that
/// a training run would leave of it, as far as an export reads it.
struct SampleNetwork<Network: ActorCritic>: Sendable {
    var network: Network
    var parameters: [Float]
    /// One for each kind of row, or none.
    var normalizers: [ObservationNormalizer]
    var checkpoint: Checkpoint

    /// - Parameters:
    ///   - widths: width of each kind of row; empty: nothing is normalised.
    ///   - configuration: YAML.
    init(_ network: Network, normalizing widths: [Int], configuration: String, seed: UInt64) {
        var generator = RandomGenerator(seed: seed)
        // A new network's outputs are almost equal; with noise on all of its parameters they are not.
        var parameters = network.initialParameters(using: &generator)
        for index in parameters.indices { parameters[index] += 0.1 * Float(generator.normal()) }
        var normalizers: [ObservationNormalizer] = []
        for width in widths { normalizers.append(Self.normalizer(width: width, using: &generator)) }
        self.network = network
        self.parameters = parameters
        self.normalizers = normalizers
        checkpoint = Self.checkpoint(network.layout, parameters, normalizers, configuration)
    }

    /// Statistics of columns of different means and deviations, the first one constant. The bound is low enough that it
    /// is often reached.
    private static func normalizer(width: Int, using generator: inout RandomGenerator) -> ObservationNormalizer {
        var rows: [Float] = []
        for index in 0..<100 * width {
            let column = index % width
            let deviation: Float = column == 0 ? 0 : Float(1 + column % 3)
            rows.append(Float(column % 4) + deviation * Float(generator.normal()))
        }
        var normalizer = ObservationNormalizer(width: width, clip: 1.5)
        normalizer.statistics.add(rows: rows.span)
        return normalizer
    }

    /// Written out path by path, as docs/checkpoint-format.md lists them.
    private static func checkpoint(
        _ layout: ParameterLayout, _ parameters: [Float], _ normalizers: [ObservationNormalizer],
        _ configuration: String
    ) -> Checkpoint {
        var checkpoint = Checkpoint(values: ["configuration": .text(configuration)])
        for entry in layout.entries {
            checkpoint["policy/" + entry.name.replacing(".", with: "/")] = .float32(
                Array(parameters[entry.range]), shape: entry.shape)
        }
        for (kind, normalizer) in normalizers.enumerated() {
            let path = "normalizer/observations/\(kind)"
            let statistics = normalizer.statistics
            checkpoint["\(path)/count"] = .float64([statistics.count], shape: [])
            checkpoint["\(path)/mean"] = .float64(statistics.mean, shape: [statistics.width])
            checkpoint["\(path)/squared_deviations"] = .float64(
                statistics.squaredDeviations, shape: [statistics.width])
            if let extremes = statistics.extremes {
                checkpoint["\(path)/minimum"] = .float64(extremes.minimum, shape: [statistics.width])
                checkpoint["\(path)/maximum"] = .float64(extremes.maximum, shape: [statistics.width])
            }
            checkpoint["\(path)/clip"] = .float64([Double(normalizer.clip)], shape: [])
        }
        return checkpoint
    }
}

extension SampleNetwork where Network == MLPActorCritic {
    /// PPO's: tanh, normalised observations, a value. 6 inputs, 5 actions.
    static func ppo() -> SampleNetwork {
        SampleNetwork(
            MLPActorCritic(inputs: 6, actions: 5), normalizing: [6],
            configuration: "seed: 1\nppo: {epochs: 4, network: {hidden: [64, 64], activation: tanh}}\ndqn: null\n",
            seed: 1)
    }

    /// DQN's: ReLU without that being written, observations as they are, action values only. 8 inputs, 3 actions.
    static func dqn() -> SampleNetwork {
        SampleNetwork(
            MLPActorCritic(inputs: 8, actions: 3, hidden: [32, 48, 16], activation: .relu, heads: .policy),
            normalizing: [], configuration: "seed: 1\nppo: null\ndqn: {double: true}\n", seed: 2)
    }

    /// What the network itself makes of observations that have not been normalised.
    func output(_ observations: Matrix) -> ActorCriticOutput {
        var observations = observations
        if let normalizer = normalizers.first {
            var rows = observations.values.mutableSpan
            normalizer.normalize(&rows)
        }
        let parameters = parameters
        var workspace = network.makeWorkspace()
        network.forward(observations, parameters: parameters.span, heads: network.heads, workspace: &workspace)
        return workspace.output
    }
}

extension SampleNetwork where Network == CandidateActorCritic {
    /// A scorer of the cluster's candidates, with normalised observations.
    static func scorer(configuration: String = "ppo: {}") throws -> SampleNetwork {
        let space = ObservationEncoder.space
        var sample = SampleNetwork(
            CandidateActorCritic(space: space, hidden: [48, 32]),
            normalizing: [space.contextWidth, space.nodeWidth, space.candidateWidth], configuration: configuration,
            seed: 3)
        try sample.checkpoint.setSchema(ObservationEncoder.schema)
        return sample
    }

    /// What the network itself makes of a decision that has not been normalised.
    func output(_ batch: CandidateBatch) -> ActorCriticOutput {
        var batch = batch
        let normalizers = normalizers
        batch.withRows { contexts, nodes, candidates in
            normalizers[0].normalize(&contexts)
            normalizers[1].normalize(&nodes)
            normalizers[2].normalize(&candidates)
        }
        let parameters = parameters
        var workspace = network.makeWorkspace()
        network.forward(batch, parameters: parameters.span, heads: .policy, workspace: &workspace)
        return workspace.output
    }
}

/// Random numbers around 0, some of them far from it.
func randomValues(_ count: Int, using generator: inout RandomGenerator) -> [Float] {
    var values: [Float] = []
    for _ in 0..<count { values.append(3 * Float(generator.normal())) }
    return values
}
