import CSimulatorKernels
import Foundation

/// The distribution of the latency of a window's requests, as a mixture.
///
/// Requests that did not wait have the service time's own distribution. Those that waited have a shifted gamma
/// distribution (Pearson type III) that matches the first three cumulants of waiting plus service; its tail is Wilson
/// and Hilferty's ("The distribution of chi-square", PNAS 17, 1931). Each replica adds a term for each stretch of the
/// window over which its queue did not change much. Single precision is enough: latencies are good to four digits.
public struct LatencyMixture: Sendable {
    private var waiting = ReusedArray<berth_waiting_term>()
    private var direct = ReusedArray<berth_direct_term>()
    private var family = ServiceTimeFamily.logNormal
    private var inverseLogDeviation: Float = 0
    private var logMeanOffset = 0.0
    /// Sum of the weights: requests that are in the mixture.
    public private(set) var total = 0.0

    /// An empty mixture.
    public init() {}

    /// Empties the mixture, keeping its memory, for requests with this distribution of the service time.
    public mutating func clear(_ serviceTime: ServiceTime) {
        waiting.removeAll()
        direct.removeAll()
        total = 0
        family = serviceTime.family
        inverseLogDeviation = serviceTime.logDeviation > 0 ? Float(1 / serviceTime.logDeviation) : 0
        logMeanOffset = serviceTime.logDeviation * serviceTime.logDeviation / 2
    }

    /// Adds requests that did not wait.
    /// - Parameters:
    ///   - weight: their number.
    ///   - mean: their mean service time in seconds.
    mutating func addDirect(weight: Double, mean: Double) {
        let location =
            switch family {
            case .deterministic: mean
            case .exponential: 1 / mean
            case .logNormal: log(mean) - logMeanOffset
            }
        direct.append(berth_direct_term(weight: Float(weight), location: Float(location)))
        total += weight
    }

    /// Adds requests that waited, whose latency has these cumulants.
    /// - Parameters:
    ///   - weight: their number, if all of the distribution counted.
    ///   - limit: their number, at most `weight`: the distribution's upper part.
    ///   - ceiling: longest wait in seconds.
    ///   - service: mean service time.
    mutating func addWaiting(
        weight: Double, limit: Double, mean: Double, variance: Double, third: Double, ceiling: Double, service: Double
    ) {
        let gamma = ShiftedGamma(mean: mean, variance: variance, third: third)
        waiting.append(
            berth_waiting_term(
                weight: Float(weight), limit: Float(limit), shift: Float(gamma.shift),
                inverse_mean: Float(gamma.inverseMean), center: Float(gamma.center),
                steepness: Float(gamma.steepness), ceiling: Float(ceiling), inverse_service: Float(1 / service)))
        total += limit
    }

    /// Adds all requests of a mixture of the same service time.
    mutating func add(_ other: LatencyMixture) {
        waiting.append(contentsOf: other.waiting)
        direct.append(contentsOf: other.direct)
        total += other.total
    }

    /// P(latency > `x`), 0 to 1; 0 for an empty mixture.
    public func tail(_ x: Double) -> Double {
        guard total > 0 else { return 0 }
        guard x > 0 else { return 1 }
        return Double(tails(SIMD16(repeating: Float(x)), logarithms: SIMD16(repeating: Float(log(x))))[0])
    }

    /// P(latency > x) at sixteen points at once. Cost: about 10 ns for each term.
    /// - Parameters:
    ///   - points: greater than 0.
    ///   - logarithms: the points' natural logarithms.
    /// - Precondition: the mixture is not empty.
    func tails(_ points: SIMD16<Float>, logarithms: SIMD16<Float>) -> SIMD16<Float> {
        let kernelFamily =
            switch family {
            case .deterministic: berth_deterministic
            case .exponential: berth_exponential
            case .logNormal: berth_log_normal
            }
        var sums = SIMD16<Float>()
        withUnsafeBytes(of: points) { points in
            withUnsafeBytes(of: logarithms) { logarithms in
                withUnsafeMutableBytes(of: &sums) { sums in
                    berth_mixture_tails(
                        waiting.storage, waiting.count, direct.storage, direct.count, kernelFamily,
                        inverseLogDeviation,
                        points.baseAddress?.assumingMemoryBound(to: Float.self),
                        logarithms.baseAddress?.assumingMemoryBound(to: Float.self),
                        sums.baseAddress?.assumingMemoryBound(to: Float.self))
                }
            }
        }
        let shares = sums * Float(1 / total)
        return shares.replacing(with: 1, where: shares .> 1)
    }
}

/// A gamma distribution that was shifted to match three cumulants.
struct ShiftedGamma {
    let shift: Double
    let inverseMean: Double
    let center: Double
    let steepness: Double

    /// - Precondition: `variance` > 0.
    @inline(__always)
    init(mean: Double, variance: Double, third: Double) {
        // A shape above 1000 is a normal distribution; below 0.2 the Wilson-Hilferty transform is off, and the two
        // lower moments are kept.
        let ideal = 4 * variance * variance * variance / max(third * third, 1e-300)
        let shape = min(1000, max(0.2, ideal))
        let gammaMean = (variance * shape).squareRoot()
        shift = mean - gammaMean
        inverseMean = 1 / gammaMean
        center = 1 - 1 / (9 * shape)
        steepness = 3 * shape.squareRoot()
    }

    /// P(X > x).
    func tail(_ x: Double) -> Double {
        let scaled = (x - shift) * inverseMean
        guard scaled > 0 else { return 1 }
        return 0.5 * erfc((cbrt(scaled) - center) * steepness * 0.5.squareRoot())
    }
}
