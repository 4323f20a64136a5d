public import Randomness

/// Which outputs of an actor-critic a pass is to compute.
public struct ActorCriticHeads: OptionSet, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The logits.
    public static let policy = ActorCriticHeads(rawValue: 1)
    /// The values.
    public static let value = ActorCriticHeads(rawValue: 2)
    /// Both.
    public static let both: ActorCriticHeads = [.policy, .value]
}

/// What an actor-critic gives for a batch of observations, or the gradients in it.
public struct ActorCriticOutput: Sendable {
    /// Logits of observation i at `offsets[i] ..< offsets[i + 1]`.
    public var logits: [Float] = []
    /// First logit of each observation, and after the last their number.
    public var offsets: [Int] = [0]
    /// Widths of the parts of an observation's logits where an action is a vector and each of its components is drawn
    /// from one part (`MultiDiscrete`); the action is then the number of the vector. Empty: an action is one of all logits.
    public var parts: [Int] = []
    /// Value of each observation.
    public var values: [Float] = []

    /// No outputs.
    public init() {}

    /// Number of logits of observation `index`.
    @inlinable public func choices(_ index: Int) -> Int { offsets[index + 1] - offsets[index] }
}

/// Scratch memory of an actor-critic, reused between batches; each thread has its own.
public protocol ActorCriticWorkspace: Sendable {
    /// Outputs of the last forward pass.
    var output: ActorCriticOutput { get }
    /// Gradients in those outputs, to be filled in before the backward pass; `logits` and `values` have the lengths of
    /// the outputs.
    var outputGradients: ActorCriticOutput { get set }
}

/// A policy and a value function of one observation.
///
/// The value describes the network; its parameters are one flat buffer of the caller.
public protocol ActorCritic: Sendable {
    /// A batch of observations.
    associatedtype Observations: Sendable
    /// Scratch memory.
    associatedtype Workspace: ActorCriticWorkspace

    /// Names and shapes of the parameters.
    var layout: ParameterLayout { get }
    /// The outputs that the network has parameters for; others cannot be asked for.
    var heads: ActorCriticHeads { get }

    /// Number of actions that observation `index` offers: of logits that a forward pass gives it, or the product of its
    /// parts where an action is a vector.
    func choices(_ observations: Observations, _ index: Int) -> Int

    /// Weights and biases as the network's `Initialization` has them; orthogonal ones with a gain of √2 for hidden layers,
    /// 0.01 for the policy's output and 1 for the value's.
    func initialParameters(using generator: inout RandomGenerator) -> [Float]

    /// Scratch memory for this network.
    func makeWorkspace() -> Workspace

    /// Computes `workspace.output`.
    ///
    /// The outputs of an observation do not depend on the others of the batch; their last bits depend on how many rows
    /// there are and on where its own stand.
    func forward(
        _ observations: Observations, parameters: Span<Float>, heads: ActorCriticHeads, workspace: inout Workspace)

    /// Adds the gradient in the parameters to `gradients`, given `workspace.outputGradients` and the observations of
    /// the last forward pass, which must have computed all the network's heads.
    func backward(
        _ observations: Observations, parameters: Span<Float>, workspace: inout Workspace,
        gradients: inout [Float])
}
