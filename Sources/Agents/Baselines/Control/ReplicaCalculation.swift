/// How many replicas bring CPU utilisation to the target: `GetResourceReplicas` of Kubernetes 1.36
/// (`pkg/controller/podautoscaler/replica_calculator.go`), with its integer percents.
///
/// desired = ⌈ready replicas · utilisation / target⌉, where utilisation is usage / requests over the replicas that
/// have both. Within the tolerance nothing changes. Where replicas are missing metrics, the utilisation is computed
/// again with them at the larger of 100 % and the target before a scale-down and at 0 before a scale-up; replicas that
/// are not ready count as 0 before a scale-up and not at all otherwise. Nothing changes when that turns the direction.
public struct ReplicaCalculation: Sendable {
    /// A replica's usage and request, both in millicores.
    public struct Sample: Sendable, Hashable {
        /// CPU in use.
        public var usage: Int
        /// CPU requested, above 0.
        public var request: Int

        /// A sample of `usage` against `request`.
        public init(usage: Int, request: Int) {
            self.usage = usage
            self.request = request
        }
    }

    /// Replicas desired now.
    public var current: Int
    /// The replicas that are ready and measured.
    public var measured: [Sample]
    /// Requests, in millicores, of the replicas that run but were not measured.
    public var missing: [Int]
    /// Requests, in millicores, of the replicas that are not ready yet.
    public var unready: [Int]
    /// The target utilisation in percent, above 0.
    public var targetPercent: Int
    /// Deviation of the ratio from 1 within which nothing changes.
    public var tolerance: Double

    /// A calculation from these replicas.
    public init(
        current: Int, measured: [Sample], missing: [Int] = [], unready: [Int] = [], targetPercent: Int,
        tolerance: Double = 0.1
    ) {
        self.current = current
        self.measured = measured
        self.missing = missing
        self.unready = unready
        self.targetPercent = targetPercent
        self.tolerance = tolerance
    }

    /// The replicas to aim at, before stabilisation and limits; `nil` when nothing was measured, so that nothing can
    /// be said.
    public var desired: Int? {
        guard let ratio = ratio(measured) else { return nil }
        let countsUnready = !unready.isEmpty && ratio > 1
        if !countsUnready && missing.isEmpty {
            return isWithinTolerance(ratio) ? current : Int((ratio * Double(measured.count)).rounded(.up))
        }
        var samples = measured
        if ratio < 1 {
            samples += missing.map { Sample(usage: $0 * max(100, targetPercent) / 100, request: $0) }
        } else if ratio > 1 {
            samples += missing.map { Sample(usage: 0, request: $0) }
        }
        if countsUnready { samples += unready.map { Sample(usage: 0, request: $0) } }
        guard let corrected = self.ratio(samples) else { return nil }
        if isWithinTolerance(corrected) || (ratio < 1 && corrected > 1) || (ratio > 1 && corrected < 1) {
            return current
        }
        let desired = Int((corrected * Double(samples.count)).rounded(.up))
        if (corrected < 1 && desired > current) || (corrected > 1 && desired < current) { return current }
        return desired
    }

    private func ratio(_ samples: [Sample]) -> Double? {
        let requested = samples.reduce(0) { $0 + $1.request }
        guard requested > 0 else { return nil }
        let percent = samples.reduce(0) { $0 + $1.usage } * 100 / requested
        return Double(percent) / Double(targetPercent)
    }

    private func isWithinTolerance(_ ratio: Double) -> Bool {
        (1 - tolerance...1 + tolerance).contains(ratio)
    }
}
