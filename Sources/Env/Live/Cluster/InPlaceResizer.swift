import Kubernetes
import Synchronization
import Watching

/// Changes the CPU that the replicas of an episode's services request while they run (`pods/resize`), and keeps it so.
///
/// The Deployments' templates stay as they are, since every change of a template is a rollout. Replicas that are made
/// afterwards request what the template says, and are resized as soon as they are seen. A replica whose kubelet has no room
/// keeps what it holds until its service is resized again.
final class InPlaceResizer: Sendable {
    /// What came of one replica beside its service's resizing.
    struct Step: Sendable {
        /// Namespace and name.
        var pod: String
        /// The particulars, such as "from 0.15 to 0.25 cores".
        var detail: String
        var outcome: AuditLog.Entry.Outcome
        /// Why it is not resized.
        var reason: String?
    }

    /// What came of resizing a service.
    struct Result: Sendable {
        /// Why nothing was changed: no replica at all can be resized.
        var refusal: String?
        /// Why it is not known what was changed: the API server does not answer.
        var error: (any Error)?
        /// Single replicas that are not resized.
        var steps: [Step] = []
    }

    /// What is known of replicas, by their uids.
    private struct Contents {
        /// What the changed container of a service's replicas is to request, by the service's index; absent: what the
        /// template says.
        var targets: [Int: ResourceQuantity] = [:]
        /// What the API server has taken last: the watch may not show it yet.
        var asked: [String: ResourceQuantity] = [:]
        /// Replicas that keep what they hold, and why.
        var kept: [String: String] = [:]
        /// Nothing is asked before, since the API server did not answer.
        var pausedUntil = ContinuousClock.now
    }

    private let client: APIClient
    private let workload: LiveWorkload
    private let watch: ClusterWatch
    private let contents = Mutex(Contents())

    /// Nothing has been resized yet.
    init(client: APIClient, workload: LiveWorkload, watch: ClusterWatch) {
        (self.client, self.workload, self.watch) = (client, workload, watch)
    }

    /// Has every replica of a service request another amount, and waits until the kubelets have said what comes of it, 10 s
    /// at most. What they cannot do is taken back.
    /// - Parameters:
    ///   - service: its index.
    ///   - old: what a replica requests before, in cores, all containers together.
    ///   - new: what it is to request.
    /// - Throws: `CancellationError`.
    func resize(_ service: Int, from old: Double, to new: Double) async throws -> Result {
        let pods = replicas(of: service)
        contents.withLock { contents in
            for pod in pods { contents.kept[pod.metadata.uid] = nil }
        }
        set(service, new)
        var (result, done) = (Result(), [Step]())
        let deadline = ContinuousClock.now + .seconds(10)
        repeat {
            do {
                try await pass(service, &done)
            } catch let error as APIError {
                // What was changed by then is changed back by `keepUp`.
                set(service, old)
                result.error = error
                break
            }
            if replicas(of: service).allSatisfy({ isSettled($0, service) }) { break }
            try await Task.sleep(for: .milliseconds(20))
        } while ContinuousClock.now < deadline
        result.steps = done.filter { $0.reason != nil }
        guard result.error == nil else { return result }
        let reasons = replicas(of: service).map { pod in contents.withLock { $0.kept[pod.metadata.uid] } }
        if let reason = reasons.first, let reason, !reasons.contains(nil) {
            set(service, old)
            result.refusal = "no replica can be resized: \(reason)"
        }
        return result
    }

    /// Has the API server check whether every replica of a service may request `cores`.
    /// - Throws: `APIError` where one may not.
    func check(_ service: Int, _ cores: Double) async throws {
        for pod in replicas(of: service) { try await send(pod, service, amount(cores, service), dryRun: true) }
    }

    /// Has replicas that do not request what their service does request it, takes back what kubelets cannot do, and waits
    /// until the watch shows it, 5 s at most. While the API server does not answer it does nothing.
    /// - Throws: `CancellationError`.
    func keepUp() async throws -> [Step] {
        let (services, isPaused) = contents.withLock { contents in
            (contents.targets.keys.sorted(), ContinuousClock.now < contents.pausedUntil)
        }
        guard !services.isEmpty, !isPaused else { return [] }
        let known = watch.view
        guard known.silence < 5, known.unwatched.isEmpty else { return [] }
        var steps: [Step] = []
        do {
            for service in services { try await pass(service, &steps) }
        } catch is APIError {
            contents.withLock { $0.pausedUntil = ContinuousClock.now + .seconds(1) }
        }
        guard !steps.isEmpty else { return [] }
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline, !services.allSatisfy(isShown) {
            try await Task.sleep(for: .milliseconds(20))
        }
        return steps
    }

    // MARK: Replicas

