import HTTP
import JSON
import Synchronization

/// A kind of object as a server offers it.
public struct APIResource: Sendable, Hashable {
    /// Group and version, such as "apps/v1", or "v1" for the core group.
    public let apiVersion: String
    /// Such as "Deployment".
    public let kind: String
    /// The plural of paths, such as "deployments".
    public let name: String
    /// Whether objects live in a namespace.
    public let isNamespaced: Bool
    /// What can be done with it, such as "list" and "deletecollection".
    public let verbs: Set<String>
    /// Group and version of the kind that each subresource takes, by its name, such as "policy/v1" for "eviction".
    public let subresources: [String: String]

    /// The path of the collection.
    /// - Parameter namespace: which one's; all namespaces where `nil`; ignored for cluster-wide kinds.
    public func path(namespace: String?) -> String {
        let root = apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"
        guard isNamespaced, let namespace else { return "\(root)/\(name)" }
        return "\(root)/namespaces/\(percentEncoded(namespace))/\(name)"
    }

    /// The path of one object.
    /// - Parameters:
    ///   - object: its name.
    ///   - namespace: where it is; ignored for cluster-wide kinds.
    public func path(of object: String, namespace: String?) -> String {
        "\(path(namespace: namespace))/\(percentEncoded(object))"
    }
}

/// What a server answered about its kinds.
final class DiscoveryCache: Sendable {
    private let groups = Mutex<[String: [APIResource]]>([:])
    private let serverVersion = Mutex<ServerVersion?>(nil)

    func resources(_ apiVersion: String) -> [APIResource]? { groups.withLock { $0[apiVersion] } }
    func store(_ resources: [APIResource], _ apiVersion: String) {
        groups.withLock { $0[apiVersion] = resources }
    }

    var version: ServerVersion? {
        get { serverVersion.withLock { $0 } }
        set { serverVersion.withLock { $0 = newValue } }
    }
}

/// The version of Kubernetes that a server has.
struct ServerVersion: Sendable, Comparable {
    /// Such as 1.
    var major = 0
    /// Such as 33.
    var minor = 0

    static func < (lhs: Self, rhs: Self) -> Bool { (lhs.major, lhs.minor) < (rhs.major, rhs.minor) }
}

extension APIClient {
    /// The server's version, asked once.
    /// - Throws: `APIError`; `CancellationError`.
    func serverVersion() async throws -> ServerVersion {
        if let known = discovered.version { return known }
        let response = try await request(.get, "/version")
        var version = ServerVersion()
        do {
            // Some providers write "33+".
            func number(_ reader: JSONReader) throws -> Int {
                Int(try reader.readString().prefix { $0.isNumber }) ?? 0
            }
            try JSONReader.reading(response.body) { reader in
                try reader.readObject { reader, key in
                    switch key {
                    case "major": version.major = try number(reader)
                    case "minor": version.minor = try number(reader)
                    default: break
                    }
                }
            }
        } catch {
            throw APIError(
                kind: .malformed, request: "GET \(access.server)/version",
                message: "the version cannot be read: \(error)")
        }
        discovered.version = version
        return version
    }

    /// The kind as this server offers it. Answers are kept; a kind that is not among them is asked for again, since
    /// custom kinds come and go.
    /// - Parameters:
    ///   - apiVersion: group and version, such as "apps/v1", or "v1" for the core group.
    ///   - kind: such as "Deployment".
    /// - Throws: `APIError`, of kind `unsupported` where the server does not offer it.
    public func resource(apiVersion: String, kind: String) async throws -> APIResource {
        func find(_ resources: [APIResource]?) -> APIResource? { resources?.first { $0.kind == kind } }
        if let known = find(discovered.resources(apiVersion)) { return known }
        if let found = find(try await resources(apiVersion: apiVersion)) { return found }
        throw APIError(
            kind: .unsupported, request: access.server,
            message: "the server has no kind \(kind) in \(apiVersion); `kubectl api-resources` lists what it has")
    }

    /// The first of several versions of a kind that this server offers, such as "policy/v1" before "policy/v1beta1".
    /// - Throws: `APIError`, of kind `unsupported` where the server offers none of them.
    public func resource(apiVersions: [String], kind: String) async throws -> APIResource {
        for version in apiVersions {
            do {
                return try await resource(apiVersion: version, kind: kind)
            } catch let error as APIError where error.kind == .unsupported {
                continue
            }
        }
        throw APIError(
            kind: .unsupported, request: access.server,
            message: "the server has no kind \(kind) in any of \(apiVersions.joined(separator: ", "))")
    }

    /// The kinds of one version, asked from the server; `nil` where it does not have the version.
    func resources(apiVersion: String) async throws -> [APIResource]? {
        let path = apiVersion.contains("/") ? "/apis/\(apiVersion)" : "/api/\(apiVersion)"
        let response: HTTPResponse
        do {
            response = try await request(.get, path)
        } catch let error as APIError where error.code == 404 {
            return nil
        }
        let resources: [APIResource]
        do {
            resources = try APIResource.parse(response.body, apiVersion: apiVersion)
        } catch {
            throw APIError(
                kind: .malformed, request: "GET \(access.server)\(path)",
                message: "the list of kinds cannot be read: \(error)")
        }
        discovered.store(resources, apiVersion)
        return resources
    }
}

extension APIResource {
    private struct Entry {
        var name = ""
        var kind = ""
        var group: String?
        var version: String?
        var isNamespaced = false
        var verbs: Set<String> = []

        init(reading reader: JSONReader) throws {
            try reader.readObject { reader, key in
                switch key {
                case "name": name = try reader.readString()
                case "kind": kind = try reader.readString()
                case "group": group = try reader.readStringIfPresent()
                case "version": version = try reader.readStringIfPresent()
                case "namespaced": isNamespaced = try reader.readBool()
                case "verbs": try reader.readArrayIfPresent { verbs.insert(try $0.readString()) }
                default: break
                }
            }
        }

        /// What a subresource takes may be of another group than the resource.
        func apiVersion(within outer: String) -> String {
            guard let version, !version.isEmpty else { return outer }
            guard let group, !group.isEmpty else { return version }
            return "\(group)/\(version)"
        }
    }

    /// Parses an `APIResourceList`, whose entries are resources ("pods") and subresources ("pods/eviction").
    static func parse(_ bytes: [UInt8], apiVersion: String) throws -> [APIResource] {
        var entries: [Entry] = []
        try JSONReader.reading(bytes) { reader in
            try reader.readObject { reader, key in
                if key == "resources" {
                    try reader.readArrayIfPresent { entries.append(try Entry(reading: $0)) }
                }
            }
        }
        var subresources: [Substring: [String: String]] = [:]
        for entry in entries {
            guard let slash = entry.name.firstIndex(of: "/") else { continue }
            let name = String(entry.name[entry.name.index(after: slash)...])
            subresources[entry.name[..<slash], default: [:]][name] = entry.apiVersion(within: apiVersion)
        }
        return entries.filter { !$0.name.contains("/") }.map { entry in
            APIResource(
                apiVersion: apiVersion, kind: entry.kind, name: entry.name, isNamespaced: entry.isNamespaced,
                verbs: entry.verbs, subresources: subresources[entry.name[...]] ?? [:])
        }
    }
}
