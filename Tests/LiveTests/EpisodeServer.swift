import Foundation
import JSON
import Synchronization
import TestServers

/// An API server on loopback with one node of four cores. It keeps what an episode makes, and plays the controller of the
/// Deployment `web`, whose replicas are ready as soon as they are bound, and the node's kubelet.
final class EpisodeServer: Sendable {
    /// The namespace of the episodes.
    static let namespace = "berth-episode"

    /// Path of a kubeconfig that names the server.
    let kubeconfig: String
    private let cluster: EpisodeCluster
    private let server: TextServer

    init() throws {
        let cluster = EpisodeCluster()
        server = try TextServer { cluster.answer($0) }
        self.cluster = cluster
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("kubeconfig-\(UUID().uuidString)")
        try """
        apiVersion: v1
        kind: Config
        current-context: c
        contexts: [{name: c, context: {cluster: k, user: u}}]
        clusters: [{name: k, cluster: {server: "\(server.url)"}}]
        users: [{name: u, user: {token: t}}]
        """.write(to: file, atomically: true, encoding: .utf8)
        kubeconfig = file.path
    }

    /// The requests that would change something, as "METHOD PATH", in order.
    var changes: [String] { server.requests.filter { $0.method != "GET" }.map { "\($0.method) \($0.path)" } }
}

/// What the server keeps.
private final class EpisodeCluster: Sendable {
    private struct Replica {
        var name: String
        var node: String?
        /// What its container requests, in thousandths of a core.
        var cpu: Int
    }

    private struct State {
        var version = 1
        /// What watches are told, by collection.
        var events: [(version: Int, collection: String, line: String)] = []
        var hasNamespace = false
        var desired = 0
        var replicas: [Replica] = []
        var made = 0
    }

    private typealias Answer = TextServer.Answer

    private static let own = EpisodeServer.namespace
    private static let inNamespace = "/api/v1/namespaces/\(own)"
    private static let deployments = "/apis/apps/v1/namespaces/\(own)/deployments"
    private static let budgets = "/apis/policy/v1/namespaces/\(own)/poddisruptionbudgets"
    private static let pods = "/api/v1/pods"
    /// What a replica requests at first, in thousandths of a core.
    private static let templateCPU = 150

    private let state = Mutex(State())

    func answer(_ request: TextServer.Request) -> TextServer.Answer {
        if request.query["watch"] == "true" { return watch(request) }
        return state.withLock { state in
            switch request.method {
            case "GET": Self.get(request.path, state)
            case "POST": Self.post(request, &state)
            case "PUT": Self.scale(request, &state)
            case "DELETE": Self.delete(request.path, &state)
            default: Self.refusal(405)
            }
        }
    }

    private static func reply(_ body: String) -> Answer { .init(type: "application/json", body: body) }

