/// What the HPA remembers of one service: `stabilizeRecommendationWithBehaviors` and
/// `convertDesiredReplicasWithBehaviorRate` of Kubernetes 1.36 (`pkg/controller/podautoscaler/horizontal.go`).
struct ScalingHistory: Sendable, Equatable, Codable {
    /// A number of replicas and when it was recommended, or by how many replicas a service was scaled and when.
    private struct Entry: Sendable, Equatable, Codable {
        var replicas: Int
        var time: Double
    }

    private var recommendations: [Entry] = []
    private var additions: [Entry] = []
    private var removals: [Entry] = []
    private var last: Entry?
    /// The replicas to have after the latest review; `nil` when nothing could be said.
    private(set) var target: Int?

    /// Decides how many replicas to have from `time` on.
    /// - Parameters:
    ///   - current: replicas desired now.
    ///   - desired: what the calculation aims at; `nil` when it could not be made.
    ///   - limits: fewest and most replicas.
    mutating func review(
        current: Int, desired: Int?, limits: ClosedRange<Int>, at time: Double,
        _ settings: HorizontalPodAutoscalerSettings
    ) {
        note(current, at: time, settings)
        guard current > 0 else {
            target = nil  // a service scaled to nothing is out of the HPA's hands
            return
        }
        guard limits.contains(current) else {
            target = min(max(current, limits.lowerBound), limits.upperBound)
            return
        }
        guard let desired else {
            target = nil
            return
        }
        let stable = stabilize(desired, current, at: time, settings)
        target = limit(stable, current, limits, at: time, settings)
    }

    /// Keeps how the replicas changed since the review before.
    private mutating func note(_ current: Int, at time: Double, _ settings: HorizontalPodAutoscalerSettings) {
        if let last, last.replicas != current {
            let change = current - last.replicas
            let entry = Entry(replicas: abs(change), time: last.time)
            if change > 0 { additions.append(entry) } else { removals.append(entry) }
        }
        // The replicas found at the start count as a recommendation, so that nothing is removed before a whole window.
        if last == nil { recommendations.append(Entry(replicas: current, time: time)) }
        last = Entry(replicas: current, time: time)
        additions.removeAll { $0.time <= time - settings.period }
        removals.removeAll { $0.time <= time - settings.period }
        let window = max(settings.scaleDownStabilization, settings.scaleUpStabilization)
        recommendations.removeAll { $0.time <= time - window }
    }

    private mutating func stabilize(
        _ desired: Int, _ current: Int, at time: Double, _ settings: HorizontalPodAutoscalerSettings
    ) -> Int {
        var atLeast = desired
        var atMost = desired
        for entry in recommendations {
            if entry.time > time - settings.scaleUpStabilization { atLeast = min(atLeast, entry.replicas) }
            if entry.time > time - settings.scaleDownStabilization { atMost = max(atMost, entry.replicas) }
        }
        recommendations.append(Entry(replicas: desired, time: time))
        return min(max(current, atLeast), atMost)
    }

    private func limit(
        _ desired: Int, _ current: Int, _ limits: ClosedRange<Int>, at time: Double,
        _ settings: HorizontalPodAutoscalerSettings
    ) -> Int {
        let added = additions.reduce(0) { $0 + $1.replicas }
        let removed = removals.reduce(0) { $0 + $1.replicas }
        let start = current - added + removed
        if desired > current {
            let percent = Int((Double(start) * (1 + Double(settings.scaleUpPercent) / 100)).rounded(.up))
            let rate = max(current, start + settings.scaleUpPods, percent)
            return min(desired, limits.upperBound, rate)
        }
        if desired < current {
            let rate = Int(Double(start) * (1 - Double(settings.scaleDownPercent) / 100))
            return max(desired, limits.lowerBound, min(current, rate))
        }
        return desired
    }
}
