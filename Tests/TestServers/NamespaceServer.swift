import Foundation
import Synchronization

/// An API server on loopback that has one namespace, removes it when asked to, and makes nothing.
public final class NamespaceServer: Sendable {
    /// Path of a kubeconfig that names it.
    public let kubeconfig: String
    private let server: TextServer

    /// A server with a namespace.
    /// - Parameters:
    ///   - namespace: its name.
    ///   - labels: the labels that it bears, as JSON.
    public init(namespace: String, labels: String) throws {
        let path = "/api/v1/namespaces/\(namespace)"
        let object = #"{"metadata":{"name":"\#(namespace)","uid":"u","labels":\#(labels)}}"#
        let isThere = Mutex(true)
        let server = try TextServer { request in
            switch request.method {
            case "GET":
                if request.path == "/api/v1" { return .init(type: "application/json", body: coreKinds) }
                if request.path == "/apis/apps/v1" { return .init(type: "application/json", body: appKinds) }
                guard request.path == path, isThere.withLock({ $0 }) else { return .init(status: 404, body: "{}") }
                return .init(type: "application/json", body: object)
            case "DELETE":
                if request.path == path { isThere.withLock { $0 = false } }
                return .init(type: "application/json", body: "{}")
            default: return .init(status: 403, body: "{}")
            }
        }
        kubeconfig = try writeKubeconfig(server: server.url)
        self.server = server
    }

    /// The requests that would change something, as "METHOD PATH", in order.
    public var changes: [String] {
        server.requests.filter { $0.method != "GET" }.map { "\($0.method) \($0.path)" }
    }
}

private let coreKinds = """
    {"resources":[
    {"name":"namespaces","kind":"Namespace","namespaced":false,"verbs":["create","delete","get"]},
    {"name":"pods","kind":"Pod","namespaced":true,"verbs":["delete","deletecollection","get"]}]}
    """

private let appKinds = """
    {"resources":[
    {"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["delete","deletecollection","get"]}]}
    """
