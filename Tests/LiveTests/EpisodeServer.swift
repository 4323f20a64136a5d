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

    /// - Parameter resizesPods: whether it is a 1.33, whose pods can be resized in place; otherwise a 1.20.
    init(resizesPods: Bool = false) throws {
        let cluster = EpisodeCluster(resizesPods: resizesPods)
        server = try TextServer { cluster.answer($0) }
        self.cluster = cluster
        kubeconfig = try writeKubeconfig(server: server.url)
    }

    /// The requests that would change something, as "METHOD PATH", in order.
    var changes: [String] { server.requests.filter { $0.method != "GET" }.map { "\($0.method) \($0.path)" } }

    /// What the kubelet makes of resizing the replicas of these names from now on; of all others it does it at once.
    func answerResizing(of replicas: [String: Kubelet]) { cluster.answerResizing(of: replicas) }

    /// Refuses to resize the replicas of these names with a status, from now on. With 504 they are resized, and who asked
    /// does not hear of it.
    func refuseResizing(of replicas: [String: Int]) { cluster.refuseResizing(of: replicas) }

    /// What the replicas' containers ask for and hold, in thousandths of a core, by name.
    var replicas: [String: (asked: Int, held: Int?)] { cluster.replicas }
}

/// What a kubelet makes of a replica's resizing.
enum Kubelet: String {
    /// Waits for room.
    case defers = "Deferred"
    /// Has never room.
    case refuses = "Infeasible"
    /// Has not looked at it yet.
    case isSilent
}

/// What the server keeps.
private final class EpisodeCluster: Sendable {
    private struct Replica {
        var name: String
        var node: String?
        /// What its container asks for, in thousandths of a core.
        var cpu: Int
        /// What it holds.
        var held: Int?
        /// What the kubelet says of its resizing.
        var obstacle: Kubelet?
    }

    private struct State {
        var version = 1
        /// What watches are told, by collection.
        var events: [(version: Int, collection: String, line: String)] = []
        var hasNamespace = false
        var desired = 0
        var replicas: [Replica] = []
        var made = 0
        var kubelet: [String: Kubelet] = [:]
        var refusals: [String: Int] = [:]
    }

    private typealias Answer = TextServer.Answer

    private static let own = EpisodeServer.namespace
    private static let inNamespace = "/api/v1/namespaces/\(own)"
    private static let deployments = "/apis/apps/v1/namespaces/\(own)/deployments"
    private static let budgets = "/apis/policy/v1/namespaces/\(own)/poddisruptionbudgets"
    private static let pods = "/api/v1/pods"
    /// What a replica requests at first, in thousandths of a core.
    private static let templateCPU = 150

    private let resizesPods: Bool
    private let state = Mutex(State())

    init(resizesPods: Bool) { self.resizesPods = resizesPods }

    func refuseResizing(of replicas: [String: Int]) { state.withLock { $0.refusals = replicas } }

    func answerResizing(of replicas: [String: Kubelet]) {
        state.withLock { state in
            state.kubelet = replicas
            for index in state.replicas.indices { Self.runKubelet(index, &state) }
        }
    }

