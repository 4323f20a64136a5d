import HTTP
import JSON

extension APIClient {
    /// Whether a pod's requests can be changed in place, without a restart (Kubernetes 1.33 and later). Earlier versions
    /// may have the subresource too, but their kubelets do not say in a pod's conditions what came of it.
    /// - Throws: `APIError`; `CancellationError`.
    public func offersPodResize() async throws -> Bool {
        guard try await resource(apiVersion: "v1", kind: "Pod").subresources["resize"] != nil else { return false }
        return try await serverVersion() >= ServerVersion(major: 1, minor: 33)
    }

    /// Changes what a container of a Deployment's pods requests. The Deployment then rolls out new pods.
    /// - Parameters:
    ///   - deployment: its name.
    ///   - namespace: where it is.
    ///   - container: the container's name.
    ///   - requests: amounts by resource; those not named stay.
    ///   - limits: amounts by resource; those not named stay.
    ///   - dryRun: the server checks everything and changes nothing.
    /// - Throws: `APIError`, with code 422 where a request exceeds its limit or there is no such container;
    ///   `CancellationError`.
    public func patchRequests(
        deployment: String, namespace: String, container: String, requests: [String: ResourceQuantity],
        limits: [String: ResourceQuantity] = [:], dryRun: Bool = false
    ) async throws {
        let specification = Self.containerPatch(container, requests, limits)
        let patch: JSONValue = ["spec": ["template": ["spec": specification]]]
        _ = try await request(
            .patch,
            "/apis/apps/v1/namespaces/\(percentEncoded(namespace))/deployments/\(percentEncoded(deployment))",
            query: Self.writeQuery(dryRun: dryRun), body: patch.bytes,
            contentType: "application/strategic-merge-patch+json")
    }

    /// Changes what a container of a running pod requests, in place. New pods of its Deployment get what the
    /// Deployment says.
    /// - Parameters:
    ///   - pod: its name.
    ///   - namespace: where it is.
    ///   - uid: which pod of that name: another is left alone, with code 409.
    ///   - container: the container's name.
    ///   - requests: amounts by resource; those not named stay.
    ///   - limits: amounts by resource; those not named stay.
    ///   - dryRun: the server checks everything and changes nothing.
    /// - Throws: `APIError`, of kind `unsupported` where the server cannot do that; `CancellationError`.
    public func resize(
        pod: String, namespace: String, uid: String, container: String, requests: [String: ResourceQuantity],
        limits: [String: ResourceQuantity] = [:], dryRun: Bool = false
    ) async throws {
        guard try await offersPodResize() else {
            throw APIError(
                kind: .unsupported, request: "PATCH \(access.server)\(Self.podPath(pod, namespace))/resize",
                message: "the server cannot resize pods in place (Kubernetes 1.33 and later can): change the "
                    + "Deployment's requests, which replaces its pods")
        }
        let patch: JSONValue = [
            "metadata": ["uid": .string(uid)], "spec": Self.containerPatch(container, requests, limits),
        ]
        _ = try await request(
            .patch, Self.podPath(pod, namespace) + "/resize", query: Self.writeQuery(dryRun: dryRun),
            body: patch.bytes, contentType: "application/strategic-merge-patch+json")
    }

    /// A strategic merge patch finds the container by its name.
    private static func containerPatch(
        _ container: String, _ requests: [String: ResourceQuantity], _ limits: [String: ResourceQuantity]
    ) -> JSONValue {
        var resources: JSONValue = [:]
        if !requests.isEmpty { resources["requests"] = JSONValue(requests.mapValues(\.text)) }
        if !limits.isEmpty { resources["limits"] = JSONValue(limits.mapValues(\.text)) }
        return ["containers": [["name": .string(container), "resources": resources]]]
    }
}
