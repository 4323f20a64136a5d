import Foundation

/// What follows from a queue's conditions alone: its stationary state and the coefficients of its evolution.
struct QueueRegime {
    let conditions: QueueConditions
    /// ρ.
    let load: Double
    /// q of `ReplicaQueue`.
    let nearlyBusy: Double
    /// A of `ReplicaQueue`.
    let slack: Double
    /// s of `ReplicaQueue`.
    let skew: Double
    /// λ E[J²], the variance that arrives per second.
    let diffusion: Double
    /// λ E[J³].
    let thirdRate: Double
    /// Stationary E[W], E[W²] and P(W > 0); for an unstable queue those of waits bounded by `longestWait`.
    let mean: Double
    let square: Double
    let busy: Double
    /// Share of arrivals lost in the stationary state.
    let lossShare: Double
    /// Seconds over which the queue forgets, diffusion / (1 - ρ)².
    let relaxation: Double
    /// ρ < 1.
    let isStable: Bool

    @inline(__always)
    init(_ conditions: QueueConditions) {
        self.conditions = conditions
        let rate = conditions.arrivalRate
        let time = conditions.drainMean
        load = rate * time
        nearlyBusy = Self.nearlyBusy(servers: conditions.servers, offered: rate * conditions.serviceMean)
        slack = 1 - load * (1 - nearlyBusy)
        let second = conditions.serviceTime.secondMoment * time * time
        let third = conditions.serviceTime.thirdMoment * time * time * time
        skew = 2 * third / (3 * second * slack)
        diffusion = rate * second
        thirdRate = rate * third
        let gap = 1 - load
        isStable = gap > 1e-6
        relaxation = isStable ? diffusion / (gap * gap) : 1e12
        // Pollaczek-Khinchine and Erlang C.
        var mean = isStable ? diffusion / (2 * gap * slack) * nearlyBusy : 1e12
        var square = isStable ? 2 * mean * mean + skew * mean : 1e24
        var busy = isStable ? load * nearlyBusy / slack : 1
        var loss = 0.0
        // Reflected Brownian motion between 0 and the longest wait (Harrison, "Brownian Motion and Stochastic Flow
        // Systems", 1985): density proportional to e^(exponent · u) on [0, 1], and its rate of loss.
        let limit = conditions.longestWait
        let exponent = -2 * gap * limit / max(diffusion, 1e-300)
        if exponent > -12 {
            let uniform = abs(exponent) < 1e-3
            let norm = 1 - exp(-exponent)
            let center = uniform ? 0.5 : 1 / norm - 1 / exponent
            let spread = uniform ? 1.0 / 3 : 1 / norm - 2 * center / exponent
            if center * limit < mean {
                mean = center * limit
                square = max(spread, center * center * (1 + 1e-6)) * limit * limit
            }
            loss = min(1, (uniform ? diffusion / (2 * limit) : -gap / norm) / max(load, 1e-300))
            busy = max(busy, 1e-9)
        }
        (self.mean, self.square, self.busy, lossShare) = (mean, square, busy, loss)
    }

    /// ErlangB(`servers` - 1, `offered`): the probability that one worker is idle when at least one is; by its
    /// recursion, and linear in between for servers that are not whole.
    @inline(__always)
    private static func nearlyBusy(servers: Double, offered: Double) -> Double {
        var value = 1.0
        var count = 1.0
        while count + 1 <= servers {
            value = offered * value / (count + offered * value)
            count += 1
        }
        let part = servers - count
        guard part > 1e-9 else { return value }
        let next = offered * value / (count + offered * value)
        return value + part * (next - value)
    }

    /// Whether a bulk of this mean is in the stationary state, or gets there so soon that the rest does not count.
    @inline(__always)
    func isSettled(_ current: Double, over duration: Double) -> Bool {
        // Waits of a ten-thousandth of a request are none.
        guard max(current, mean) > 1e-4 * conditions.drainMean else { return true }
        let distance = abs(current - mean)
        return distance < 0.02 * mean || (distance < mean && relaxation * distance < 0.03 * mean * duration)
    }

    /// P(W > 0) of a bulk with these moments.
    @inline(__always)
    func busy(_ mean: Double, _ square: Double) -> Double {
        let excess = square - skew * mean
        var ratio = excess > 0 ? mean * mean / excess : 2
        if ratio > 0.6366, isStable || excess <= 0 { ratio = 0.6366 }
        let idle = max(0, 1 - ratio)
        // h: through (1/2, 1/2), (2/π, 1/π) and (1, 0).
        let force = idle * (0.5425 + 0.915 * idle) * diffusion / mean
        let value = (slack - force * nearlyBusy) / (slack + force * (1 - nearlyBusy))
        return min(1, max(0, value))
    }

    /// Adds the latencies of those of `weight` requests that wait when they arrive while the queue is in this state.
    /// - Parameters:
    ///   - alive: mass of the backlog.
    ///   - spread: variance of the wait over the stretch because the queue moves.
    /// - Returns: how many do not wait.
    @inline(__always)
    func record(
        _ queue: ReplicaQueue, alive: Double, spread: Double, weight: Double, into mixture: inout LatencyMixture
    ) -> Double {
        let service = conditions.serviceMean
        let serviceVariance = conditions.serviceTime.variance * service * service
        let serviceThird = conditions.serviceTime.thirdCentralMoment * service * service * service
        let bulk = weight * (1 - alive)
        let waiting = bulk * queue.busy
        if waiting > 1e-6 * weight {
            let wait = queue.mean / queue.busy
            let variance = max(queue.square / queue.busy - wait * wait, 1e-3 * wait * wait)
            mixture.addWaiting(
                weight: waiting, limit: waiting, mean: wait + service, variance: variance + spread + serviceVariance,
                third: 2 * variance * variance / wait + serviceThird, ceiling: conditions.longestWait,
                service: service)
        }
        if alive > 0 {
            mixture.addWaiting(
                weight: weight * queue.backlog, limit: weight * alive, mean: queue.first + service,
                variance: queue.second + spread + serviceVariance, third: queue.third + serviceThird,
                ceiling: conditions.longestWait, service: service)
        }
        return bulk - waiting
    }
}
