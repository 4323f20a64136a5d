extension ReplicaQueue {
    /// A bulk above this multiple of its stationary mean drains as a backlog.
    private static let backlogThreshold = 1.5

    /// Integrates the state over `duration` in steps that follow how fast it changes, and records each.
    mutating func evolve(
        _ regime: QueueRegime, for duration: Double, into mixture: inout LatencyMixture
    ) -> Double {
        let rate = regime.conditions.arrivalRate
        let time = regime.conditions.drainMean
        let drift = regime.load - 1
        if backlog > 0 { first = min(first, regime.conditions.longestWait) }
        var alive = aliveMass()
        if !regime.isStable, alive > 0 {
            foldBacklog()
            alive = 0
        } else if regime.isStable, mean > Self.backlogThreshold * regime.mean {
            unfoldBacklog()
            alive = backlog
        }
        // The closure has no meaning at an empty queue; a tenth of the first request is as good as empty.
        let floor = 0.1 * min(time * regime.load, regime.mean)
        if mean < floor {
            mean = floor
            square = floor * floor / 0.6 + regime.skew * floor
        }
        var passed = 0.0
        var lost = 0.0
        var direct = 0.0
        while passed < duration * (1 - 1e-9) {
            let settled = isSettled(regime, over: duration - passed)
            if settled { settle(regime) }
            if settled, alive == 0 {
                let rest = duration - passed
                let weight = rate * rest * (1 - regime.lossShare)
                direct += regime.record(self, alive: 0, spread: 0, weight: weight, into: &mixture)
                lost += regime.lossShare * rest
                break
            }
            var step = duration / 6
            if !settled {
                step = min(
                    step, max(max(0.5 * time, 0.5 * mean * mean / regime.diffusion), max(0.4 * passed, duration / 128)))
            }
            if alive > 0 {
                let reach = max(max(0.25 * second.squareRoot(), 0.2 * first), -drift * duration / 32)
                step = min(step, reach / max(1e-9, -drift))
            }
            step = min(step, duration - passed)
            let moved = drift * step
            let spread = drift > 0 || alive > 0.5 ? moved * moved / 12 : 0
            var next = (mean: mean, square: square)
            if !settled {
                let middle = stepped(regime, from: self, by: step / 2)
                let end = stepped(regime, from: middle, by: step)
                (mean, square, busy) = (middle.mean, middle.square, middle.busy)
                next = (end.mean, end.square)
            }
            let before = alive
            if backlog > 0 { advanceBacklog(regime, by: step / 2) }
            direct += regime.record(
                self, alive: min(before, aliveMass()), spread: spread, weight: rate * step, into: &mixture)
            if backlog > 0 {
                advanceBacklog(regime, by: step / 2)
                alive = min(before, aliveMass())
                // What has drained joins the bulk at an empty queue.
                let dilution = alive < 1 - 1e-9 ? (1 - before) / (1 - alive) : 1
                if !settled { next = (next.mean * dilution, next.square * dilution) }
                if alive < 1e-5 { (backlog, alive) = (0, 0) }
            }
            if !settled {
                (mean, square) = (max(next.mean, 1e-3 * floor), max(next.square, next.mean * next.mean))
                busy = max(regime.busy(mean, square), mean * mean / square)
            }
            passed += step
        }
        if direct > 0 { mixture.addDirect(weight: direct, mean: regime.conditions.serviceMean) }
        return lost / duration
    }

    private func isSettled(_ regime: QueueRegime, over rest: Double) -> Bool {
        regime.isStable ? regime.isSettled(mean, over: rest) : mean >= 0.98 * regime.mean
    }

    private mutating func advanceBacklog(_ regime: QueueRegime, by step: Double) {
        first += (regime.load - 1) * step
        second += regime.diffusion * step
        third += regime.thirdRate * step
    }

    /// The bulk after `step` seconds at the rates of change that hold in the state `at`.
    ///
    /// Towards a stationary state each moment relaxes with its present rate, so that no step is too long.
    private func stepped(
        _ regime: QueueRegime, from at: ReplicaQueue, by step: Double
    ) -> ReplicaQueue {
        var result = self
        let busy = regime.busy(at.mean, at.square)
        let adding = busy + (1 - busy) * regime.nearlyBusy
        let meanRate = regime.load * adding - busy
        let squareRate = 2 * (regime.load - 1) * at.mean + regime.diffusion * adding
        if regime.isStable {
            result.mean = Self.relax(mean, towards: regime.mean, at: at.mean, meanRate, step)
            result.square = Self.relax(square, towards: regime.square, at: at.square, squareRate, step)
        } else {
            result.mean = min(regime.mean, max(1e-12, mean + step * meanRate))
            result.square = max(1e-24, square + step * squareRate)
        }
        result.square = max(result.square, result.mean * result.mean)
        result.busy = max(regime.busy(result.mean, result.square), result.mean * result.mean / result.square)
        return result
    }

    private static func relax(
        _ value: Double, towards goal: Double, at point: Double, _ rate: Double, _ step: Double
    ) -> Double {
        let distance = goal - point
        guard abs(distance) > 1e-12 * goal else { return goal }
        let z = max(0, rate / distance) * step
        return goal - (goal - value) / (1 + z + z * z / 2)
    }
}
