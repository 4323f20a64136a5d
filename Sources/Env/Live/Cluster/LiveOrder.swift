import Cluster
import Kubernetes

/// An action in the terms of the API server: what is asked for, and how the log names it.
struct LiveOrder: Sendable {
    /// Word for the kind of action.
    let name: String
    /// What it is done to.
    let object: String
    /// The particulars.
    let detail: String
    /// Of a resizing in place: the service's index, and what a replica requests before and after, in cores.
    private(set) var inPlace: (service: Int, from: Double, to: Double)?
    private let request: Request

    private enum Request: Sendable {
        case bind(pod: String, node: String)
        case scale(deployment: String, to: Int)
        case resize(deployment: String, container: String, to: Double)
        case evict(pod: String)
        case nothing(String)
    }

    init(_ action: ClusterAction, in snapshot: ClusterSnapshot, _ workload: LiveWorkload) {
        func pod(_ id: Int) -> Cluster.Pod? { snapshot.podIndex(id).map { snapshot.pods[$0] } }
        switch action {
        case .advance: preconditionFailure("advance is a call of its own")
        case .place(let id, let node):
            name = "place"
            guard let pod = pod(id), snapshot.nodes.indices.contains(node) else {
                (object, detail, request) = ("pod \(id)", "", .nothing("there is no pod \(id) or no node \(node)"))
                return
            }
            object = "pod \(pod.name)"
            detail = "to \(snapshot.nodes[node].name)"
            request = .bind(pod: pod.name, node: snapshot.nodes[node].name)
        case .scale(let index, let change):
            name = "scale"
            let service = snapshot.services[index]
            object = "deployment \(service.name)"
            detail = "from \(service.replicas) to \(service.replicas + change) replicas"
            request = .scale(deployment: service.name, to: service.replicas + change)
        case .resize(let index, let factor):
            name = "resize"
            let service = snapshot.services[index]
            let model = workload.services[index]
            let cpu = (service.requests.cpu * factor * 1000).rounded() / 1000
            object = "deployment \(service.name)"
            let isInPlace = service.resizing == .inPlace
            detail = "from \(service.requests.cpu) to \(cpu) cores\(isInPlace ? ", in place" : "")"
            if isInPlace { inPlace = (index, service.requests.cpu, cpu) }
            // One container is changed; the others keep what they request.
            request = .resize(
                deployment: service.name, container: model.container, to: max(0.001, cpu - model.otherCPU))
        case .evict(let id):
            name = "evict"
            guard let pod = pod(id) else {
                (object, detail, request) = ("pod \(id)", "", .nothing("there is no pod \(id)"))
                return
            }
            object = "pod \(pod.name)"
            detail = pod.node.map { "from \(snapshot.nodes[$0].name)" } ?? ""
            request = .evict(pod: pod.name)
        }
    }

    /// Asks the API server.
    /// - Returns: `nil` when it was carried out, otherwise why not.
    func carryOut(
        _ client: APIClient, _ namespace: String, _ pods: ObjectStore<Kubernetes.Pod>, dryRun: Bool
    ) async throws -> String? {
        switch request {
        case .nothing(let reason): return reason
        case .bind(let key, let node):
            guard let pod = pods[key] else { return "pod \(key) is gone" }
            let outcome = try await client.bind(
                pod: pod.metadata.name, namespace: namespace, uid: pod.metadata.uid, node: node, dryRun: dryRun)
            switch outcome {
            case .bound, .alreadyBound: return nil
            case .boundElsewhere(let other): return "pod \(key) is bound to \(other) already"
            case .gone: return "pod \(key) is gone"
            }
        case .scale(let deployment, let replicas):
            _ = try await client.setScale(
                deployment: deployment, namespace: namespace, replicas: replicas, dryRun: dryRun)
            return nil
        case .resize(let deployment, let container, let cpu):
            let amount = ["cpu": try ResourceQuantity(parsing: "\(Int((cpu * 1000).rounded()))m")]
            try await client.patchRequests(
                deployment: deployment, namespace: namespace, container: container, requests: amount, dryRun: dryRun)
            return nil
        case .evict(let key):
            guard let pod = pods[key] else { return "pod \(key) is gone" }
            let outcome = try await client.evict(
                pod: pod.metadata.name, namespace: namespace, uid: pod.metadata.uid, dryRun: dryRun)
            switch outcome {
            case .evicted: return nil
            case .blocked(let message, _): return "a disruption budget forbids it now: \(message)"
            case .tooManyBudgets(let message): return "more than one disruption budget covers the pod: \(message)"
            case .gone, .replaced: return "pod \(key) is gone"
            }
        }
    }

    /// Whether `after` shows what `action` does to `before`.
    static func shows(_ action: ClusterAction, before: ClusterSnapshot, after: ClusterSnapshot) -> Bool {
        func live(_ service: Int) -> Int {
            after.pods.count { $0.service == service && $0.phase != .terminating }
        }
        switch action {
        case .advance: return true
        case .place(let id, let node):
            guard let index = after.podIndex(id) else { return true }
            return after.pods[index].node == node
        case .scale(let service, let change):
            let wanted = before.services[service].replicas + change
            return after.services[service].replicas == wanted && live(service) == wanted
        case .resize(let service, _):
            // A rollout begins with a pod of the new template.
            let request = after.services[service].requests.cpu
            return request != before.services[service].requests.cpu
                && after.pods.contains { $0.service == service && abs($0.requests.cpu - request) < 1e-9 }
        case .evict(let id):
            guard let index = before.podIndex(id), let service = before.pods[index].service else { return true }
            let isEnding = after.podIndex(id).map { after.pods[$0].phase == .terminating } ?? true
            return isEnding && live(service) >= after.services[service].replicas
        }
    }
}
