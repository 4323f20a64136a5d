/// Turns readings of a counter into its rate between the two latest.
public struct CounterRate: Sendable {
    /// Two readings further apart than this many seconds give no rate: it would describe a past long gone.
    public let maximumWindow: Double
    /// The rate per second between the two latest readings, as of the later; `nil` until there are two.
    public private(set) var rate: Measurement?
    private var last: Measurement?

    /// A counter that was not read yet.
    public init(maximumWindow: Double) {
        self.maximumWindow = maximumWindow
    }

    /// Takes in a reading. One that is not newer than the latest changes nothing: an exporter that did not measure
    /// again repeats itself. A counter that fell was reset, and counts from zero, as in Prometheus' `rate`.
    /// - Parameters:
    ///   - total: the counter's reading; one that is negative or not finite is passed over.
    ///   - time: when it was read, in seconds.
    public mutating func update(total: Double, time: Double) {
        guard total.isFinite, total >= 0, time.isFinite else { return }
        guard let previous = last else {
            last = Measurement(value: total, time: time)
            return
        }
        let window = time - previous.time
        guard window > 0 else { return }
        last = Measurement(value: total, time: time)
        guard window <= maximumWindow else {
            rate = nil
            return
        }
        let increase = total >= previous.value ? total - previous.value : total
        rate = Measurement(value: increase / window, time: time)
    }
}
