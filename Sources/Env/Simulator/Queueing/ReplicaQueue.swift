import Foundation

/// What a replica's queue meets during a stretch of time.
public struct QueueConditions: Sendable {
    /// Requests arriving per second (Poisson).
    public var arrivalRate: Double
    /// Mean time to serve a request when it is served, in seconds, contention included.
    public var serviceMean: Double
    /// Seconds between completions when every worker is busy: `serviceMean` / workers when each has a core.
    public var drainMean: Double
    /// Requests served at once at full speed; need not be whole, at least 1.
    public var servers: Double
    /// Longest wait in seconds: requests that would wait longer are lost.
    public var longestWait: Double
    /// Distribution of the service time.
    public var serviceTime: ServiceTime

    /// Conditions of `servers` workers that each have a core.
    public init(
        arrivalRate: Double, serviceMean: Double, servers: Double = 1, longestWait: Double = 1e6,
        serviceTime: ServiceTime
    ) {
        self.arrivalRate = arrivalRate
        self.serviceMean = serviceMean
        self.drainMean = serviceMean / servers
        self.servers = servers
        self.longestWait = longestWait
        self.serviceTime = serviceTime
    }
}

/// The queue of one replica: an M/G/c queue whose backlog is carried from one window to the next.
///
/// The state describes the law of the virtual waiting time W in two parts.
///
/// *Bulk*: the first two moments of W. With b = P(W > 0), p = b + (1 - b) q the probability that an arrival adds to W,
/// q = ErlangB(c - 1, a) the probability that all but one worker are busy when not all are, J the time that one
/// request adds when all are busy, and ρ = λ E[J],
///
///     dE[W]/dt  = ρ p - b
///     dE[W²]/dt = 2 (ρ - 1) E[W] + λ E[J²] p
///
/// which are exact. b follows from the moments by a closure from the local time of reflected Brownian motion:
/// b = (A - B q) / (A + B (1 - q)), A = 1 - ρ (1 - q), B = h(r) λ E[J²] / E[W], r = E[W]² / (E[W²] - s E[W]),
/// s = 2 E[J³] / (3 E[J²] A). In every stationary state of M/G/1 and M/M/c r = 1/2 and h = 1/2, so that the formulas of
/// Pollaczek and Khinchine and of Erlang (C) are its fixed points; h(2/π) = 1/π is critical load from an empty queue
/// and h(1) = 0 a fluid.
///
/// *Backlog*: when the load falls, what is queued drains while the queue behind it is another regime already. It is
/// kept as the law of the free process W₀ + work arrived - time passed, whose first three cumulants change linearly
/// and exactly; what has reached 0 belongs to the bulk, which starts there from an empty queue.
public struct ReplicaQueue: Sendable, Hashable, Codable {
    /// E[W] of the bulk in seconds.
    var mean = 0.0
    /// E[W²] of the bulk.
    var square = 0.0
    /// P(W > 0) of the bulk.
    var busy = 0.0
    /// Mass of the free process that the backlog is the positive part of; 0 without one.
    var backlog = 0.0
    /// Its first three cumulants.
    var first = 0.0
    var second = 0.0
    var third = 0.0
    /// `QueueConditions.drainMean` that the times above refer to.
    var drainMean = 0.0

    /// An empty queue.
    public init() {}

    /// Mean wait that an arrival would meet now, in seconds.
    public var meanWait: Double {
        guard backlog > 0 else { return mean }
        let (mass, wait, _) = aliveBacklog()
        return (1 - mass) * mean + mass * wait
    }

    /// Lets time pass.
    /// - Parameters:
    ///   - duration: in seconds.
    ///   - mixture: receives the latencies of the requests that arrive and are not lost, by expected number.
    /// - Returns: share of the arrivals that are lost because they would wait longer than `longestWait`, 0 to 1.
    public mutating func advance(
        _ conditions: QueueConditions, for duration: Double, into mixture: inout LatencyMixture
    ) -> Double {
        guard duration > 0 else { return 0 }
        rescale(to: conditions.drainMean)
        let regime = QueueRegime(conditions)
        guard regime.load > 1e-9 else {
            drain(for: duration)
            return 0
        }
        if backlog == 0, regime.isStable, regime.isSettled(mean, over: duration) {
            // Nearly every window of a service in steady operation.
            settle(regime)
            let weight = conditions.arrivalRate * duration * (1 - regime.lossShare)
            let direct = regime.record(self, alive: 0, spread: 0, weight: weight, into: &mixture)
            mixture.addDirect(weight: direct, mean: conditions.serviceMean)
            return regime.lossShare
        }
        return evolve(regime, for: duration, into: &mixture)
    }