    var replicas: [String: (asked: Int, held: Int?)] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.replicas.map { ($0.name, ($0.cpu, $0.held)) })
        }
    }

    func answer(_ request: TextServer.Request) -> TextServer.Answer {
        if request.query["watch"] == "true" { return watch(request) }
        return state.withLock { state in
            switch request.method {
            case "GET": get(request.path, state)
            case "PATCH" where resizesPods: Self.resize(request, &state)
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

    private func get(_ path: String, _ state: State) -> Answer {
        func list(_ items: [String]) -> Answer {
            Self.reply(
                #"{"metadata":{"resourceVersion":"\#(state.version)"},"items":[\#(items.joined(separator: ","))]}"#)
        }
        return switch path {
        case "/version": Self.reply(#"{"major":"1","minor":"\#(resizesPods ? 33 : 20)"}"#)
        case "/api/v1": Self.reply(#"{"resources":[\#(coreKinds)\#(resizesPods ? podResize : "")]}"#)
        case "/apis/apps/v1": Self.reply(appKinds)
        case "/apis/policy/v1": Self.reply(policyKinds)
        case Self.inNamespace where state.hasNamespace:
            Self.reply(
                #"{"metadata":{"name":"\#(Self.own)","uid":"n","labels":{"berth.dev/environment":"\#(Self.own)"}}}"#)
        case "/api/v1/nodes": list([node])
        case Self.pods: list(state.replicas.map { Self.json($0, state.version) })
        case Self.deployments: list(state.hasNamespace && state.desired > 0 ? [Self.deployment(state)] : [])
        case Self.budgets: list([])
        case "\(Self.deployments)/web/scale": Self.reply(Self.scale(state))
        default: Self.refusal(404)
        }
    }

    private static func json(_ replica: Replica, _ version: Int) -> String {
        let place = replica.node.map { #""nodeName":"\#($0)","# } ?? ""
        let resources = #"{"requests":{"cpu":"\#(replica.cpu)m"}}"#
        let isBound = replica.node != nil
        let held = replica.held.map { #"{"cpu":"\#($0)m"}"# }
        let status = held.map {
            #""containerStatuses":[{"name":"nginx","allocatedResources":\#($0),"resources":{"requests":\#($0)}}],"#
        }
        let obstacle = replica.obstacle.map {
            #",{"type":"PodResizePending","status":"True","reason":"\#($0.rawValue)","#
                + #""message":"Node didn't have enough resource: cpu"}"#
        }
        return """
            {"metadata":{"name":"\(replica.name)","namespace":"\(own)","uid":"uid-\(replica.name)",\
            "resourceVersion":"\(version)","labels":{"app":"web","pod-template-hash":"5d4"},\
            "ownerReferences":[{"kind":"ReplicaSet","name":"web-5d4","uid":"r","controller":true}]},\
            "spec":{"schedulerName":"berth-environment",\(place)\
            "containers":[{"name":"nginx","resources":\(resources)}]},\
            "status":{"phase":"\(isBound ? "Running" : "Pending")","podIP":"\(isBound ? "127.0.0.1" : "")",\
            \(status ?? "")"conditions":[{"type":"Ready","status":"\(isBound ? "True" : "False")"}\(obstacle ?? "")]}}
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
        runKubelet(index, &state)
        return reply("{}")
    }

    /// A strategic merge patch of one container's requests.
    private static func resize(_ request: TextServer.Request, _ state: inout State) -> Answer {
        let parts = request.path.split(separator: "/")
        guard let body = try? JSONValue(parsing: Array(request.body.utf8)), parts.last == "resize",
            let index = state.replicas.firstIndex(where: { $0.name == parts[5] }),
            body["metadata"]?["uid"]?.string == "uid-\(parts[5])",
            let container = body["spec"]?["containers"]?.array?.first, container["name"]?.string == "nginx",
            let cpu = container["resources"]?["requests"]?["cpu"]?.string.flatMap({ Int($0.dropLast()) })
        else { return refusal(404) }
        let status = state.refusals[state.replicas[index].name]
        if let status, status != 504 { return refusal(status) }
        state.replicas[index].cpu = cpu
        tell("MODIFIED", state.replicas[index], &state)
        runKubelet(index, &state)
        return status.map { refusal($0) } ?? reply("{}")
    }

    /// What the kubelet does with a bound replica.
    private static func runKubelet(_ index: Int, _ state: inout State) {
        guard state.replicas[index].node != nil else { return }
        let answer = state.kubelet[state.replicas[index].name]
        if let answer, let held = state.replicas[index].held, held != state.replicas[index].cpu {
            state.replicas[index].obstacle = answer == .isSilent ? nil : answer
        } else {
            state.replicas[index].held = state.replicas[index].cpu
            state.replicas[index].obstacle = nil
        }
        tell("MODIFIED", state.replicas[index], &state)
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
    {"name":"namespaces","kind":"Namespace","namespaced":false,"verbs":["create","delete","get"]},
    {"name":"nodes","kind":"Node","namespaced":false,"verbs":["get","list","watch"]},
    {"name":"pods","kind":"Pod","namespaced":true,"verbs":["delete","deletecollection","get","list","watch"]}
    """

private let podResize = #",{"name":"pods/resize","kind":"Pod","namespaced":true,"verbs":["get","patch","update"]}"#

private let appKinds = """
    {"resources":[
    {"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["create","delete","deletecollection","get"]}]}
    """

private let policyKinds = """
    {"resources":[
    {"name":"poddisruptionbudgets","kind":"PodDisruptionBudget","namespaced":true,"verbs":["get","list","watch"]}]}
    """
