import Checkpoints
import NeuralNetworks
import Yams

/// What an export needs of a run's configuration: the shapes of the parameters do not tell the activation, nor what the
/// outputs were trained to be.
struct RunConfiguration: Sendable {
    /// What the policy was trained with.
    enum Algorithm: String, Sendable {
        case ppo
        case dqn

        /// The activation of its networks where none is written.
        var activation: Activation {
            switch self {
            case .ppo: .tanh
            case .dqn: .relu
            }
        }
    }

    let algorithm: Algorithm
    /// Activation of the hidden layers over flat observations.
    let activation: Activation
    /// Whether only some of the network's logits stand for actions that are legal at a time.
    let isMasked: Bool

    /// Only the keys that matter here: a configuration of another version of the project must not be refused for
    /// another of its keys.
    private struct Document: Decodable {
        struct Trainer: Decodable {
            var network: Network?
        }
        struct Network: Decodable {
            var activation: Activation?
        }
        struct Environment: Decodable {
            var kind: String?
        }
        var environment: Environment?
        var ppo: Trainer?
        var dqn: Trainer?
    }

    /// The configuration that a checkpoint holds.
    /// - Throws: `CheckpointError` when it is missing or cannot be read.
    init(_ checkpoint: Checkpoint) throws {
        let path = "configuration"
        let text = try checkpoint.text(path)
        let document: Document
        do {
            document = try YAMLDecoder().decode(Document.self, from: text)
        } catch {
            throw CheckpointError(.unsound, path: path, problem: "cannot be read: \(error)")
        }
        let algorithm: Algorithm = document.dqn == nil ? .ppo : .dqn
        let trainer = document.dqn ?? document.ppo
        activation = trainer?.network?.activation ?? algorithm.activation
        self.algorithm = algorithm
        isMasked = document.environment?.kind == "flat-cluster"
    }
}
