public import Settings

/// Hyperparameters of PPO. The defaults are CleanRL's for classic control with eight environments.
public struct PPOSettings: Configurable, Equatable {
    /// Steps of the whole run, over all environments; it ends with the iteration that reaches them.
    public var totalSteps = 500_000
    /// Environments stepped side by side.
    public var environments = 8
    /// Steps of each environment between two updates.
    public var rolloutSteps = 128
    /// Samples of a minibatch; the last of an epoch may be smaller.
    public var batchSize = 256
    /// Times that each rollout is gone through.
    public var epochs = 4
    /// Adam's learning rate at the start.
    public var learningRate = 2.5e-4
    /// How the learning rate changes.
    public var learningRateSchedule = Schedule.linear
    /// Adam's ε: 1e-5 as in the reference implementations, not the 1e-8 of its paper.
    public var adamEpsilon = 1e-5
    /// γ: discount of one control interval.
    public var discount = 0.99
    /// λ of generalised advantage estimation, of one control interval.
    public var lambda = 0.95
    /// Range in which the ratio of new to old probability has a gradient, on either side of 1, at the start.
    public var clipRange = 0.2
    /// How the clip range changes.
    public var clipRangeSchedule = Schedule.constant
    /// Furthest that a value may move from its old estimate and still have a gradient; absent: no limit.
    public var valueClipRange: Double?
    /// Whether advantages are shifted and scaled to mean 0 and deviation 1 within each minibatch.
    public var normalizesAdvantages = true
    /// Weight of the entropy bonus.
    public var entropyCoefficient = 0.01
    /// Whether a decision's entropy is divided by the logarithm of its number of candidates, so that it lies in 0...1
    /// however long the list; a single candidate counts 0. Off, it is in nats, as in the reference implementations.
    public var normalizesEntropy = true
    /// Weight of the value loss, which is half the mean squared error: 1 equals Stable-Baselines3's `vf_coef` 0.5.
    public var valueCoefficient = 0.5
    /// Gradients of a larger Euclidean norm over all parameters are scaled down to it.
    public var maximumGradientNorm = 0.5
    /// Approximate KL divergence from the old policy; a minibatch that exceeds 1.5 times it is not
    /// learned from and ends the iteration. Absent: no limit.
    public var targetKL: Double?
    /// Whether rewards are divided by the running standard deviation of the discounted return.
    public var scalesRewards = false
    /// Whether observations are shifted and scaled by running statistics, which are updated between rollouts.
    public var normalizesObservations = false
    /// Shape of the networks.
    public var network = NetworkSettings()
    /// Threads that step environments, in blocks, and compute gradients. It does not change the result. At most 64:
    /// Debian's OpenBLAS has memory for 128 products at a time and crashes beyond.
    public var threads = 1
    /// Environments of a block: one thread steps them together, with one network pass for all, so they wait for each
    /// other in every step. Blocks do not wait for each other before the end of the rollout: for steps of uneven length,
    /// such as of live clusters, 1. It decides the last bits of the result.
    public var environmentsPerBlock = 4
    /// Parts of a minibatch whose gradients are computed on their own and added in order: what threads and processes
    /// can share. It decides the order of sums and therefore the last bits of the result.
    public var gradientShards = 1
    /// Most rows of candidates and nodes that are in a network at once; larger parts are gone through in pieces.
    public var maximumRows = 65_536

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("totalSteps", totalSteps, in: 1...)
        try require("environments", environments, in: 1...65_536)
        try require("rolloutSteps", rolloutSteps, in: 1...)
        try require("batchSize", batchSize, in: 1...)
        try require("epochs", epochs, in: 1...)
        try require("learningRate", learningRate, above: 0)
        try require("adamEpsilon", adamEpsilon, above: 0)
        try require("discount", discount, in: 0...1)
        try require("lambda", lambda, in: 0...1)
        try require("clipRange", clipRange, above: 0)
        if let valueClipRange { try require("valueClipRange", valueClipRange, above: 0) }
        try require("entropyCoefficient", entropyCoefficient, in: 0...)
        try require("valueCoefficient", valueCoefficient, in: 0...)
        try require("maximumGradientNorm", maximumGradientNorm, above: 0)
        if let targetKL { try require("targetKL", targetKL, above: 0) }
        try require("threads", threads, in: 1...64)
        try require("environmentsPerBlock", environmentsPerBlock, in: 1...65_536)
        try require("gradientShards", gradientShards, in: 1...1024)
        try require("maximumRows", maximumRows, in: 1...)
    }
}
