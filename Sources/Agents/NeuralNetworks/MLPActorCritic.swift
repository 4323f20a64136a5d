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

    /// A network for observations of `inputs` features and `actions` actions.
    /// - Parameters:
    ///   - heads: the policy, or both.
    ///   - initialization: of its parameters.
    public init(
        inputs: Int, actions: Int, hidden: [Int] = [64, 64], activation: Activation = .tanh,
        heads: ActorCriticHeads = .both, initialization: Initialization = .orthogonal
    ) {
        precondition(heads.contains(.policy), "an actor-critic without a policy")
        self.heads = heads
        self.initialization = initialization
        var layout = ParameterLayout()
        policy = MLP("actor", widths: [inputs] + hidden + [actions], hidden: activation, layout: &layout)
        // Where there is no value, the shapes of its layers stay without parameters.
        var valueLayout = heads.contains(.value) ? layout : ParameterLayout()
        value = MLP("critic", widths: [inputs] + hidden + [1], hidden: activation, layout: &valueLayout)
        self.layout = heads.contains(.value) ? valueLayout : layout
    }

    public func choices(_ observations: Matrix, _ index: Int) -> Int { policy.outputs }

    public func initialParameters(using generator: inout RandomGenerator) -> [Float] {
        var parameters = [Float](repeating: 0, count: layout.count)
        policy.initialize(&parameters, initialization, outputGain: 0.01, using: &generator)
        if heads.contains(.value) { value.initialize(&parameters, initialization, outputGain: 1, using: &generator) }
        return parameters
    }

    public func makeWorkspace() -> Workspace {
        Workspace(policy: MLPCache(for: policy), value: MLPCache(for: value))
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
