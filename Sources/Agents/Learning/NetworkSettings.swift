public import Gym
public import NeuralNetworks
public import Settings

/// Shape of an actor-critic.
public struct NetworkSettings: Configurable, Equatable {
    /// Widths of the hidden layers of policy and value network.
    public var hidden = [64, 64]
    /// Activation of the hidden layers over flat observations: tanh is the convention of classic control. The
    /// candidate scorer always uses ReLU.
    public var activation = Activation.tanh
    /// Width of a node's embedding in the critic of the candidate scorer.
    public var embeddingWidth = 32
    /// How weights and biases are drawn at the start.
    public var initialization = Initialization.orthogonal

    /// Two layers of 64.
    public init() {}

    /// Two layers of 64 with ReLU and uniform weights, the convention of Q-networks.
    public static var forActionValues: NetworkSettings {
        var settings = NetworkSettings()
        (settings.activation, settings.initialization) = (.relu, .uniform)
        return settings
    }

    public func validate() throws(SettingsError) {
        try require("hidden", notEmpty: hidden)
        try require("hidden", each: hidden, in: 1...8192)
        try require("embeddingWidth", embeddingWidth, in: 1...8192)
    }

    /// An actor-critic for flat observations of `inputs` features and `actions` actions.
    public func flat(inputs: Int, actions: Int, heads: ActorCriticHeads = .both) -> MLPActorCritic {
        MLPActorCritic(
            inputs: inputs, actions: actions, hidden: hidden, activation: activation, heads: heads,
            initialization: initialization)
    }

    /// The same for observations that say which of the actions are legal.
    public func masked(inputs: Int, actions: Int, heads: ActorCriticHeads = .both) -> MaskedActorCritic {
        MaskedActorCritic(flat(inputs: inputs, actions: actions, heads: heads))
    }

    /// An actor-critic for flat observations of `inputs` features whose actions are vectors.
    public func flat(inputs: Int, actions: MultiDiscrete, heads: ActorCriticHeads = .both) -> MLPActorCritic {
        MLPActorCritic(
            inputs: inputs, actions: actions, hidden: hidden, activation: activation, heads: heads,
            initialization: initialization)
    }

    /// An actor-critic that scores candidates.
    public func candidates(_ space: CandidateSpace, heads: ActorCriticHeads = .both) -> CandidateActorCritic {
        CandidateActorCritic(
            space: space, hidden: hidden, embeddingWidth: embeddingWidth, heads: heads, initialization: initialization)
    }
}
