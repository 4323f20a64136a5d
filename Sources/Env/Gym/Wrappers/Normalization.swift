import Foundation
public import Randomness

/// Shifts and scales rows to mean 0 and variance 1 by running statistics, then clips them.
///
/// A column that has never varied becomes 0 whatever it holds: weights that have only ever seen one value of it say
/// nothing about any other. Once it has varied in the statistics it counts like all others.
public struct ObservationNormalizer: Sendable, Equatable, Codable {
    /// Mean and variance of each column so far.
    public var statistics: RunningStatistics
    /// Normalised values are clipped to this absolute value.
    public let clip: Float
    /// Added to the variance, so that a column that hardly varies is not blown up.
    public static let epsilon = 1e-8
    /// A column varies when its extremes are further apart than this, or than this share of the larger one beyond 1:
    /// closer ones differ in the rounding of a `Float` only, as a mean of equal numbers does from one count to another.
    public static let leastRange = 1e-6

    /// A normaliser of rows of `width` values that has seen none: it leaves rows as they are, but for the clip.
    public init(width: Int, clip: Float = 10) {
        statistics = RunningStatistics(width: width)
        self.clip = clip
    }

    /// Whether a column has held different values so far.
    ///
    /// Where the extremes are unknown the squared deviations decide, which are exactly 0 for a constant column: sums of
    /// equal `Float`s are exact in double precision.
    public func hasVaried(_ column: Int) -> Bool {
        let (low, high): (Double, Double)
        if let extremes = statistics.extremes {
            (low, high) = (extremes.minimum[column], extremes.maximum[column])
        } else {
            // Two values that lie r apart have squared deviations of r² / 2 or more.
            low = statistics.mean[column]
            high = low + (2 * statistics.squaredDeviations[column]).squareRoot()
        }
        return high - low > Self.leastRange * max(1, abs(low), abs(high))
    }

    /// What a column's distance from its mean is multiplied by: 1 / √(variance + `epsilon`), or 0 if it has never varied.
    public func scale(_ column: Int) -> Float {
        hasVaried(column) ? Float(1 / (statistics.variance(column) + Self.epsilon).squareRoot()) : 0
    }

    /// Normalises rows stored one after the other, in place.
    /// - Precondition: `rows.count` is a multiple of the width.
    public func normalize(_ rows: inout MutableSpan<Float>) {
        let width = statistics.width
        guard width > 0, statistics.count > 0 else { return }
        for column in 0..<width {
            let mean = Float(statistics.mean[column])
            let scale = scale(column)
            for index in stride(from: column, to: rows.count, by: width) {
                // Not a product with 0, which an infinite value would turn into no number.
                rows[index] = scale == 0 ? 0 : max(-clip, min(clip, (rows[index] - mean) * scale))
            }
        }
    }
}

/// Divides rewards by the running standard deviation of the discounted return (Engstrom et al., "Implementation
/// matters in deep policy gradients", 2020, optimisation 2), so that learning rates carry over between reward scales.
public struct RewardScaler: Sendable, Equatable, Codable {
    /// Statistics of the discounted return.
    public var statistics = RunningStatistics(width: 1)
    /// The discounted return of each environment's current episode.
    public var returns: [Double]
    /// Discount for one control interval.
    public let discount: Double
    /// Scaled rewards are clipped to this absolute value.
    public let clip: Double

    /// A scaler for `count` environments stepped together.
    public init(count: Int, discount: Double, clip: Double = 10) {
        returns = Array(repeating: 0, count: count)
        self.discount = discount
        self.clip = clip
    }

    /// Takes the outcome of a step of environment `index` into the statistics and returns its reward, scaled.
    public mutating func scale(_ outcome: Outcome, of index: Int) -> Double {
        let factor = outcome.elapsed == 1 ? discount : Self.power(discount, outcome.elapsed)
        returns[index] = returns[index] * factor + outcome.reward
        statistics.add(returns[index])
        if outcome.ended { returns[index] = 0 }
        return scaled(outcome.reward)
    }

    /// `reward` divided by the standard deviation so far and clipped; unchanged before the second step.
    public func scaled(_ reward: Double) -> Double {
        guard statistics.count > 1 else { return max(-clip, min(clip, reward)) }
        let deviation = (statistics.variance(0) + ObservationNormalizer.epsilon).squareRoot()
        return max(-clip, min(clip, reward / deviation))
    }

    private static func power(_ base: Double, _ exponent: Double) -> Double {
        exponent == 0 ? 1 : pow(base, exponent)
    }
}

/// A flat environment with observations normalised by the statistics of those seen so far.
public struct NormalizedObservations<Base: FlatEnvironment>: FlatEnvironment {
    /// The environment underneath.
    public var base: Base
    /// The normaliser, which every observation updates unless it is frozen.
    public var normalizer: ObservationNormalizer
    /// When true the statistics stay as they are: for evaluation.
    public var isFrozen = false

    /// Normalises the observations of `base`.
    public init(_ base: Base, clip: Float = 10) {
        self.base = base
        normalizer = ObservationNormalizer(width: base.observationSpace.width, clip: clip)
    }

    public var observationSpace: Box {
        let bound = [Float](repeating: normalizer.clip, count: base.observationSpace.width)
        return Box(low: bound.map { -$0 }, high: bound)
    }
    public var actionSpace: Base.ActionSpace { base.actionSpace }
    public var info: Base.Info { base.info }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        try base.reset(seed: seed, into: &observation)
        normalize(&observation)
    }

    public mutating func step(_ action: Base.Action, into observation: inout MutableSpan<Float>) throws -> Outcome {
        let outcome = try base.step(action, into: &observation)
        normalize(&observation)
        return outcome
    }

    private mutating func normalize(_ observation: inout MutableSpan<Float>) {
        if !isFrozen { normalizer.statistics.add(rows: observation.span) }
        normalizer.normalize(&observation)
    }
}

/// An environment with rewards divided by the running standard deviation of the discounted return.
public struct NormalizedRewards<Base: FlatEnvironment>: FlatEnvironment {
    /// The environment underneath.
    public var base: Base
    /// The scaler, which every step updates.
    public var scaler: RewardScaler

    /// Scales the rewards of `base`.
    /// - Parameter discount: for one control interval, in (0, 1].
    public init(_ base: Base, discount: Double, clip: Double = 10) {
        self.base = base
        scaler = RewardScaler(count: 1, discount: discount, clip: clip)
    }

    public var observationSpace: Box { base.observationSpace }
    public var actionSpace: Base.ActionSpace { base.actionSpace }
    public var info: Base.Info { base.info }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        scaler.returns[0] = 0
        try base.reset(seed: seed, into: &observation)
    }

    public mutating func step(_ action: Base.Action, into observation: inout MutableSpan<Float>) throws -> Outcome {
        var outcome = try base.step(action, into: &observation)
        outcome.reward = scaler.scale(outcome, of: 0)
        return outcome
    }
}
