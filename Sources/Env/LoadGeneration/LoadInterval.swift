/// Why requests were rejected.
public struct Rejections: Sendable, Equatable, Codable {
    /// There was no target to send to.
    public var withoutTarget = 0
    /// As many requests as allowed were waiting for an answer already.
    public var beyondLimit = 0
    /// The connection was refused, or broke before the answer was complete.
    public var connection = 0
    /// The answer's status was 400 or more.
    public var status = 0

    /// None.
    public init() {}

    /// All of them.
    public var total: Int { withoutTarget + beyondLimit + connection + status }

    static func + (left: Rejections, right: Rejections) -> Rejections {
        var sum = left
        sum.withoutTarget += right.withoutTarget
        sum.beyondLimit += right.beyondLimit
        sum.connection += right.connection
        sum.status += right.status
        return sum
    }
}

/// What happened to a load generator's requests between two harvests.
///
/// A request arrives in the interval in which it is due, and ends (completed, rejected or timed out) in the one in which
/// its end is seen, so over a whole run arrived = completed + rejected + timed out + in flight at the end.
public struct LoadInterval: Sendable, Equatable {
    /// When it began, in seconds since the generator's start.
    public let start: Double
    /// When it ended, in seconds since the generator's start.
    public private(set) var end: Double
    /// Requests that were due in it and that the generator came to, sent or not.
    public internal(set) var arrived = 0
    /// Requests that were answered in it, in full and with a status below 400.
    public internal(set) var completed = 0
    /// Requests that were rejected in it.
    public internal(set) var rejections = Rejections()
    /// Requests that were given up in it after the time-out.
    public internal(set) var timedOut = 0
    /// Requests that turned out in it to miss the objective: completed late, rejected, timed out, or in flight at its
    /// end for longer than the objective. Each request is counted once over the whole run, so one that is counted here
    /// while it is in flight is not counted again when it ends.
    public internal(set) var overObjective = 0
    /// How late requests were sent, rejected ones included: the generator's own failing, not the service's. It is part
    /// of the latencies; where its p99 is not far below theirs, the generator is overloaded.
    public internal(set) var sendDelays = LatencyHistogram()
    /// Latencies of the requests that completed or timed out in it, from when each was due.
    public private(set) var finished = LatencyHistogram()
    /// Ages of the requests in flight at its end, in seconds since each was due.
    public internal(set) var ages: [Double] = []
    /// `finished` and `ages` together.
    private var observed = LatencyHistogram()
    /// The latencies in `finished` by the target that the request was sent to.
    private var finishedByTarget: [String: LatencyHistogram] = [:]
    /// The target of each of `ages`.
    private var targetsOfAges: [String] = []
    /// The latencies in `finished`, and the ages, by the target that the request was sent to.
    public private(set) var targets: [String: LatencyHistogram] = [:]

    init(start: Double) {
        self.start = start
        end = start
    }

    /// Books the latency of a request that completed or timed out.
    mutating func record(_ latency: Double, of target: String) {
        finishedByTarget[target, default: LatencyHistogram()].record(latency)
    }

    /// Books the age of a request in flight at the end.
    mutating func note(age: Double, of target: String) {
        ages.append(age)
        targetsOfAges.append(target)
    }

    /// Closes the interval: what is summed up over the requests is known from here on.
    mutating func close(at end: Double) {
        self.end = end
        finished = finishedByTarget.values.reduce(into: LatencyHistogram()) { $0.add($1) }
        (observed, targets) = (finished, finishedByTarget)
        for (age, target) in zip(ages, targetsOfAges) {
            observed.record(age)
            targets[target, default: LatencyHistogram()].record(age)
        }
    }

    /// Its length in seconds.
    public var duration: Double { end - start }

    /// Requests that were rejected in it, for whatever reason.
    public var rejected: Int { rejections.total }

    /// Requests without an answer at its end.
    public var inFlight: Int { ages.count }

    /// A quantile, in seconds, of the latencies of the requests that completed or timed out in the interval together with
    /// the ages of those in flight at its end, which are lower bounds of latencies to come. Rejected requests have no
    /// latency and are not part of it. `nil` when there is nothing to take it of.
    /// - Parameter quantile: from 0 to 1.
    public func latency(quantile: Double) -> Double? { observed.quantile(quantile) }

    /// The median latency in seconds.
    public var p50: Double? { latency(quantile: 0.5) }
    /// The 95th percentile of the latency in seconds.
    public var p95: Double? { latency(quantile: 0.95) }
    /// The 99th percentile of the latency in seconds.
    public var p99: Double? { latency(quantile: 0.99) }

    /// This interval and the one harvested right after it as one.
    public func followed(by next: LoadInterval) -> LoadInterval {
        var both = self
        both.arrived += next.arrived
        both.completed += next.completed
        both.rejections = rejections + next.rejections
        both.timedOut += next.timedOut
        both.overObjective += next.overObjective
        both.sendDelays.add(next.sendDelays)
        both.ages = next.ages
        both.targetsOfAges = next.targetsOfAges
        both.finishedByTarget.merge(next.finishedByTarget) { first, second in
            var sum = first
            sum.add(second)
            return sum
        }
        both.close(at: next.end)
        return both
    }
}
