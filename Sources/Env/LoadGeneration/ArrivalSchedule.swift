public import Randomness
public import Workloads

/// The moments at which requests are due: an inhomogeneous Poisson process, or an even flow, of rate
/// base rate · level(t).
///
/// Made by inverting the integral Λ(t) of the rate (Çinlar, "Introduction to Stochastic Processes", 1975, 4.7): the
/// k-th request is due when Λ reaches the sum of k exponentials of mean 1, or k - 1/2 for the even flow. This needs no
/// upper bound of the rate, which a random walk does not have. The level is the curve's mean over slices of 0.1 s, so Λ is
/// exact at their ends and linear inside.
///
/// The moments depend on nothing but the curve, the rate and the generator. Cost: O(1) per moment and per slice.
public struct ArrivalSchedule: Sendable {
    /// Seconds over which the rate is taken as constant.
    public static let slice = 0.1

    /// Requests per second at level 1.
    public let rate: Double
    /// Seconds after which nothing is due.
    public let duration: Double
    private let process: ArrivalProcess
    private let pace: Double
    private var curve: LoadCurve
    private var generator: RandomGenerator

    private var sliceIndex = 0
    /// Rate in the present slice, in requests per second.
    private var sliceRate: Double
    /// Λ at the beginning of the present slice.
    private var expectedBefore = 0.0
    /// Λ at which the next request is due.
    private var target: Double

    /// A schedule that begins at time 0.
    /// - Parameters:
    ///   - curve: level over time, in the pattern's seconds.
    ///   - rate: requests per second at level 1, more than 0.
    ///   - pace: seconds of the pattern per second of the schedule, more than 0.
    ///   - duration: seconds after which nothing is due.
    ///   - process: Poisson or even.
    ///   - generator: drawn from once per request of a Poisson process.
    public init(
        curve: LoadCurve, rate: Double, pace: Double = 1, duration: Double, process: ArrivalProcess,
        generator: RandomGenerator
    ) {
        precondition(rate > 0 && pace > 0, "a schedule needs a rate and a pace above 0")
        (self.rate, self.pace, self.duration) = (rate, pace, duration)
        (self.process, self.curve, self.generator) = (process, curve, generator)
        sliceRate = rate * self.curve.meanLevel(from: 0, for: Self.slice * pace)
        target = process == .poisson ? self.generator.exponential(rate: 1) : 0.5
    }

    /// The schedule that `settings` describe, its curve drawn by their seed.
    /// - Throws: `SettingsError` where the pattern's trace cannot be read.
    public init(_ settings: LoadSettings) throws {
        var trace: LoadTrace?
        if case .trace(let pattern) = settings.pattern { trace = try LoadTrace(path: pattern.path) }
        var generator = RandomGenerator(seed: settings.seed, stream: 1)
        let curve = LoadCurve(
            settings.pattern, horizon: settings.duration * settings.pace, trace: trace, using: &generator)
        self.init(settings, curve: curve)
    }

    /// A schedule as `settings` say, but along `curve` instead of their own pattern.
    public init(_ settings: LoadSettings, curve: LoadCurve) {
        self.init(
            curve: curve, rate: settings.rate, pace: settings.pace, duration: settings.duration,
            process: settings.arrivals, generator: RandomGenerator(seed: settings.seed, stream: 2))
    }

    /// When the next request is due, in seconds; `nil` when there is none within the duration.
    public mutating func next() -> Double? {
        while true {
            let begin = Double(sliceIndex) * Self.slice
            guard begin < duration else { return nil }
            let expectedAfter = expectedBefore + sliceRate * Self.slice
            if target < expectedAfter {
                let due = begin + (target - expectedBefore) / sliceRate
                guard due < duration else { return nil }
                target += process == .poisson ? generator.exponential(rate: 1) : 1
                return due
            }
            sliceIndex += 1
            expectedBefore = expectedAfter
            sliceRate = rate * curve.meanLevel(from: Double(sliceIndex) * Self.slice * pace, for: Self.slice * pace)
        }
    }
}
