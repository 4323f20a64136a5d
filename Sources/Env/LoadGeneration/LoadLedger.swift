import Randomness

/// The accounts of one run: which requests are in flight, and what happened since the last harvest.
///
/// Knows no clock and no network: every call says what time it is, in nanoseconds since the start.
struct LoadLedger {
    /// How a request ended.
    enum Outcome {
        case completed, refused, failedStatus, timedOut
    }

    private struct Slot {
        var due: Int64
        var target: String
        var isCountedOver = false
    }

    private let objective: Double
    private let limit: Int
    private var slots: [Slot?] = []
    private var free: [Int] = []
    private var current = LoadInterval(start: 0)

    /// URLs that requests go to.
    var targets: [String] = []
    /// Whether all requests have been issued.
    var isExhausted = false
    /// When the run was stopped; nothing counts that happens later.
    private(set) var stopped: Int64?

    init(objective: Double, limit: Int) {
        (self.objective, self.limit) = (objective, limit)
    }

    /// Whether nothing more will happen.
    var isFinished: Bool { stopped != nil || (isExhausted && free.count == slots.count) }

    /// Counts an arrival and, where it may be sent, gives it a slot and a target.
    mutating func admit(
        due: Int64, at now: Int64, using generator: inout RandomGenerator
    ) -> (slot: Int, target: String)? {
        guard stopped == nil else { return nil }
        current.arrived += 1
        current.sendDelays.record(Self.seconds(now - due))
        guard !targets.isEmpty else {
            current.rejections.withoutTarget += 1
            current.overObjective += 1
            return nil
        }
        guard slots.count - free.count < limit else {
            current.rejections.beyondLimit += 1
            current.overObjective += 1
            return nil
        }
        let slot = free.popLast() ?? slots.count
        if slot == slots.count { slots.append(nil) }
        let target = targets[generator.index(below: targets.count)]
        slots[slot] = Slot(due: due, target: target)
        return (slot, target)
    }

    /// Counts the end of the request in a slot and frees it.
    mutating func finish(slot: Int, _ outcome: Outcome, at now: Int64) {
        guard stopped == nil, let request = slots[slot] else { return }
        slots[slot] = nil
        free.append(slot)
        let latency = Self.seconds(now - request.due)
        var isOver = true
        switch outcome {
        case .completed:
            current.completed += 1
            current.record(latency, of: request.target)
            isOver = latency > objective
        case .timedOut:
            current.timedOut += 1
            current.record(latency, of: request.target)
        case .refused: current.rejections.connection += 1
        case .failedStatus: current.rejections.status += 1
        }
        if isOver, !request.isCountedOver { current.overObjective += 1 }
    }

    /// Ends the run: those in flight stay so for good.
    mutating func stop(at now: Int64) {
        if stopped == nil { stopped = now }
    }

    /// Ends the interval and begins the next. The result still has to be closed at the time that is returned with it.
    mutating func harvest(at now: Int64) -> (interval: LoadInterval, end: Double) {
        let now = stopped.map { min($0, now) } ?? now
        for index in slots.indices {
            guard let request = slots[index] else { continue }
            let age = Self.seconds(now - request.due)
            current.note(age: age, of: request.target)
            if age > objective, !request.isCountedOver {
                slots[index]?.isCountedOver = true
                current.overObjective += 1
            }
        }
        let harvested = current
        current = LoadInterval(start: Self.seconds(now))
        return (harvested, Self.seconds(now))
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) * 1e-9 }
}