    private static func refusal(_ status: Int) -> Answer {
        .init(
            status: status, type: "application/json",
            body: #"{"kind":"Status","status":"Failure","code":\#(status),"reason":"Refused","message":"refused"}"#)
    }

    /// The events since a version; waits a while for one.
    private func watch(_ request: TextServer.Request) -> TextServer.Answer {
        let since = Int(request.query["resourceVersion"] ?? "") ?? 0
        // Longer than what a reflector takes for a watch that was closed at once.
        for _ in 0..<150 {
            let lines = state.withLock { state in
                state.events.filter { $0.version > since && $0.collection == request.path }.map(\.line)
            }
            if !lines.isEmpty { return Self.reply(lines.joined()) }
            usleep(10_000)
        }
        return Self.reply("")
    }

    // MARK: Reading

    private static func get(_ path: String, _ state: State) -> Answer {
        func list(_ items: [String]) -> Answer {
            reply(
                #"{"metadata":{"resourceVersion":"\#(state.version)"},"items":[\#(items.joined(separator: ","))]}"#)
        }
        return switch path {
        case "/version": reply(#"{"major":"1","minor":"33"}"#)
        case "/api/v1": reply(coreKinds)
        case "/apis/apps/v1": reply(appKinds)
        case "/apis/policy/v1": reply(policyKinds)
        case inNamespace where state.hasNamespace:
            reply(
                #"{"metadata":{"name":"\#(own)","uid":"n","labels":{"berth.dev/environment":"\#(own)"}}}"#)
        case "/api/v1/nodes": list([node])
        case pods: list(state.replicas.map { json($0, state.version) })
        case deployments: list(state.hasNamespace && state.desired > 0 ? [deployment(state)] : [])
        case budgets: list([])
        case "\(deployments)/web/scale": reply(scale(state))
        default: refusal(404)
        }
    }

    private static func json(_ replica: Replica, _ version: Int) -> String {
        let place = replica.node.map { #""nodeName":"\#($0)","# } ?? ""
        let resources = #"{"requests":{"cpu":"\#(replica.cpu)m"}}"#
        let isBound = replica.node != nil
        return """
            {"metadata":{"name":"\(replica.name)","namespace":"\(own)","uid":"uid-\(replica.name)",\
            "resourceVersion":"\(version)","labels":{"app":"web","pod-template-hash":"5d4"},\
            "ownerReferences":[{"kind":"ReplicaSet","name":"web-5d4","uid":"r","controller":true}]},\
            "spec":{"schedulerName":"berth-environment",\(place)\
            "containers":[{"name":"nginx","resources":\(resources)}]},\
            "status":{"phase":"\(isBound ? "Running" : "Pending")","podIP":"\(isBound ? "127.0.0.1" : "")",\
            "conditions":[{"type":"Ready","status":"\(isBound ? "True" : "False")"}]}}
            """
    }

    private static func deployment(_ state: State) -> String {
        let count = state.replicas.count
        return """
            {"metadata":{"name":"web","namespace":"\(own)","uid":"d","generation":1,\
            "resourceVersion":"\(state.version)"},"spec":{"replicas":\(state.desired),\
            "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},\
            "spec":{"containers":[{"name":"nginx","resources":{"requests":{"cpu":"\(templateCPU)m"}}}]}}},\
            "status":{"observedGeneration":1,"replicas":\(count),"updatedReplicas":\(count),\
            "readyReplicas":\(count),"availableReplicas":\(count)}}
            """
    }

    private static func scale(_ state: State) -> String {
        """
        {"metadata":{"name":"web","namespace":"\(own)","uid":"d","resourceVersion":"\(state.version)"},\
        "spec":{"replicas":\(state.desired)},"status":{"replicas":\(state.replicas.count),"selector":"app=web"}}
        """
    }

    // MARK: Writing

    private static func post(_ request: TextServer.Request, _ state: inout State) -> Answer {
        if request.path == "/api/v1/namespaces" {
            state.hasNamespace = true
            return reply(#"{"metadata":{"name":"\#(own)","uid":"n"}}"#)
        }
        let body = try? JSONValue(parsing: Array(request.body.utf8))
        if request.path == deployments {
            setReplicas(Int(body?["spec"]?["replicas"]?.integer ?? 0), &state)
            return reply(#"{"metadata":{"name":"web","namespace":"\#(own)","uid":"d"}}"#)
        }
        let parts = request.path.split(separator: "/")
        guard parts.last == "binding", let index = state.replicas.firstIndex(where: { $0.name == parts[5] }),
            let node = body?["target"]?["name"]?.string
        else { return refusal(404) }
        state.replicas[index].node = node
        tell("MODIFIED", state.replicas[index], &state)
        return reply("{}")
    }

    private static func scale(_ request: TextServer.Request, _ state: inout State) -> Answer {
        guard request.path == "\(deployments)/web/scale",
            let replicas = (try? JSONValue(parsing: Array(request.body.utf8)))?["spec"]?["replicas"]?.integer
        else { return refusal(404) }
        setReplicas(Int(replicas), &state)
        return reply(scale(state))
    }

    private static func setReplicas(_ desired: Int, _ state: inout State) {
        let isNew = state.desired == 0
        state.desired = desired
        while state.replicas.count < desired {
            state.replicas.append(Replica(name: "web-5d4-\(state.made)", cpu: templateCPU))
            state.made += 1
            tell("ADDED", state.replicas[state.replicas.count - 1], &state)
        }
        while state.replicas.count > desired { tell("DELETED", state.replicas.removeLast(), &state) }
        state.version += 1
        state.events.append(
            (
                state.version, deployments,
                #"{"type":"\#(isNew ? "ADDED" : "MODIFIED")","object":\#(deployment(state))}"# + "\n"
            ))
    }

    private static func delete(_ path: String, _ state: inout State) -> Answer {
        if path == inNamespace { state.hasNamespace = false }
        if path == "\(inNamespace)/pods" {
            while let replica = state.replicas.popLast() { tell("DELETED", replica, &state) }
            state.desired = 0
        }
        return reply("{}")
    }

    private static func tell(_ type: String, _ replica: Replica, _ state: inout State) {
        state.version += 1
        state.events.append(
            (state.version, pods, #"{"type":"\#(type)","object":\#(json(replica, state.version))}"# + "\n"))
    }
}

private let node = """
    {"metadata":{"name":"node0","uid":"node0"},"status":{"allocatable":{"cpu":"4","memory":"8Gi","pods":"110"},\
    "conditions":[{"type":"Ready","status":"True"}]}}
    """

private let coreKinds = """
    {"resources":[
    {"name":"namespaces","kind":"Namespace","namespaced":false,"verbs":["create","delete","get"]},
    {"name":"nodes","kind":"Node","namespaced":false,"verbs":["get","list","watch"]},
    {"name":"pods","kind":"Pod","namespaced":true,"verbs":["delete","deletecollection","get","list","watch"]}]}
    """

private let appKinds = """
    {"resources":[
    {"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["create","delete","deletecollection","get"]}]}
    """

private let policyKinds = """
    {"resources":[
    {"name":"poddisruptionbudgets","kind":"PodDisruptionBudget","namespaced":true,"verbs":["get","list","watch"]}]}
    """
