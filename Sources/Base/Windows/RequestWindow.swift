/// What was seen of a service's requests in one window, by whoever counted them.
public struct RequestSample: Sendable, Hashable, Codable {
    /// The window's end, in seconds.
    public var time: Double
    /// The window's length in seconds.
    public var seconds: Double
    /// What counted the requests.
    public var source: MeasurementSource
    /// Requests arriving per second.
    public var arrivalRate: Double?
    /// Requests answered per second.
    public var throughput: Double?
    /// Requests rejected or timed out / requests arrived, 0 to 1.
    public var errorShare: Double?
    /// Median latency in seconds.
    public var latencyP50: Double?
    /// 95th percentile of the latency in seconds.
    public var latencyP95: Double?
    /// 99th percentile of the latency in seconds.
    public var latencyP99: Double?

    /// A window of which nothing was seen.
    public init(time: Double, seconds: Double, source: MeasurementSource) {
        (self.time, self.seconds, self.source) = (time, seconds, source)
    }

    /// A window in which requests were counted. Without requests there is no share of errors.
    /// - Parameters:
    ///   - time: the window's end, in seconds.
    ///   - seconds: its length, above 0.
    ///   - source: what counted.
    ///   - arrived: requests that arrived.
    ///   - completed: requests that were answered.
    ///   - failed: requests that were rejected or timed out; some may have arrived in the window before.
    public init(
        time: Double, seconds: Double, source: MeasurementSource, arrived: Double, completed: Double, failed: Double
    ) {
        self.init(time: time, seconds: seconds, source: source)
        arrivalRate = arrived / seconds
        throughput = completed / seconds
        if arrived > 0 || failed > 0 { errorShare = failed / max(arrived, failed) }
    }
}

/// What a service's requests meet, from the samples of its windows.
///
/// A value that the latest sample lacks stays as it was and grows old: without requests there is no latency.
public struct RequestWindow: Sendable, Equatable, Codable {
    /// Requests arriving per second.
    public private(set) var arrivalRate: Measured?
    /// The same, of the window before the latest.
    public private(set) var previousArrivalRate: Measured?
    /// Requests answered per second.
    public private(set) var throughput: Measured?
    /// Requests rejected or timed out / requests arrived.
    public private(set) var errorShare: Measured?
    /// Median latency in seconds.
    public private(set) var latencyP50: Measured?
    /// 95th percentile of the latency in seconds.
    public private(set) var latencyP95: Measured?
    /// 99th percentile of the latency in seconds.
    public private(set) var latencyP99: Measured?
    // Times and rates of the last samples, the newest first: windows may overlap.
    private var times = SIMD4<Double>(repeating: -.greatestFiniteMagnitude)
    private var rates = SIMD4<Double>(repeating: 0)

    /// A service of which nothing was seen.
    public init() {}

    /// Takes in a sample; one that is not newer than the latest changes nothing.
    public mutating func add(_ sample: RequestSample) {
        guard sample.time > times[0] else { return }
        func measured(_ value: Double?, else old: Measured?) -> Measured? {
            // The latest sample need not have told all of them.
            guard let value, value.isFinite, sample.time > old?.time ?? -.infinity else { return old }
            return Measured(value, at: sample.time, over: sample.seconds, by: sample.source)
        }
        if let rate = sample.arrivalRate, rate.isFinite {
            arrivalRate = measured(rate, else: nil)
            previousArrivalRate = before(sample)
            times = SIMD4(sample.time, times[0], times[1], times[2])
            rates = SIMD4(rate, rates[0], rates[1], rates[2])
        }
        throughput = measured(sample.throughput, else: throughput)
        errorShare = measured(sample.errorShare, else: errorShare)
        latencyP50 = measured(sample.latencyP50, else: latencyP50)
        latencyP95 = measured(sample.latencyP95, else: latencyP95)
        latencyP99 = measured(sample.latencyP99, else: latencyP99)
    }

    /// The rate of the window that ended where this one begins, give or take half of its length; `nil` where none did.
    private func before(_ sample: RequestSample) -> Measured? {
        var nearest = 0
        var least = 0.5 * sample.seconds
        var isKnown = false
        for index in 0..<4 {
            let away = abs(sample.time - sample.seconds - times[index])
            if away <= least { (nearest, least, isKnown) = (index, away, true) }
        }
        guard isKnown else { return nil }
        return Measured(rates[nearest], at: times[nearest], over: sample.seconds, by: sample.source)
    }
}
