import HTTP
import JSON

extension APIClient {
    /// Keeps new pods off a node.
    /// - Parameters:
    ///   - node: its name.
    ///   - dryRun: the server checks everything and changes nothing.
    /// - Returns: false where it was cordoned before.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func cordon(node: String, dryRun: Bool = false) async throws -> Bool {
        try await setSchedulable(false, node, dryRun)
    }

    /// Lets new pods onto a node again.
    /// - Parameters: as of `cordon(node:dryRun:)`.
    /// - Returns: false where it was not cordoned.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func uncordon(node: String, dryRun: Bool = false) async throws -> Bool {
        try await setSchedulable(true, node, dryRun)
    }

    /// Adds a taint to a node, or changes the value of one with its key and effect. All other taints stay.
    /// - Parameters:
    ///   - taint: the taint; not one of Kubernetes' own (`node.kubernetes.io/...`).
    ///   - node: the node's name.
    ///   - dryRun: the server checks everything and changes nothing.
    /// - Returns: false where the node had it before.
    /// - Throws: `APIError`, of kind `guarded` for a taint of Kubernetes' own; `CancellationError`.
    @discardableResult
    public func addTaint(_ taint: Taint, node: String, dryRun: Bool = false) async throws -> Bool {
        try checkTaintKey(taint.key, node)
        return try await changeNode(node, dryRun) { current in
            var taints = current["spec"]?["taints"]?.array ?? []
            let position = taints.firstIndex {
                $0["key"]?.string == taint.key && $0["effect"]?.string == taint.effect
            }
            if let position {
                guard (taints[position]["value"]?.string ?? "") != taint.value else { return nil }
                taints[position]["value"] = .string(taint.value)
            } else {
                var added: JSONValue = ["key": .string(taint.key), "effect": .string(taint.effect)]
                if !taint.value.isEmpty { added["value"] = .string(taint.value) }
                taints.append(added)
            }
            return ["taints": .array(taints)]
        }
    }

    /// Removes the taints of a key from a node. All other taints stay.
    /// - Parameters:
    ///   - key: the taints' key; not one of Kubernetes' own (`node.kubernetes.io/...`).
    ///   - effect: only the taint of this effect; all of the key where `nil`.
    ///   - node: the node's name.
    ///   - dryRun: the server checks everything and changes nothing.
    /// - Returns: false where the node had none.
    /// - Throws: `APIError`, of kind `guarded` for a taint of Kubernetes' own; `CancellationError`.
    @discardableResult
    public func removeTaint(
        key: String, effect: String? = nil, node: String, dryRun: Bool = false
    ) async throws -> Bool {
        try checkTaintKey(key, node)
        return try await changeNode(node, dryRun) { current in
            let taints = current["spec"]?["taints"]?.array ?? []
            let kept = taints.filter {
                $0["key"]?.string != key || (effect != nil && $0["effect"]?.string != effect)
            }
            return kept.count == taints.count ? nil : ["taints": .array(kept)]
        }
    }

    private func setSchedulable(_ isSchedulable: Bool, _ node: String, _ dryRun: Bool) async throws -> Bool {
        try await changeNode(node, dryRun) { current in
            let isCordoned = current["spec"]?["unschedulable"]?.bool ?? false
            return isCordoned == !isSchedulable ? nil : ["unschedulable": isSchedulable ? .null : true]
        }
    }

    /// The node controller sets and removes these by what it sees of a node; anything else that does so fights it.
    private func checkTaintKey(_ key: String, _ node: String) throws {
        guard !key.hasPrefix("node.kubernetes.io/") else {
            throw APIError(
                kind: .guarded, request: "PATCH \(access.server)\(Self.nodePath(node))",
                message: "the taint \(key) belongs to Kubernetes: choose a key of another domain")
        }
    }

    /// Reads a node, and writes the members of `spec` that `change` returns on the condition that nobody changed the
    /// node in between, else starts over. The object is read whole, so that members unknown here, such as when a taint
    /// was added, are kept.
    /// - Returns: false where `change` returned `nil`: there was nothing to do.
    private func changeNode(
        _ node: String, _ dryRun: Bool, _ change: (JSONValue) -> JSONValue?
    ) async throws -> Bool {
        let path = Self.nodePath(node)
        return try await retryingConflicts {
            let response = try await request(.get, path)
            guard let current = try? JSONValue(parsing: response.body),
                let version = current["metadata"]?["resourceVersion"]?.string
            else {
                throw APIError(
                    kind: .malformed, request: "GET \(access.server)\(path)", message: "the node cannot be read")
            }
            guard let specification = change(current) else { return false }
            let patch: JSONValue = ["metadata": ["resourceVersion": .string(version)], "spec": specification]
            _ = try await request(
                .patch, path, query: Self.writeQuery(dryRun: dryRun), body: patch.bytes,
                contentType: "application/merge-patch+json")
            return true
        }
    }

    private static func nodePath(_ node: String) -> String { "/api/v1/nodes/\(percentEncoded(node))" }
}
