import HTTP
import JSON

/// What tells one object from all others, over all time.
public struct ObjectIdentity: Sendable, Hashable, CustomStringConvertible {
    /// Group and version, such as "apps/v1".
    public let apiVersion: String
    /// Such as "Deployment".
    public let kind: String
    /// Where it is; `nil` for cluster-wide kinds.
    public let namespace: String?
    /// Its name.
    public let name: String
    /// Unique over all time; empty where the server stored nothing (a dry run of old servers).
    public let uid: String

    /// "KIND NAMESPACE/NAME".
    public var description: String { "\(kind) " + (namespace.map { "\($0)/" } ?? "") + name }
}

/// What came of an object that was to be there.
public enum CreationOutcome: Sendable, Hashable {
    /// It was made.
    case created(ObjectIdentity)
    /// One of that name was there before, and was left or changed as the call says.
    case existed(ObjectIdentity)

    /// The object, old or new.
    public var identity: ObjectIdentity {
        switch self {
        case .created(let identity), .existed(let identity): identity
        }
    }
}

/// What came of a deletion.
public enum DeletionOutcome: Sendable, Hashable {
    /// The server deletes it; with a grace period or dependents it may still be there for a while.
    case deleted
    /// There was none of that name.
    case gone
    /// Another object has the name by now: it has another uid than the one meant, and was left alone.
    case replaced
}

/// How to delete.
public struct DeletionOptions: Sendable, Hashable {
    /// What becomes of an object's dependents, such as the pods of a Deployment.
    public enum Propagation: String, Sendable, Hashable {
        /// They go first.
        case foreground = "Foreground"
        /// They go later.
        case background = "Background"
        /// They stay.
        case orphan = "Orphan"
    }

    /// What becomes of dependents.
    public var propagation: Propagation?
    /// Seconds that containers get to end; the object's own where `nil`, at once where 0.
    public var gracePeriod: Int?
    /// Only the object of this uid is deleted, and none that took its name.
    public var uid: String?

    /// Options by name.
    public init(propagation: Propagation? = .background, gracePeriod: Int? = nil, uid: String? = nil) {
        self.propagation = propagation
        self.gracePeriod = gracePeriod
        self.uid = uid
    }

    /// The body of a deletion. With a body the server passes over the query, so a dry run must be asked for in here.
    func body(dryRun: Bool) -> [UInt8] {
        var value = value
        if dryRun { value["dryRun"] = ["All"] }
        return value.bytes
    }

    /// The options as the API writes them.
    var value: JSONValue {
        var value: JSONValue = [:]
        if let propagation { value["propagationPolicy"] = .string(propagation.rawValue) }
        if let gracePeriod { value["gracePeriodSeconds"] = .integer(Int64(gracePeriod)) }
        if let uid { value["preconditions"] = ["uid": .string(uid)] }
        return value
    }
}

extension APIClient {
    /// Who the server's records of changed fields (`managedFields`) say it was.
    static let fieldManager = "berth"
    /// How often a change is tried again when someone else changed the object in between.
    static let conflictAttempts = 5

    static func writeQuery(dryRun: Bool, isManaged: Bool = true) -> [(name: String, value: String)] {
        (isManaged ? [("fieldManager", fieldManager)] : []) + (dryRun ? [("dryRun", "All")] : [])
    }

    /// Creates an object.
    /// - Parameters:
    ///   - manifest: the object.
    ///   - namespace: where it goes if the manifest does not say; the access' namespace where `nil`.
    ///   - dryRun: the server checks everything and stores nothing.
    /// - Returns: what was made.
    /// - Throws: `APIError`, with code 409 where one of that name exists; `CancellationError`.
    @discardableResult
    public func create(
        _ manifest: Manifest, namespace: String? = nil, dryRun: Bool = false
    ) async throws -> ObjectIdentity {
        let (manifest, resource) = try await located(manifest, namespace)
        let response = try await request(
            .post, resource.path(namespace: manifest.namespace), query: Self.writeQuery(dryRun: dryRun),
            body: manifest.bytes)
        return try identity(of: response, resource, "POST")
    }

