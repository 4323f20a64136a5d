/// A seeded generator whose whole state is four 64-bit words that can be stored and restored.
///
/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021), seeded
/// through SplitMix64. Period 2^256 - 1. No draw is cached between calls, so the state alone says what comes next.
@frozen
public struct RandomGenerator: RandomNumberGenerator, Sendable, Hashable, Codable {
    @usableFromInline var s0: UInt64
    @usableFromInline var s1: UInt64
    @usableFromInline var s2: UInt64
    @usableFromInline var s3: UInt64

    /// A generator for `seed`. Equal seeds and streams give equal sequences; different streams of one seed are
    /// independent for every practical purpose.
    /// - Parameters:
    ///   - seed: any value.
    ///   - stream: tells apart generators that serve different purposes under one seed.
    public init(seed: UInt64, stream: UInt64 = 0) {
        var mixer = SplitMix64(state: seed)
        let offset = mixer.next()
        mixer = SplitMix64(state: offset ^ (stream &* 0xD134_2543_DE82_EF95))
        s0 = mixer.next()
        s1 = mixer.next()
        s2 = mixer.next()
        s3 = mixer.next() | 1
    }

    /// The generator that `state` was read from; `nil` unless there are four words, not all zero.
    public init?(state: [UInt64]) {
        guard state.count == 4, state.contains(where: { $0 != 0 }) else { return nil }
        (s0, s1, s2, s3) = (state[0], state[1], state[2], state[3])
    }

    /// The four words that determine every later draw.
    public var state: [UInt64] { [s0, s1, s2, s3] }

    /// A uniform 64-bit word. Cost: about 1 ns.
    @inlinable
    @inline(__always)
    public mutating func next() -> UInt64 {
        let product = s1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let t = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = (s3 << 45) | (s3 >> 19)
        return result
    }

    /// A new generator, independent of what this one draws afterwards.
    public mutating func split() -> RandomGenerator {
        RandomGenerator(seed: next(), stream: next())
    }

    /// Uniform in [0, 1), with 53 random bits.
    @inlinable
    @inline(__always)
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Uniform in [range.lowerBound, range.upperBound); the bound itself for an empty range.
    @inlinable
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// Uniform in 0 ..< `count`, without bias (Lemire's method).
    /// - Precondition: `count` > 0.
    @inlinable
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "a choice among no elements")
        return Int.random(in: 0..<count, using: &self)
    }

    /// True with probability `probability`, which is taken as 0 below 0 and 1 above 1.
    @inlinable
    public mutating func chance(_ probability: Double) -> Bool {
        uniform() < probability
    }
}

/// The seeding sequence of xoshiro's authors (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
