public import Settings

/// What the error of an action value costs.
public enum ErrorLoss: String, Codable, Sendable, CaseIterable {
    /// Half the square up to an error of 1, the absolute value less a half beyond: `SmoothL1Loss`, as in the paper and
    /// in Stable-Baselines3.
    case huber
    /// The square, as in CleanRL.
    case squared
}

/// Hyperparameters of DQN. The defaults are Stable-Baselines3's, but for networks, buffer and exploration, which suit
/// classic control.
public struct DQNSettings: Configurable, Equatable {
    /// Steps of the whole run, over all environments; it ends with the round that reaches them.
    public var totalSteps = 500_000
    /// Environments stepped side by side.
    public var environments = 1
    /// Steps of each environment between two rounds of updates.
    public var trainEvery = 4
    /// Updates in a round.
    public var gradientSteps = 1
    /// Steps before the first update; until then actions are random.
    public var learningStarts = 1_000
    /// Steps from one update of the target network to the next.
    public var targetUpdateEvery = 1_000
    /// τ: how far the target network moves to the learning one in an update; 1 copies it.
    public var targetUpdateRate = 1.0
    /// Steps that an iteration reports together; it ends with the round that reaches them.
    public var stepsPerIteration = 1_000
    /// Transitions that are remembered. When there are more, the oldest hundredth is forgotten at once. An observation
    /// is stored twice for each: before and after.
    public var replayCapacity = 50_000
    /// Transitions of an update.
    public var batchSize = 64
    /// Steps whose rewards a transition sums up before it looks to the action value for the rest (Sutton, 1988; n-step
    /// Q-learning without correction, as in Hessel et al., "Rainbow", 2018).
    public var nSteps = 1
    /// Whether the learning network chooses the next action and the target network only values it (van Hasselt et al.,
    /// "Deep reinforcement learning with double Q-learning", 2016, equation 4).
    public var double = true
    /// Whether an action value is the sum of a state value and an advantage less the mean of all legal ones (Wang et
    /// al., "Dueling network architectures", 2016, equation 9), each from layers of its own.
    public var dueling = false
    /// Replay by priority instead of uniform; absent: uniform.
    public var prioritized: PrioritizedReplaySettings?
    /// Share of random actions.
    public var exploration = ExplorationSchedule()
    /// Adam's learning rate at the start.
    public var learningRate = 1e-3
    /// How the learning rate changes.
    public var learningRateSchedule = Schedule.constant
    /// Adam's ε.
    public var adamEpsilon = 1e-8
    /// γ: discount of one control interval.
    public var discount = 0.99
    /// What an error costs.
    public var loss = ErrorLoss.huber
    /// Gradients of a larger Euclidean norm over all parameters are scaled down to it.
    public var maximumGradientNorm = 10.0
    /// Whether rewards are divided by the running standard deviation of the discounted return.
    public var scalesRewards = false
    /// Whether observations are shifted and scaled by running statistics, which are updated between rounds.
    public var normalizesObservations = false
    /// Shape of the networks.
    public var network = NetworkSettings.forActionValues
    /// Threads that step environments, in blocks, and compute gradients. It does not change the result.
    public var threads = 1
    /// Environments of a block: one thread steps them together, with one network pass for all, so they wait for each
    /// other in every step. Blocks do not wait for each other before the end of the round: for steps of uneven length,
    /// such as of live clusters, 1. It decides in what order transitions are remembered, and so which are drawn.
    public var environmentsPerBlock = 4
    /// Parts of a minibatch whose gradients are computed on their own and added in order: what threads and processes
    /// can share. It decides the order of sums and therefore the last bits of the result.
    public var gradientShards = 1

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("totalSteps", totalSteps, in: 1...)
        try require("environments", environments, in: 1...65_536)
        try require("trainEvery", trainEvery, in: 1...)
        try require("gradientSteps", gradientSteps, in: 1...)
        try require("learningStarts", learningStarts, in: 0...)
        try require("targetUpdateEvery", targetUpdateEvery, in: 1...)
        try require("targetUpdateRate", targetUpdateRate, above: 0)
        try require("targetUpdateRate", targetUpdateRate, in: 0...1)
        try require("stepsPerIteration", stepsPerIteration, in: 1...)
        try require("replayCapacity", replayCapacity, in: 1...100_000_000)
        try require("batchSize", batchSize, in: 1...)
        try require("nSteps", nSteps, in: 1...1000)
        try require("learningRate", learningRate, above: 0)
        try require("adamEpsilon", adamEpsilon, above: 0)
        try require("discount", discount, in: 0...1)
        try require("maximumGradientNorm", maximumGradientNorm, above: 0)
        try require("threads", threads, in: 1...64)
        try require("environmentsPerBlock", environmentsPerBlock, in: 1...65_536)
        try require("gradientShards", gradientShards, in: 1...1024)
    }
}

/// Prioritised replay, in its proportional form (Schaul et al., "Prioritized experience replay", 2016).
public struct PrioritizedReplaySettings: Configurable, Equatable {
    /// α: a transition is drawn with a probability proportional to (|error| + ε)^α; 0 draws uniformly.
    public var alpha = 0.6
    /// β at the start of the run: the weight of a drawn transition in the loss is (N · probability)^-β, relative to the
    /// largest of the batch.
    public var beta = 0.4
    /// β at the end of the run; it changes in a straight line.
    public var finalBeta = 1.0
    /// ε, added to the error, so that a transition without one is drawn again some time.
    public var epsilon = 1e-6

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("alpha", alpha, in: 0...1)
        try require("beta", beta, in: 0...1)
        try require("finalBeta", finalBeta, in: 0...1)
        try require("epsilon", epsilon, above: 0)
    }
}
