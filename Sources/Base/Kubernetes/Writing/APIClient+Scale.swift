import HTTP
import JSON

/// How many replicas a Deployment should have, and has.
public struct Scale: Sendable, Hashable {
    /// The Deployment's name.
    public var name = ""
    /// Where it is.
    public var namespace = ""
    /// The Deployment's uid.
    public var uid = ""
    /// The version of the Deployment that this was read from.
    public var resourceVersion = ""
    /// Replicas asked for.
    public var desiredReplicas = 0
    /// Replicas that exist, ready or not.
    public var replicas = 0
    /// The label selector of its pods, as queries write it.
    public var selector = ""

    /// Reads a `Scale` of autoscaling/v1. The API leaves out a `spec.replicas` of zero, so absent means zero here.
    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "metadata":
                let metadata = try ObjectMetadata(reading: reader)
                name = metadata.name
                namespace = metadata.namespace ?? ""
                uid = metadata.uid
                resourceVersion = metadata.resourceVersion
            case "spec":
                try reader.readObjectIfPresent { reader, key in
                    if key == "replicas" { desiredReplicas = Int(try reader.readInteger()) }
                }
            case "status":
                try reader.readObjectIfPresent { reader, key in
                    switch key {
                    case "replicas": replicas = Int(try reader.readInteger())
                    case "selector": selector = try reader.readStringIfPresent() ?? ""
                    default: break
                    }
                }
            default: break
            }
        }
        guard !name.isEmpty, !resourceVersion.isEmpty else {
            throw ObjectError(object: "Scale", message: "metadata.name or metadata.resourceVersion is missing")
        }
    }
}

extension APIClient {
    /// Reads the scale of a Deployment.
    /// - Parameters:
    ///   - deployment: its name.
    ///   - namespace: where it is.
    /// - Throws: `APIError`; `CancellationError`.
    public func scale(deployment: String, namespace: String) async throws -> Scale {
        let path = Self.scalePath(deployment, namespace)
        return try parseScale(try await request(.get, path), "GET \(access.server)\(path)")
    }

    /// Sets how many replicas a Deployment should have.
    ///
    /// Refused where a HorizontalPodAutoscaler or a KEDA ScaledObject owns the Deployment: the two would undo each
    /// other's work.
    /// - Parameters:
    ///   - deployment: its name.
    ///   - namespace: where it is.
    ///   - replicas: how many; at least 0.
    ///   - resourceVersion: the version that the decision rests on: should the Deployment have changed since, the
    ///     server refuses with code 409. Where `nil`, changes by others are read again and written over.
    ///   - dryRun: the server checks everything and changes nothing.
    /// - Returns: the scale as the server took it.
    /// - Throws: `APIError`, of kind `guarded` where an autoscaler owns the Deployment; `CancellationError`.
    @discardableResult
    public func setScale(
        deployment: String, namespace: String, replicas: Int, resourceVersion: String? = nil, dryRun: Bool = false
    ) async throws -> Scale {
        precondition(replicas >= 0, "a negative number of replicas")
        let path = Self.scalePath(deployment, namespace)
        if let owner = try await autoscaler(ofDeployment: deployment, namespace: namespace) {
            throw APIError(
                kind: .guarded, request: "PUT \(access.server)\(path)",
                message: "\(owner) scales this Deployment: delete it, or leave the scaling to it")
        }
        func write(_ version: String) async throws -> Scale {
            let body: JSONValue = [
                "apiVersion": "autoscaling/v1", "kind": "Scale",
                "metadata": [
                    "name": .string(deployment), "namespace": .string(namespace), "resourceVersion": .string(version),
                ],
                "spec": ["replicas": .integer(Int64(replicas))],
            ]
            let response = try await request(
                .put, path, query: Self.writeQuery(dryRun: dryRun), body: body.bytes)
            return try parseScale(response, "PUT \(access.server)\(path)")
        }
        if let resourceVersion { return try await write(resourceVersion) }
        return try await retryingConflicts {
            let current = try await scale(deployment: deployment, namespace: namespace)
            return current.desiredReplicas == replicas ? current : try await write(current.resourceVersion)
        }
    }

    /// The autoscaler that owns a Deployment's replicas, such as "HorizontalPodAutoscaler web"; `nil` where none does.
    /// - Parameters:
    ///   - deployment: its name.
    ///   - namespace: where it is.
    /// - Throws: `APIError` where the server does not let it be found out; `CancellationError`.
    public func autoscaler(ofDeployment deployment: String, namespace: String) async throws -> String? {
        let kinds = [
            ("HorizontalPodAutoscaler", "autoscaling/v1", "horizontalpodautoscalers"),
            ("ScaledObject", "keda.sh/v1alpha1", "scaledobjects"),
        ]
        for (kind, version, plural) in kinds {
            let path = "/apis/\(version)/namespaces/\(percentEncoded(namespace))/\(plural)"
            let found: ObjectList<ScalingTarget>
            do {
                found = try await list(ScalingTarget.self, path: path)
            } catch let error as APIError where error.code == 404 {
                // The server does not know the kind, so there is none of it.
                continue
            }
            if let owner = found.items.first(where: { $0.kind == "Deployment" && $0.target == deployment }) {
                return "\(kind) \(owner.metadata.name)"
            }
        }
        return nil
    }

    private static func scalePath(_ deployment: String, _ namespace: String) -> String {
        "/apis/apps/v1/namespaces/\(percentEncoded(namespace))/deployments/\(percentEncoded(deployment))/scale"
    }

    private func parseScale(_ response: HTTPResponse, _ request: String) throws -> Scale {
        do {
            return try JSONReader.reading(response.body) { try Scale(reading: $0) }
        } catch {
            throw APIError(kind: .malformed, request: request, message: "the scale cannot be read: \(error)")
        }
    }
}

/// What an autoscaler scales: `spec.scaleTargetRef`.
private struct ScalingTarget: APIObject {
    static let kind = "autoscaler"
    static let collectionPath = ""
    var metadata = ObjectMetadata()
    /// KEDA leaves the kind out for a Deployment.
    var kind = "Deployment"
    var target = ""

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "metadata": metadata = try ObjectMetadata(reading: reader)
            case "spec":
                try reader.readObjectIfPresent { reader, key in
                    guard key == "scaleTargetRef" else { return }
                    try reader.readObjectIfPresent { reader, key in
                        switch key {
                        case "kind": kind = try reader.readStringIfPresent() ?? "Deployment"
                        case "name": target = try reader.readString()
                        default: break
                        }
                    }
                }
            default: break
            }
        }
    }
}
