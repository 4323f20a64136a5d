public import Randomness

/// An `MLPActorCritic` that only shows the logits of legal actions: logit i of an observation is that of the i-th action
/// on its list. Whatever follows, from drawing an action to the maximum over what comes next, so knows no others.
public struct MaskedActorCritic: ActorCritic {
    /// Scratch memory of a `MaskedActorCritic`.
    public struct Workspace: ActorCriticWorkspace {
        var base: MLPActorCritic.Workspace
        /// Logits of the legal actions, and values, of the last forward pass.
        public internal(set) var output = ActorCriticOutput()
        /// The loss's gradient in them, which the caller fills in before the backward pass.
        public var outputGradients = ActorCriticOutput()
    }

    /// The network over all actions, whose parameters are this one's.
    public let base: MLPActorCritic

    /// Shows the legal actions of `base`.
    public init(_ base: MLPActorCritic) { self.base = base }

    public var layout: ParameterLayout { base.layout }
    public var heads: ActorCriticHeads { base.heads }

    public func choices(_ observations: MaskedObservations, _ index: Int) -> Int { observations.legalCount(index) }

    public func initialParameters(using generator: inout RandomGenerator) -> [Float] {
        base.initialParameters(using: &generator)
    }

    public func makeWorkspace() -> Workspace { Workspace(base: base.makeWorkspace()) }

    public func forward(
        _ observations: MaskedObservations, parameters: Span<Float>, heads: ActorCriticHeads,
        workspace: inout Workspace
    ) {
        precondition(observations.actionCount == base.policy.outputs, "observations of another list of actions")
        base.forward(observations.features, parameters: parameters, heads: heads, workspace: &workspace.base)
        if heads.contains(.policy) {
            workspace.output.logits.removeAll(keepingCapacity: true)
            Self.forEachLegal(observations) { workspace.output.logits.append(workspace.base.output.logits[$0]) }
            workspace.output.offsets = observations.offsets
        }
        if heads.contains(.value) { workspace.output.values.replaceElements(with: workspace.base.output.values) }
    }

    public func backward(
        _ observations: MaskedObservations, parameters: Span<Float>, workspace: inout Workspace,
        gradients: inout [Float]
    ) {
        // Nothing depends on the logits of illegal actions.
        workspace.base.outputGradients.logits = Array(
            repeating: 0, count: observations.count * observations.actionCount)
        var position = 0
        Self.forEachLegal(observations) {
            workspace.base.outputGradients.logits[$0] = workspace.outputGradients.logits[position]
            position += 1
        }
        workspace.base.outputGradients.values.replaceElements(with: workspace.outputGradients.values)
        base.backward(
            observations.features, parameters: parameters, workspace: &workspace.base, gradients: &gradients)
    }

    /// Calls `body` with the place of each legal action's logit among those of all actions.
    private static func forEachLegal(_ observations: MaskedObservations, _ body: (Int) -> Void) {
        for index in 0..<observations.count {
            for position in observations.offsets[index]..<observations.offsets[index + 1] {
                body(index * observations.actionCount + observations.legalActions[position])
            }
        }
    }
}