    /// A queue in the stationary state of `conditions`.
    /// - Precondition: the load is below 1, or waits are bounded.
    public static func stationary(_ conditions: QueueConditions) -> ReplicaQueue {
        var queue = ReplicaQueue()
        queue.drainMean = conditions.drainMean
        queue.settle(QueueRegime(conditions))
        return queue
    }

    mutating func settle(_ regime: QueueRegime) {
        (mean, square, busy) = (regime.mean, regime.square, regime.busy)
    }

    /// Keeps the work that is queued when the speed changes: times are multiplied by new / old.
    private mutating func rescale(to drain: Double) {
        defer { drainMean = drain }
        guard drainMean > 0, drainMean != drain else { return }
        let factor = drain / drainMean
        mean *= factor
        square *= factor * factor
        guard backlog > 0 else { return }
        first *= factor
        second *= factor * factor
        third *= factor * factor * factor
    }

    /// No arrivals: what is queued is worked off.
    private mutating func drain(for duration: Double) {
        if backlog > 0 { foldBacklog() }
        let left = max(0, mean - duration)
        square = left > 0 ? square * (left / mean) * (left / mean) : 0
        mean = left
        busy = left > 0 ? busy : 0
    }

    /// Mass, mean and mean square of the backlog that has not drained yet, from a normal law cut at 0.
    func aliveBacklog() -> (mass: Double, mean: Double, square: Double) {
        let mass = aliveMass()
        guard mass > 0 else { return (0, 0, 0) }
        let deviation = second.squareRoot()
        let z = first / deviation
        guard z > -5 else {
            // So far in the tail the law is nearly exponential.
            let mean = deviation / -z
            return (mass, mean, 2 * mean * mean)
        }
        let density = exp(-z * z / 2) * 0.398_942_280_401_432_7
        let mean = first + deviation * density / (0.5 * erfc(-z * 0.5.squareRoot()))
        return (mass, mean, second + first * mean)
    }

    func aliveMass() -> Double {
        backlog > 0 ? backlog * ShiftedGamma(mean: first, variance: second, third: third).tail(0) : 0
    }

    /// Makes the backlog part of the bulk.
    mutating func foldBacklog() {
        let alive = aliveBacklog()
        mean = (1 - alive.mass) * mean + alive.mass * alive.mean
        square = (1 - alive.mass) * square + alive.mass * alive.square
        busy = (1 - alive.mass) * busy + alive.mass
        backlog = 0
    }

    /// Makes what waits in the bulk a backlog, merged with the one that is draining, and empties the bulk.
    mutating func unfoldBacklog() {
        let share = max(busy, 1e-9)
        let wait = mean / share
        let variance = max(square / share - wait * wait, 1e-3 * wait * wait)
        let skew = 2 * variance * variance / wait
        let alive = aliveBacklog()
        let mass = (1 - alive.mass) * share
        if alive.mass > 0 {
            let total = mass + alive.mass
            let aliveVariance = max(alive.square - alive.mean * alive.mean, 1e-6 * second)
            let ratio = aliveVariance / second
            let aliveSkew = third * ratio * ratio.squareRoot()
            let center = (mass * wait + alive.mass * alive.mean) / total
            let (e1, e2) = (wait - center, alive.mean - center)
            let bulkTerm = mass * (skew + 3 * e1 * variance + e1 * e1 * e1)
            let aliveTerm = alive.mass * (aliveSkew + 3 * e2 * aliveVariance + e2 * e2 * e2)
            first = center
            second = (mass * (variance + e1 * e1) + alive.mass * (aliveVariance + e2 * e2)) / total
            third = max((bulkTerm + aliveTerm) / total, 1e-3 * second * second.squareRoot())
            backlog = total
        } else {
            (backlog, first, second, third) = (mass, wait, variance, skew)
        }
        (mean, square, busy) = (0, 0, 0)
    }
}
