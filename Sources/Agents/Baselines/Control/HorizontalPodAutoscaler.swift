public import Cluster
import Windows

/// Kubernetes' horizontal pod autoscaler on CPU utilisation, as a policy for control decisions.
///
/// Each service is reviewed once at every moment of the snapshot's clock: `ReplicaCalculation` says how many replicas
/// to aim at, then stabilisation windows, rate limits and the service's own limits apply. Of the candidates the one
/// scaling nearest to that number in its direction is chosen, service after service, then `advance`.
///
/// Readiness: a pod that is pending or starting is not ready; one that was never unready before the first review has
/// been ready for long. Snapshots do not know pods that were ready and are not any more, so the HPA's delay of initial
/// readiness, which only tells those apart, has nothing to act on.
public struct HorizontalPodAutoscaler: Policy, Sendable, Equatable, Codable {
    /// Its settings.
    public let settings: HorizontalPodAutoscalerSettings
    private var histories: [ScalingHistory] = []
    private var reviewed: Double?
    private var readySince: [Int: Double] = [:]

    /// An autoscaler that remembers nothing yet.
    public init(_ settings: HorizontalPodAutoscalerSettings = HorizontalPodAutoscalerSettings()) {
        self.settings = settings
    }

    public mutating func reset() {
        histories = []
        reviewed = nil
        readySince = [:]
    }

    /// 1 for its choice, 0 for all else.
    /// - Throws: `PolicyError` when the decision is not about control, or no candidate is left to choose.
    public mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        guard decision.kind == .control else {
            throw PolicyError("the HPA decides only control: put a placement policy beside (CompositePolicy)")
        }
        review(snapshot)
        guard let choice = choice(decision, snapshot) else {
            throw PolicyError("no way to let time pass among the candidates \(decision.candidates)")
        }
        return decision.candidates.indices.map { $0 == choice ? 1 : 0 }
    }

    /// The replicas that each service should have by the latest review; `nil` where nothing could be said.
    public var targets: [Int?] { histories.map(\.target) }

    private func choice(_ decision: Decision, _ snapshot: ClusterSnapshot) -> Int? {
        for (service, history) in histories.enumerated() {
            guard let target = history.target else { continue }
            let wanted = target - snapshot.services[service].replicas
            var best: (index: Int, change: Int)?
            for (index, candidate) in decision.candidates.enumerated() {
                guard case .scale(service, let change) = candidate, change.signum() == wanted.signum() else { continue }
                let distance = abs(change - wanted)
                let bestDistance = best.map { abs($0.change - wanted) } ?? Int.max
                if distance < bestDistance || (distance == bestDistance && abs(change) < abs(best?.change ?? 0)) {
                    best = (index, change)
                }
            }
            if let best { return best.index }
        }
        return decision.candidates.firstIndex(of: .advance)
    }

    private mutating func review(_ snapshot: ClusterSnapshot) {
        if reviewed == snapshot.time, histories.count == snapshot.services.count { return }
        noteReadiness(snapshot)
        if histories.count != snapshot.services.count {
            histories = Array(repeating: ScalingHistory(), count: snapshot.services.count)
        }
        for (index, service) in snapshot.services.enumerated() {
            let most = max(service.minimumReplicas, service.maximumReplicas)
            histories[index].review(
                current: service.replicas, desired: calculation(for: index, snapshot)?.desired,
                limits: service.minimumReplicas...most, at: snapshot.time, settings)
        }
        reviewed = snapshot.time
    }

    private mutating func noteReadiness(_ snapshot: ClusterSnapshot) {
        let unknown = reviewed == nil ? snapshot.time - settings.initializationPeriod : snapshot.time
        var since: [Int: Double] = [:]
        for pod in snapshot.pods where pod.phase == .ready && pod.service != nil {
            since[pod.id] = readySince[pod.id] ?? unknown
        }
        readySince = since
    }

    /// Groups the service's replicas as `groupPods` does; `nil` when one of them requests no CPU, of which the HPA can
    /// compute no utilisation.
    private func calculation(for index: Int, _ snapshot: ClusterSnapshot) -> ReplicaCalculation? {
        var calculation = ReplicaCalculation(
            current: snapshot.services[index].replicas, measured: [], targetPercent: settings.targetPercent,
            tolerance: settings.tolerance)
        for pod in snapshot.pods where pod.service == index && pod.phase != .terminating {
            let request = ScheduledResources(pod.requests).cpu
            guard request > 0 else { return nil }
            guard pod.phase == .ready else {
                calculation.unready.append(request)
                continue
            }
            guard let usage = pod.cpuUsage, usage.value.isFinite else {
                calculation.missing.append(request)
                continue
            }
            if counts(usage, of: pod, snapshot) {
                calculation.measured.append(.init(usage: Self.millicores(usage.value), request: request))
            } else {
                calculation.unready.append(request)
            }
        }
        return calculation
    }

    /// False while a young pod's sample covers time in which it was not ready.
    private func counts(_ usage: Measured, of pod: Pod, _ snapshot: ClusterSnapshot) -> Bool {
        guard pod.created + settings.initializationPeriod > snapshot.time, let ready = readySince[pod.id] else {
            return true
        }
        return usage.time >= ready + usage.seconds
    }

    private static func millicores(_ cores: Double) -> Int {
        Int(max(0, min(9e12, cores * 1000 - 1e-6)).rounded(.up))
    }
}
