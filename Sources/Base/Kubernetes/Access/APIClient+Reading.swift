import HTTP
import JSON

extension APIObject {
    /// The path of the collection of one namespace; the kind's own path for `nil` and for cluster-wide kinds.
    public static func collectionPath(namespace: String?) -> String {
        guard let namespace, isNamespaced, let slash = collectionPath.lastIndex(of: "/") else { return collectionPath }
        return "\(collectionPath[..<slash])/namespaces/\(percentEncoded(namespace))\(collectionPath[slash...])"
    }

    /// True: most kinds are.
    public static var isNamespaced: Bool { true }
}

extension APIClient {
    /// Reads one object.
    /// - Parameters:
    ///   - kind: the object's type.
    ///   - name: its name.
    ///   - namespace: where it is; ignored for cluster-wide kinds.
    /// - Throws: `APIError`, with code 404 where there is none; `CancellationError`.
    public func get<Object: APIObject>(_ kind: Object.Type, _ name: String, namespace: String?) async throws -> Object {
        let path = "\(Object.collectionPath(namespace: namespace))/\(percentEncoded(name))"
        let response = try await request(.get, path)
        do {
            return try JSONReader.reading(response.body) { try Object(reading: $0) }
        } catch {
            throw APIError(
                kind: .malformed, request: "GET \(access.server)\(path)",
                message: "the \(Object.kind) cannot be read: \(error)")
        }
    }

    /// Reads one object, or `nil` where there is none of that name.
    /// - Parameters: as of `get(_:_:namespace:)`.
    /// - Throws: `APIError`; `CancellationError`.
    public func find<Object: APIObject>(
        _ kind: Object.Type, _ name: String, namespace: String?
    ) async throws -> Object? {
        do {
            return try await get(kind, name, namespace: namespace)
        } catch let error as APIError where error.code == 404 {
            return nil
        }
    }
}
