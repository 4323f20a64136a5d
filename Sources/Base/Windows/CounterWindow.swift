/// Turns readings of a counter into its mean rate over a window of about a given length.
///
/// The window ends with the latest reading and begins with the one that lies nearest to `length` seconds before it: a
/// source that is read every 15 s gives a window of 15 s where 20 were wanted, never an invented one. Eight readings
/// are kept; of those that lie closer together than a seventh of the length only the latest counts.
public struct CounterWindow: Sendable, Equatable, Codable {
    /// The length that is wanted, in seconds.
    public let length: Double
    /// Two readings further apart than this many seconds give no rate: twice the length, and at least 40.
    public var longest: Double { max(2 * length, 40) }
    // Both hot functions are inlined into `UsageWindow`: a call would copy the counter's 200 bytes.
    // The newest first; totals count on over resets.
    private var times = SIMD8<Double>(repeating: 0)
    private var totals = SIMD8<Double>(repeating: 0)
    private var count = 0
    private var latest = 0.0

    /// A counter that was not read yet.
    /// - Parameter length: the length that is wanted, in seconds, above 0.
    public init(length: Double) {
        precondition(length > 0, "a window has a length")
        self.length = length
    }

    /// Takes in a reading. One that is not newer than the latest changes nothing: an exporter that did not measure
    /// again repeats itself. A counter that fell was reset and counts from zero, as in Prometheus' `rate`.
    /// - Parameters:
    ///   - total: the counter's reading; one that is negative or not finite is ignored.
    ///   - time: when it was read, in seconds.
    @inline(__always)
    public mutating func update(total: Double, time: Double) {
        guard total >= 0, total <= .greatestFiniteMagnitude, abs(time) <= .greatestFiniteMagnitude else { return }
        guard count > 0 else {
            (times[0], totals[0], count, latest) = (time, total, 1, total)
            return
        }
        guard time > times[0] else { return }
        let sum = totals[0] + (total >= latest ? total - latest : total)
        latest = total
        if count < 2 || time - times[1] >= length / 7 {
            times = SIMD8(0, times[0], times[1], times[2], times[3], times[4], times[5], times[6])
            totals = SIMD8(0, totals[0], totals[1], totals[2], totals[3], totals[4], totals[5], totals[6])
            count = min(8, count + 1)
        }
        (times[0], totals[0]) = (time, sum)
    }

    /// The mean rate per second over the window; `nil` until two readings lie at most `longest` apart.
    /// - Parameter source: what reads the counter.
    @inline(__always)
    public func rate(by source: MeasurementSource) -> Measured? {
        guard count > 1 else { return nil }
        let begin = times[0] - length
        var (time, total) = (times[1], totals[1])
        // Times descend, so that past the nearest reading all others lie further away.
        var index = 2
        while index < count, abs(begin - times[index]) < abs(begin - time) {
            (time, total) = (times[index], totals[index])
            index += 1
        }
        let seconds = times[0] - time
        guard seconds <= longest else { return nil }
        return Measured((totals[0] - total) / seconds, at: times[0], over: seconds, by: source)
    }
}
