/// Turns readings of a counter into its mean rate over a window of about a given length.
///
/// The window ends with the latest reading and begins with the one that lies nearest to `length` seconds before it: a
/// source that is read every 15 s gives a window of 15 s where 20 were wanted, never an invented one.
public struct CounterWindow: Sendable {
    /// A mean rate and the span that it was taken over.
    public struct Rate: Sendable, Hashable {
        /// The rate per second.
        public var value: Double
        /// The end of the span, in seconds since 1970.
        public var time: Double
        /// The length of the span in seconds.
        public var seconds: Double

        /// A rate with all its parts.
        public init(value: Double, time: Double, seconds: Double) {
            self.value = value
            self.time = time
            self.seconds = seconds
        }
    }

    /// The length that is wanted, in seconds.
    public let length: Double
    // Totals that count on over resets, ascending in time, none older than twice the length before the latest.
    private var readings: [(time: Double, total: Double)] = []
    private var latest: Double?

    /// A counter that was not read yet.
    /// - Parameter length: the length that is wanted, in seconds, above 0.
    public init(length: Double) {
        precondition(length > 0, "a window has a length")
        self.length = length
    }

    /// Takes in a reading. One that is not newer than the latest changes nothing: an exporter that did not measure
    /// again repeats itself. A counter that fell was reset and counts from zero, as in Prometheus' `rate`.
    /// - Parameters:
    ///   - total: the counter's reading; one that is negative or not finite is passed over.
    ///   - time: when it was read, in seconds since 1970.
    public mutating func update(total: Double, time: Double) {
        guard total.isFinite, total >= 0, time.isFinite else { return }
        guard let last = readings.last, let latest else {
            readings = [(time, total)]
            self.latest = total
            return
        }
        guard time > last.time else { return }
        readings.append((time, last.total + (total >= latest ? total - latest : total)))
        self.latest = total
        readings.removeAll { $0.time < time - 2 * length }
    }

    /// The mean rate over the window; `nil` until two readings lie at most twice the length apart.
    public var rate: Rate? {
        guard let last = readings.last else { return nil }
        var first: (time: Double, total: Double)?
        var distance = Double.infinity
        for reading in readings.dropLast() {
            let away = abs(last.time - length - reading.time)
            if away < distance { (first, distance) = (reading, away) }
        }
        guard let first else { return nil }
        let seconds = last.time - first.time
        return Rate(value: (last.total - first.total) / seconds, time: last.time, seconds: seconds)
    }
}
