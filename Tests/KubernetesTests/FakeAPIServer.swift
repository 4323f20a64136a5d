import Foundation
import JSON
import Kubernetes
import Synchronization

/// Answers requests from a table, and keeps what was written.
final class FakeAPIServer: Sendable {
    /// What is served for a path, as "METHOD PATH": a status and a body. Of a list the next one is taken each time, the
    /// last one for good.
    typealias Answers = [String: [(Int, String)]]

    let server: ScriptedServer
    let client: APIClient

    /// The kinds of a 1.20 server as far as the tests need them, as its discovery reports them.
    static let discovery: Answers = [
        "GET /api/v1": [
            (
                200,
                """
                {"kind":"APIResourceList","groupVersion":"v1","resources":[
                 {"name":"namespaces","namespaced":false,"kind":"Namespace","verbs":["create","delete","get","list"]},
                 {"name":"nodes","namespaced":false,"kind":"Node","verbs":["get","list","patch"]},
                 {"name":"pods","namespaced":true,"kind":"Pod","verbs":["deletecollection","get","list"]},
                 {"name":"pods/binding","namespaced":true,"kind":"Binding","verbs":["create"]},
                 {"name":"pods/eviction","namespaced":true,"group":"policy","version":"v1beta1","kind":"Eviction","verbs":["create"]},
                 {"name":"configmaps","namespaced":true,"kind":"ConfigMap","verbs":["create","deletecollection","list"]},
                 {"name":"services","namespaced":true,"kind":"Service","verbs":["create","delete","get","list"]}]}
                """
            )
        ]
    ]

    init(_ answers: Answers = [:]) throws {
        let answers = answers.merging(Self.discovery) { own, _ in own }
        let counts = Mutex<[String: Int]>([:])
        server = try ScriptedServer { request, _ in
            let key = "\(request.method) \(request.path)"
            guard let list = answers[key] else {
                return [.reply(404, #"{"kind":"Status","code":404,"reason":"NotFound","message":"\#(key)"}"#)]
            }
            let index = counts.withLock { counts in
                counts[key, default: -1] += 1
                return counts[key] ?? 0
            }
            let (status, body) = list[min(index, list.count - 1)]
            return [.reply(status, body)]
        }
        client = try APIClient(access: ClusterAccess(server: server.url))
    }

    /// What was sent besides questions about kinds.
    var requests: [ScriptedServer.Request] {
        server.requests.filter {
            $0.path != "/api/v1" && $0.path != "/version"
                && !($0.path.hasPrefix("/apis/") && $0.path.count { $0 == "/" } < 4)
        }
    }

    /// "METHOD PATH" of what was sent.
    var calls: [String] { requests.map { "\($0.method) \($0.path)" } }

    func body(_ index: Int) throws -> JSONValue { try JSONValue(parsing: requests[index].body) }
}

/// A Status as a server writes it.
func status(_ code: Int, _ reason: String, _ message: String = "", cause: String? = nil) -> (Int, String) {
    let details = cause.map { #","details":{"causes":[{"reason":"\#($0)"}]}"# } ?? ""
    return (
        code,
        #"{"kind":"Status","status":"Failure","code":\#(code),"reason":"\#(reason)","message":"\#(message)"\#(details)}"#
    )
}

/// The error that `body` throws, which must be an `APIError`.
func apiError(_ body: () async throws -> Void) async -> APIError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? APIError
    }
}
