public import Gym
public import LinearAlgebra
public import Randomness

/// Separate policy and value networks over flat observations, as in Stable-Baselines3's `MlpPolicy`.
public struct MLPActorCritic: ActorCritic {
    /// Scratch memory of an `MLPActorCritic`.
    public struct Workspace: ActorCriticWorkspace {
        var policy: MLPCache
        var value: MLPCache
        /// Logits and values of the last forward pass.
        public internal(set) var output = ActorCriticOutput()
        /// The loss's gradient in them, which the caller fills in before the backward pass.
        public var outputGradients = ActorCriticOutput()
    }

    /// Names and shapes of the parameters.
    public let layout: ParameterLayout
    public let heads: ActorCriticHeads
    let initialization: Initialization
    let policy: MLP
    let value: MLP
    /// Widths of the parts of the logits; empty for one part.
    private let parts: [Int]

    /// A network for observations of `inputs` features and `actions` actions.
    /// - Parameters:
    ///   - heads: the policy, or both.
    ///   - initialization: of its parameters.
    public init(
        inputs: Int, actions: Int, hidden: [Int] = [64, 64], activation: Activation = .tanh,
        heads: ActorCriticHeads = .both, initialization: Initialization = .orthogonal
    ) {
        self.init(
            inputs: inputs, logits: actions, parts: [], hidden: hidden, activation: activation, heads: heads,
            initialization: initialization)
    }

    /// A network for observations of `inputs` features whose actions are vectors: it has the logits of each component's
    /// values, one component after the other, and so takes the components for independent of each other.
    /// - Parameters:
    ///   - heads: the policy, or both.
    ///   - initialization: of its parameters.
    public init(
        inputs: Int, actions: MultiDiscrete, hidden: [Int] = [64, 64], activation: Activation = .tanh,
        heads: ActorCriticHeads = .both, initialization: Initialization = .orthogonal
    ) {
        precondition(!actions.counts.isEmpty && actions.counts.allSatisfy { $0 > 0 }, "a vector without values")
        self.init(
            inputs: inputs, logits: actions.counts.reduce(0, +), parts: actions.counts, hidden: hidden,
            activation: activation, heads: heads, initialization: initialization)
    }

    private init(
        inputs: Int, logits: Int, parts: [Int], hidden: [Int], activation: Activation, heads: ActorCriticHeads,
        initialization: Initialization
    ) {
        precondition(heads.contains(.policy), "an actor-critic without a policy")
        self.heads = heads
        self.parts = parts
        self.initialization = initialization
        var layout = ParameterLayout()
        policy = MLP("actor", widths: [inputs] + hidden + [logits], hidden: activation, layout: &layout)
        // Where there is no value, the shapes of its layers stay without parameters.
        var valueLayout = heads.contains(.value) ? layout : ParameterLayout()
        value = MLP("critic", widths: [inputs] + hidden + [1], hidden: activation, layout: &valueLayout)
        self.layout = heads.contains(.value) ? valueLayout : layout
    }

    public func choices(_ observations: Matrix, _ index: Int) -> Int {
        parts.isEmpty ? policy.outputs : parts.reduce(1, *)
    }

    public func initialParameters(using generator: inout RandomGenerator) -> [Float] {
        var parameters = [Float](repeating: 0, count: layout.count)
        policy.initialize(&parameters, initialization, outputGain: 0.01, using: &generator)
        if heads.contains(.value) { value.initialize(&parameters, initialization, outputGain: 1, using: &generator) }
        return parameters
    }

    public func makeWorkspace() -> Workspace {
        var workspace = Workspace(policy: MLPCache(for: policy), value: MLPCache(for: value))
        workspace.output.parts = parts
        return workspace
    }

    public func forward(
        _ observations: Matrix, parameters: Span<Float>, heads: ActorCriticHeads, workspace: inout Workspace
    ) {
        precondition(observations.columns == policy.inputs, "observations of another width")
        precondition(heads.isSubset(of: self.heads), "a head that the network does not have")
        let rows = observations.rows
        if heads.contains(.policy) {
            policy.forward(parameters: parameters, observations.values.span, cache: &workspace.policy)
            workspace.output.logits.replaceElements(with: workspace.policy.outputs.values)
            if workspace.output.offsets.count != rows + 1 {
                workspace.output.offsets = (0...rows).map { $0 * policy.outputs }
            }
        }
        if heads.contains(.value) {
            value.forward(parameters: parameters, observations.values.span, cache: &workspace.value)
            workspace.output.values.replaceElements(with: workspace.value.outputs.values)
        }
    }

    public func backward(
        _ observations: Matrix, parameters: Span<Float>, workspace: inout Workspace,
        gradients: inout [Float]
    ) {
        var gradients = gradients.mutableSpan
        workspace.policy.outputGradients.assign(workspace.outputGradients.logits)
        policy.backward(
            parameters: parameters, observations.values.span, cache: &workspace.policy, gradients: &gradients)
        guard heads.contains(.value) else { return }
        workspace.value.outputGradients.assign(workspace.outputGradients.values)
        value.backward(
            parameters: parameters, observations.values.span, cache: &workspace.value, gradients: &gradients)
    }
}

extension Array where Element == Float {
    /// Takes over the elements of `other` without giving up its own memory.
    mutating func replaceElements(with other: [Float]) {
        removeAll(keepingCapacity: true)
        append(contentsOf: other)
    }
}

extension Matrix {
    /// Takes over elements, row after row, as many rows as they make.
    mutating func assign(_ elements: [Float]) {
        resize(rows: elements.count / columns)
        values.replaceElements(with: elements)
    }
}