    /// Creates an object unless one of its name exists, which is then left as it is.
    /// - Parameters: as of `create(_:namespace:dryRun:)`.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func ensure(
        _ manifest: Manifest, namespace: String? = nil, dryRun: Bool = false
    ) async throws -> CreationOutcome {
        do {
            return .created(try await create(manifest, namespace: namespace, dryRun: dryRun))
        } catch let error as APIError where error.status?.reason == "AlreadyExists" {
            let (manifest, resource) = try await located(manifest, namespace)
            let path = resource.path(of: manifest.name, namespace: manifest.namespace)
            return .existed(try identity(of: try await request(.get, path), resource, "GET"))
        }
    }

    /// Creates an object or makes an existing one what the manifest says, by server-side apply (Kubernetes 1.18 and
    /// later): fields that the manifest does not name stay as they are, and fields that others manage are taken over.
    /// - Parameters: as of `create(_:namespace:dryRun:)`.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func apply(
        _ manifest: Manifest, namespace: String? = nil, dryRun: Bool = false
    ) async throws -> CreationOutcome {
        let (manifest, resource) = try await located(manifest, namespace)
        let response = try await request(
            .patch, resource.path(of: manifest.name, namespace: manifest.namespace),
            query: Self.writeQuery(dryRun: dryRun) + [("force", "true")], body: manifest.bytes,
            contentType: "application/apply-patch+yaml")
        let identity = try identity(of: response, resource, "PATCH")
        return response.status == 201 ? .created(identity) : .existed(identity)
    }

    /// Deletes an object.
    /// - Parameters:
    ///   - kind: such as "Deployment".
    ///   - apiVersion: its group and version, such as "apps/v1".
    ///   - name: its name.
    ///   - namespace: where it is; the access' namespace where `nil`; ignored for cluster-wide kinds.
    ///   - options: what happens to dependents, the grace period, and which uid it must have.
    ///   - dryRun: the server checks everything and deletes nothing.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func delete(
        _ kind: String, apiVersion: String, name: String, namespace: String? = nil,
        options: DeletionOptions = DeletionOptions(), dryRun: Bool = false
    ) async throws -> DeletionOutcome {
        let resource = try await resource(apiVersion: apiVersion, kind: kind)
        let path = resource.path(of: name, namespace: namespace ?? access.namespace)
        do {
            _ = try await request(.delete, path, body: options.body(dryRun: dryRun))
            return .deleted
        } catch let error as APIError where error.code == 404 {
            return .gone
        } catch let error as APIError where error.code == 409 && options.uid != nil {
            do {
                let found = try identity(of: try await request(.get, path), resource, "GET")
                if found.uid == options.uid { throw error }
                return .replaced
            } catch let error as APIError where error.code == 404 {
                return .gone
            }
        }
    }

    /// Deletes the very object that was made, never one that took its name.
    /// - Parameters:
    ///   - identity: which one; without a uid the name alone decides.
    ///   - options: what happens to dependents, and the grace period.
    ///   - dryRun: the server checks everything and deletes nothing.
    /// - Throws: `APIError`; `CancellationError`.
    @discardableResult
    public func delete(
        _ identity: ObjectIdentity, options: DeletionOptions = DeletionOptions(), dryRun: Bool = false
    ) async throws -> DeletionOutcome {
        var options = options
        if !identity.uid.isEmpty { options.uid = identity.uid }
        return try await delete(
            identity.kind, apiVersion: identity.apiVersion, name: identity.name, namespace: identity.namespace,
            options: options, dryRun: dryRun)
    }

    /// Deletes all objects of a kind that carry labels, in one request where the server can do that for the kind, else
    /// one by one.
    /// - Parameters:
    ///   - kind: such as "Deployment".
    ///   - apiVersion: its group and version.
    ///   - namespace: where; `nil` for cluster-wide kinds, or for all namespaces.
    ///   - labelSelector: which; must not be empty, which would mean all of them.
    ///   - options: what happens to dependents, and the grace period. A uid is ignored.
    ///   - dryRun: the server checks everything and deletes nothing.
    /// - Throws: `APIError`, of kind `guarded` for an empty selector; `CancellationError`.
    public func deleteAll(
        _ kind: String, apiVersion: String, namespace: String?, labelSelector: String,
        options: DeletionOptions = DeletionOptions(), dryRun: Bool = false
    ) async throws {
        guard labelSelector.contains(where: { !$0.isWhitespace }) else {
            throw APIError(
                kind: .guarded, request: "DELETE \(kind)",
                message: "an empty label selector would delete every object: name the labels")
        }
        let resource = try await resource(apiVersion: apiVersion, kind: kind)
        let selector = [(name: "labelSelector", value: labelSelector)]
        var options = options
        options.uid = nil
        // A collection over all namespaces can be listed but not deleted.
        if resource.verbs.contains("deletecollection"), namespace != nil || !resource.isNamespaced {
            _ = try await request(
                .delete, resource.path(namespace: namespace), query: selector, body: options.body(dryRun: dryRun))
            return
        }
        let found = try await list(
            AnyObjectMetadata.self, path: resource.path(namespace: namespace), query: selector)
        for object in found.items {
            options.uid = object.metadata.uid
            try await delete(
                kind, apiVersion: apiVersion, name: object.metadata.name, namespace: object.metadata.namespace,
                options: options, dryRun: dryRun)
        }
    }

    /// The manifest with its namespace decided, and where it is sent.
    private func located(_ manifest: Manifest, _ namespace: String?) async throws -> (Manifest, APIResource) {
        let resource = try await resource(apiVersion: manifest.apiVersion, kind: manifest.kind)
        var manifest = manifest
        manifest.namespace = resource.isNamespaced ? manifest.namespace ?? namespace ?? access.namespace : nil
        return (manifest, resource)
    }

    private func identity(
        of response: HTTPResponse, _ resource: APIResource, _ method: String
    ) throws -> ObjectIdentity {
        let metadata: ObjectMetadata
        do {
            metadata = try JSONReader.reading(response.body) { try AnyObjectMetadata(reading: $0) }.metadata
        } catch {
            throw APIError(
                kind: .malformed, request: "\(method) \(access.server) \(resource.kind)",
                message: "the object in the reply cannot be read: \(error)")
        }
        return ObjectIdentity(
            apiVersion: resource.apiVersion, kind: resource.kind, namespace: metadata.namespace, name: metadata.name,
            uid: metadata.uid)
    }

    /// Runs `change`, and again when the server says that the object was modified in between.
    func retryingConflicts<Value>(_ change: () async throws -> Value) async throws -> Value {
        for attempt in 1..<Self.conflictAttempts {
            do {
                return try await change()
            } catch let error as APIError where error.code == 409 {
                // As client-go's DefaultRetry: the other writer is done by now, so a moment is enough.
                try await Task.sleep(for: .milliseconds(10 * attempt))
            }
        }
        return try await change()
    }
}
