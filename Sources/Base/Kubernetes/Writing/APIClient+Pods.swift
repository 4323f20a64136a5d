import HTTP
import JSON

/// What came of binding a pod to a node.
public enum BindingOutcome: Sendable, Hashable {
    /// The pod is bound to the node now.
    case bound
    /// It was bound to this node before: an earlier attempt got through without an answer.
    case alreadyBound
    /// Another node has it.
    case boundElsewhere(node: String)
    /// There is no such pod any more.
    case gone
}

/// What came of an eviction.
public enum EvictionOutcome: Sendable, Hashable {
    /// The pod ends now, within its grace period.
    case evicted
    /// A disruption budget does not allow it at the moment; to be tried later, after `retryAfter` seconds if the
    /// server named any.
    case blocked(message: String, retryAfter: Double?)
    /// More than one budget covers the pod, which the server cannot resolve: someone must mend the budgets.
    case tooManyBudgets(message: String)
    /// There is no such pod any more.
    case gone
    /// Another pod has the name by now, and was left alone.
    case replaced
}

extension APIClient {
    /// Binds a pod to a node, as a scheduler does. May be repeated safely.
    /// - Parameters:
    ///   - pod: the pod's name.
    ///   - namespace: where it is.
    ///   - uid: which pod of that name.
    ///   - node: the node's name.
    ///   - dryRun: the server checks everything and binds nothing.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func bind(
        pod: String, namespace: String, uid: String, node: String, dryRun: Bool = false
    ) async throws -> BindingOutcome {
        let body: JSONValue = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": ["name": .string(pod), "namespace": .string(namespace), "uid": .string(uid)],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        do {
            _ = try await request(
                .post, Self.podPath(pod, namespace) + "/binding", query: Self.writeQuery(dryRun: dryRun),
                body: body.bytes)
            return .bound
        } catch let error as APIError where error.code == 404 {
            return .gone
        } catch let error as APIError where error.code == 409 {
            // Bound already, or not the pod that was meant.
            guard let found = try await find(Pod.self, pod, namespace: namespace), found.metadata.uid == uid else {
                return .gone
            }
            guard let bound = found.nodeName else { throw error }
            return bound == node ? .alreadyBound : .boundElsewhere(node: bound)
        }
    }

    /// Evicts a pod if the disruption budgets allow it.
    /// - Parameters:
    ///   - pod: the pod's name.
    ///   - namespace: where it is.
    ///   - uid: which pod of that name.
    ///   - gracePeriod: seconds that its containers get to end; the pod's own where `nil`.
    ///   - dryRun: the server checks everything, budgets too, and evicts nothing.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func evict(
        pod: String, namespace: String, uid: String, gracePeriod: Int? = nil, dryRun: Bool = false
    ) async throws -> EvictionOutcome {
        // policy/v1 from 1.22 on, policy/v1beta1 before: the subresource itself says what it takes. The policy group
        // does not: in 1.21 it has v1, and evictions in v1 are refused.
        let pods = try await resource(apiVersion: "v1", kind: "Pod")
        guard let version = pods.subresources["eviction"] else {
            throw APIError(kind: .unsupported, request: access.server, message: "the server cannot evict pods")
        }
        let options = DeletionOptions(propagation: nil, gracePeriod: gracePeriod, uid: uid)
        let body: JSONValue = [
            "apiVersion": .string(version), "kind": "Eviction",
            "metadata": ["name": .string(pod), "namespace": .string(namespace)], "deleteOptions": options.value,
        ]
        do {
            _ = try await request(
                .post, Self.podPath(pod, namespace) + "/eviction",
                query: Self.writeQuery(dryRun: dryRun, isManaged: false), body: body.bytes)
            return .evicted
        } catch let error as APIError {
            guard let status = error.status else { throw error }
            switch status.code {
            case 404: return .gone
            case 409:
                let found = try await find(Pod.self, pod, namespace: namespace)
                if found?.metadata.uid == uid { throw error }
                return found == nil ? .gone : .replaced
            case 429 where status.causes.contains("DisruptionBudget"):
                return .blocked(message: status.message, retryAfter: error.retryAfter)
            case 500 where status.message.contains("more than one PodDisruptionBudget"):
                return .tooManyBudgets(message: status.message)
            default: throw error
            }
        }
    }

    /// The last lines that a pod's container wrote.
    /// - Parameters:
    ///   - pod: the pod's name.
    ///   - namespace: where it is.
    ///   - container: which one; may be `nil` for a pod of one container.
    ///   - tailLines: how many lines; all of them where `nil`.
    ///   - limitBytes: no more than this many bytes, from the start of those lines.
    ///   - previous: of the container before its last restart.
    /// - Throws: `APIError`; `CancellationError`.
    public func log(
        pod: String, namespace: String, container: String? = nil, tailLines: Int? = nil, limitBytes: Int = 1 << 20,
        previous: Bool = false
    ) async throws -> String {
        var query: [(name: String, value: String)] = [("limitBytes", "\(limitBytes)")]
        if let container { query.append(("container", container)) }
        if let tailLines { query.append(("tailLines", "\(tailLines)")) }
        if previous { query.append(("previous", "true")) }
        let response = try await request(.get, Self.podPath(pod, namespace) + "/log", query: query)
        return String(decoding: response.body, as: UTF8.self)
    }

    static func podPath(_ pod: String, _ namespace: String) -> String {
        "/api/v1/namespaces/\(percentEncoded(namespace))/pods/\(percentEncoded(pod))"
    }
}