    /// Asks for what the replicas of a service lack, and takes back what their kubelets cannot do.
    /// - Throws: `APIError` where the API server does not answer or is overloaded.
    private func pass(_ service: Int, _ steps: inout [Step]) async throws {
        guard let target = contents.withLock({ $0.targets[service] }) else { return }
        for pod in replicas(of: service) {
            let uid = pod.metadata.uid
            let (isKept, asked) = contents.withLock { ($0.kept[uid] != nil, $0.asked[uid]) }
            guard !isKept, let container = container(pod, service) else { continue }
            if container.requestedCPU != target {
                guard asked != target else { continue }
                var step = Step(
                    pod: pod.key, detail: "from \(container.requestedCPU?.value ?? 0) to \(target.value) cores",
                    outcome: .done)
                if let problem = try await ask(pod, service, target) {
                    (step.outcome, step.reason) = (.refused, problem)
                    contents.withLock { $0.kept[uid] = problem }
                }
                steps.append(step)
            } else if let obstacle = pod.resizeObstacle, let held = container.heldCPU, held != target {
                let reason = "the kubelet cannot do it: \(obstacle)"
                var step = Step(
                    pod: pod.key, detail: "from \(held.value) to \(target.value) cores, taken back", outcome: .refused,
                    reason: reason)
                if let problem = try await ask(pod, service, held) {
                    step.outcome = .failed
                    step.reason = "\(reason); it cannot be taken back: \(problem)"
                }
                contents.withLock { $0.kept[uid] = reason }
                steps.append(step)
            }
        }
    }

    /// Asks for another amount.
    /// - Returns: why the API server refuses it; `nil` also for a replica that is gone, or that was changed meanwhile.
    /// - Throws: `APIError` where it does not answer, is overloaded, or does not know who asks.
    private func ask(_ pod: Kubernetes.Pod, _ service: Int, _ amount: ResourceQuantity) async throws -> String? {
        // Without an answer it is not known what the API server has taken: the watch tells, and it is asked again.
        contents.withLock { $0.asked[pod.metadata.uid] = nil }
        do {
            try await send(pod, service, amount)
        } catch let error as APIError where error.code == 404 {
            // It is gone, which the watch will show.
        } catch let error as APIError where error.kind == .refused && !error.mayPass && error.code != 401 {
            // Two writers may have met: the same pod is asked again then.
            if error.code == 409 { return nil }
            contents.withLock { $0.asked[pod.metadata.uid] = container(pod, service)?.requestedCPU }
            return "\(error)"
        }
        contents.withLock { $0.asked[pod.metadata.uid] = amount }
        return nil
    }

    private func send(
        _ pod: Kubernetes.Pod, _ service: Int, _ amount: ResourceQuantity, dryRun: Bool = false
    ) async throws {
        try await client.resize(
            pod: pod.metadata.name, namespace: workload.namespace, uid: pod.metadata.uid,
            container: workload.services[service].container, requests: ["cpu": amount], dryRun: dryRun)
        watch.noteAnswer()
    }

    private func replicas(of service: Int) -> [Kubernetes.Pod] {
        watch.pods.objects.values.filter { pod in
            pod.metadata.namespace == workload.namespace && pod.metadata.deletionTimestamp == nil
                && !pod.isTerminated && ServiceKey(pod)?.name == workload.services[service].deployment
        }.sorted { $0.key < $1.key }
    }

    private func container(_ pod: Kubernetes.Pod, _ service: Int) -> Kubernetes.Pod.Container? {
        pod.containers.first { $0.name == workload.services[service].container }
    }

    /// What the changed container is to request where a replica requests `cores`.
    private func amount(_ cores: Double, _ service: Int) -> ResourceQuantity {
        let thousandths = ((cores - workload.services[service].otherCPU) * 1000).rounded()
        return ResourceQuantity(nanounits: Int128(max(1, thousandths)) * 1_000_000)
    }

    private func set(_ service: Int, _ cores: Double) {
        contents.withLock { $0.targets[service] = amount(cores, service) }
        watch.setCPURequest(cores, ofService: service)
    }

    /// Whether the watch shows that `pod` asks for what it is to request.
    private func isShown(_ pod: Kubernetes.Pod, _ service: Int) -> Bool {
        let uid = pod.metadata.uid
        let target = contents.withLock { $0.kept[uid] == nil ? $0.targets[service] : $0.asked[uid] }
        guard let container = container(pod, service) else { return true }
        return container.requestedCPU == target
    }

    private func isShown(_ service: Int) -> Bool { replicas(of: service).allSatisfy { isShown($0, service) } }

    /// Whether it is known what comes of a replica's resizing: also where it does not run yet.
    private func isSettled(_ pod: Kubernetes.Pod, _ service: Int) -> Bool {
        guard isShown(pod, service) else { return false }
        guard let container = container(pod, service), let held = container.heldCPU else { return true }
        return held == container.requestedCPU || contents.withLock { $0.kept[pod.metadata.uid] != nil }
    }
}
