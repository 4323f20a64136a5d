import Foundation

/// The distribution of the latency of a window's requests, as a mixture.
///
/// Requests that did not wait have the service time's own distribution. Those that waited have a shifted gamma
/// distribution (Pearson type III) that matches the first three cumulants of waiting plus service; its tail is Wilson
/// and Hilferty's ("The distribution of chi-square", PNAS 17, 1931). Each replica adds a term for each stretch of the
/// window over which its queue did not change much. Single precision is enough: latencies are good to four digits.
public struct LatencyMixture: Sendable {
    /// Eight terms of requests that waited.
    struct WaitingBlock {
        var weight = SIMD8<Float>()
        /// Most that a term contributes.
        var limit = SIMD8<Float>()
        var shift = SIMD8<Float>()
        var inverseMean = SIMD8<Float>()
        /// 1 - 1/(9k) and 3√k of the Wilson-Hilferty transform.
        var center = SIMD8<Float>()
        var steepness = SIMD8<Float>()
        /// Longest wait, and 1 / mean service time: no more than P(service > x - longest wait) is above x.
        var ceiling = SIMD8<Float>()
        var inverseService = SIMD8<Float>()
    }

    /// Eight terms of requests that did not wait.
    struct DirectBlock {
        var weight = SIMD8<Float>()
        /// The mean, its inverse, or the mean of the logarithm, by family.
        var location = SIMD8<Float>()
    }

    private var waiting: [WaitingBlock] = []
    private var waitingCount = 0
    private var direct: [DirectBlock] = []
    private var directCount = 0
    /// Whether any term reaches its ceiling.
    private var isBounded = false
    private var family = ServiceTimeFamily.logNormal
    private var inverseLogDeviation: Float = 0
    private var logMeanOffset = 0.0
    /// Sum of the weights: requests that are in the mixture.
    public private(set) var total = 0.0

    /// An empty mixture.
    public init() {}

    /// Empties the mixture, keeping its memory, for requests with this distribution of the service time.
    public mutating func clear(_ serviceTime: ServiceTime) {
        (waitingCount, directCount, total) = (0, 0, 0)
        isBounded = false
        family = serviceTime.family
        inverseLogDeviation = serviceTime.logDeviation > 0 ? Float(1 / serviceTime.logDeviation) : 0
        logMeanOffset = serviceTime.logDeviation * serviceTime.logDeviation / 2
    }

    /// Adds requests that did not wait.
    /// - Parameters:
    ///   - weight: their number.
    ///   - mean: their mean service time in seconds.
    @inline(__always)
    mutating func addDirect(weight: Double, mean: Double) {
        let (block, lane) = (directCount >> 3, directCount & 7)
        if block == direct.count { direct.append(DirectBlock()) }
        if lane == 0 { direct[block].weight = SIMD8() }
        direct[block].weight[lane] = Float(weight)
        switch family {
        case .deterministic: direct[block].location[lane] = Float(mean)
        case .exponential: direct[block].location[lane] = Float(1 / mean)
        case .logNormal: direct[block].location[lane] = Float(log(mean) - logMeanOffset)
        }
        directCount += 1
        total += weight
    }

    /// Adds requests that waited, whose latency has these cumulants.
    /// - Parameters:
    ///   - weight: their number, if all of the distribution counted.
    ///   - limit: their number, at most `weight`: the distribution's upper part.
    ///   - ceiling: longest wait in seconds.
    ///   - service: mean service time.
    @inline(__always)
    mutating func addWaiting(
        weight: Double, limit: Double, mean: Double, variance: Double, third: Double, ceiling: Double, service: Double
    ) {
        let (block, lane) = (waitingCount >> 3, waitingCount & 7)
        if block == waiting.count { waiting.append(WaitingBlock()) }
        if lane == 0 {
            waiting[block].weight = SIMD8()
            waiting[block].limit = SIMD8()
        }
        let reach = ceiling - mean
        if reach < 0 || reach * reach < 16 * variance { isBounded = true }
        waiting[block].ceiling[lane] = Float(ceiling)
        waiting[block].inverseService[lane] = Float(1 / service)
        let gamma = ShiftedGamma(mean: mean, variance: variance, third: third)
        waiting[block].weight[lane] = Float(weight)
        waiting[block].limit[lane] = Float(limit)
        waiting[block].shift[lane] = Float(gamma.shift)
        waiting[block].inverseMean[lane] = Float(gamma.inverseMean)
        waiting[block].center[lane] = Float(gamma.center)
        waiting[block].steepness[lane] = Float(gamma.steepness)
        waitingCount += 1
        total += limit
    }

    /// P(latency > `x`), 0 to 1; 0 for an empty mixture. Cost: O(terms), about 15 ns for eight.
    public func tail(_ x: Double) -> Double {
        guard total > 0 else { return 0 }
        guard x > 0 else { return 1 }
        var sum = SIMD8<Float>()
        let at = SIMD8<Float>(repeating: Float(x))
        for index in 0..<((waitingCount + 7) >> 3) {
            let block = waiting[index]
            let scaled = (at - block.shift) * block.inverseMean
            let z = (VectorMath.cubeRoot(scaled) - block.center) * block.steepness
            var above = VectorMath.upperNormal(z).replacing(with: 1, where: scaled .<= 0)
            if isBounded {
                let beyond = pointwiseMax(SIMD8(), at - block.ceiling) * block.inverseService
                above = pointwiseMin(above, VectorMath.exp(-beyond))
            }
            sum += pointwiseMin(block.limit, block.weight * above)
        }
        switch family {
        case .deterministic:
            for index in 0..<((directCount + 7) >> 3) {
                sum += direct[index].weight.replacing(with: 0, where: direct[index].location .<= at)
            }
        case .exponential:
            for index in 0..<((directCount + 7) >> 3) {
                sum += direct[index].weight * VectorMath.exp(-(at * direct[index].location))
            }
        case .logNormal:
            let logarithm = SIMD8<Float>(repeating: Float(log(x)))
            for index in 0..<((directCount + 7) >> 3) {
                let z = (logarithm - direct[index].location) * inverseLogDeviation
                sum += direct[index].weight * VectorMath.upperNormal(z)
            }
        }
        return min(1, Double(sum.sum()) / total)
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
