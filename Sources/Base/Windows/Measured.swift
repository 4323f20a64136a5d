/// A value that was measured: when, over how long and by what. What was not measured is `nil`, never zero.
@frozen
public struct Measured: Sendable, Hashable, Codable {
    /// The value, in the unit of the field that holds it.
    public var value: Double
    /// When the measuring ended, in seconds on the clock of whoever holds it: since 1970 on a real cluster, since the
    /// episode began in the simulator.
    public var time: Double
    // In single precision, so that an optional value takes 24 bytes: snapshots hold many.
    @usableFromInline var length: Float
    /// What measured it.
    public var source: MeasurementSource

    /// `value`, measured over the `seconds` before `time`.
    @inlinable
    public init(_ value: Double, at time: Double, over seconds: Double = 0, by source: MeasurementSource) {
        self.value = value
        self.time = time
        self.length = Float(seconds)
        self.source = source
    }

    /// How long was measured, in seconds, to seven digits; 0 for a value of one moment.
    @inlinable
    public var seconds: Double { Double(length) }

    /// Seconds from the end of the measuring to `now`; 0 where clocks disagree and it lies ahead.
    @inlinable
    public func age(at now: Double) -> Double { max(0, now - time) }
}

extension Optional where Wrapped == Measured {
    /// The value unless it is older than `maximumAge` seconds at `now`.
    @inlinable
    public func fresh(at now: Double, maximumAge: Double) -> Measured? {
        guard let measured = self, measured.age(at: now) <= maximumAge else { return nil }
        return measured
    }
}

/// What a counter or gauge read at one moment: raw, before it becomes a `Measured` value.
@frozen
public struct Reading: Sendable, Hashable, Codable {
    /// What was read, in the unit of the counter or gauge.
    public var value: Double
    /// When it was read, in seconds, by the clock of the machine that measured.
    public var time: Double

    /// `value`, read at `time`.
    @inlinable
    public init(value: Double, time: Double) {
        self.value = value
        self.time = time
    }

    /// Seconds from the reading to `now`; 0 where clocks disagree and it lies ahead.
    @inlinable
    public func age(at now: Double) -> Double { max(0, now - time) }
}
