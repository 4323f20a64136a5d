/// A value and when it was measured.
public struct Measurement: Sendable, Hashable {
    /// The value, in the unit of what was measured.
    public var value: Double
    /// When it was measured, in seconds since 1970, by the clock of the machine that measured.
    public var time: Double

    /// `value`, measured at `time`.
    public init(value: Double, time: Double) {
        self.value = value
        self.time = time
    }

    /// Seconds from the measurement to `now`; 0 where clocks disagree and it lies ahead.
    public func age(at now: Double) -> Double { max(0, now - time) }
}
