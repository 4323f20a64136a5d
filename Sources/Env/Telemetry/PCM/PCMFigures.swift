/// What Intel PCM says of a whole machine over one window. What it did not measure is `nil`.
///
/// PCM writes 0 for what a processor does not count or the kernel does not let it read, and numbers near 2^64 where a
/// counter ran backwards: a total of 0 over a whole window, and what no machine can do, count as missing.
public struct PCMFigures: Sendable, Hashable {
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

    /// Figures from sums over a window; each that is missing or implausible leaves its figure missing.
    init(
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

/// A reply of PCM that has another form than its sources write.
public struct PCMError: Error, Hashable, CustomStringConvertible {
    /// What was found and what was expected.
    public let message: String

    init(_ message: String) {
        self.message = message
    }

    /// "PCM: MESSAGE".
    public var description: String { "PCM: \(message)" }
}
