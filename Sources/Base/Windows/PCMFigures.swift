/// What Intel PCM says of a whole machine over one window. What it did not measure is `nil`.
///
/// PCM writes 0 for what a processor does not count or the kernel does not let it read, and numbers near 2^64 where a
/// counter ran backwards: a total of 0 over a whole window, and what no machine can do, count as missing.
public struct PCMFigures: Sendable, Hashable, Codable {
    /// The end of the window, in seconds since 1970.
    public var time: Double
    /// The length of the window in seconds.
    public var seconds: Double
    /// Instructions retired per unhalted cycle, over all threads.
    public var instructionsPerCycle: Double?
    /// Last-level cache misses / (hits + misses), 0 to 1.
    public var cacheMissRatio: Double?
    /// Bytes read from and written to memory per second, over all sockets.
    public var memoryBandwidth: Double?
    /// Power of the processor packages in watts.
    public var packagePower: Double?
    /// Power of the memory modules in watts.
    public var memoryPower: Double?

    /// A window of which nothing was measured.
    public init(time: Double, seconds: Double) {
        self.time = time
        self.seconds = seconds
    }

    /// Seconds from the end of the window to `now`; 0 where clocks disagree and it lies ahead.
    @inlinable
    public func age(at now: Double) -> Double { max(0, now - time) }

    /// One of these figures as a measured value; `nil` where it is missing.
    @inlinable
    public func measured(_ value: Double?) -> Measured? {
        guard let value else { return nil }
        return Measured(value, at: time, over: seconds, by: .pcm)
    }

    /// Figures from sums over a window; each that is missing or implausible leaves its figure missing.
    /// - Parameters:
    ///   - time: the end of the window, in seconds since 1970.
    ///   - seconds: the length of the window.
    ///   - instructionsPerCycle: their ratio, at most 16.
    ///   - cacheMissRatio: last-level misses / references, 0 to 1.
    ///   - memoryBytes: bytes read from and written to memory.
    ///   - packageJoules: energy of the packages.
    ///   - memoryJoules: energy of the memory modules.
    public init(
        time: Double, seconds: Double, instructionsPerCycle: Double?, cacheMissRatio: Double?, memoryBytes: Double?,
        packageJoules: Double?, memoryJoules: Double?
    ) {
        self.init(time: time, seconds: seconds)
        func kept(_ value: Double?, _ range: ClosedRange<Double>) -> Double? {
            guard let value, value.isFinite, range.contains(value) else { return nil }
            return value
        }
        func rate(_ total: Double?, _ limit: Double) -> Double? {
            guard let total, total > 0, seconds > 0 else { return nil }
            return kept(total / seconds, 0...limit)
        }
        // No core retires more than 16 instructions in a cycle; no machine moves 100 TB/s or draws 100 kW.
        if let ratio = kept(instructionsPerCycle, 0...16), ratio > 0 { self.instructionsPerCycle = ratio }
        self.cacheMissRatio = kept(cacheMissRatio, 0...1)
        memoryBandwidth = rate(memoryBytes, 1e14)
        packagePower = rate(packageJoules, 1e5)
        memoryPower = rate(memoryJoules, 1e5)
    }
}

extension PCMFigures {
    /// Figures from what was counted.
    /// - Parameters:
    ///   - time: the end of the window, in seconds since 1970.
    ///   - seconds: the length of the window.
    ///   - total: what was counted in it of a quantity; `nil` where that was not counted.
    public init(time: Double, seconds: Double, total: (PCMQuantity) -> Double?) {
        func ratio(_ part: Double?, _ whole: Double?) -> Double? {
            guard let part, let whole, whole > 0 else { return nil }
            return part / whole
        }
        func sum(_ first: Double?, _ second: Double?) -> Double? {
            guard let first, let second else { return nil }
            return first + second
        }
        self.init(
            time: time, seconds: seconds,
            instructionsPerCycle: ratio(total(.instructions), total(.cycles)),
            cacheMissRatio: ratio(total(.l3Misses), sum(total(.l3Hits), total(.l3Misses))),
            memoryBytes: sum(total(.memoryReads), total(.memoryWrites)),
            packageJoules: total(.packageJoules), memoryJoules: total(.memoryJoules))
    }
}
