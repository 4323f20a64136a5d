import Windows
import Telemetry
import Cluster
import Extender
import Foundation
import Hummingbird
import JSON
import Kubernetes
import Logging
import NIOCore
import Synchronization

/// Seconds that only pass when a test says so.
final class ManualClock: Sendable {
    private let seconds = Mutex(1_700_000_000.0)
    var now: Double { seconds.withLock { $0 } }
    func advance(by amount: Double) { seconds.withLock { $0 += amount } }
}

/// A policy that is a function of the candidates' nodes.
struct FunctionPolicy: Policy, Sendable {
    let preference: @Sendable (Cluster.Node, Decision, ClusterSnapshot) throws -> Double

    init(_ preference: @escaping @Sendable (Cluster.Node, Decision, ClusterSnapshot) throws -> Double) {
        self.preference = preference
    }

    mutating func preferences(for decision: Decision, in snapshot: ClusterSnapshot) throws -> [Double] {
        try decision.candidates.map { action in
            guard case .place(_, let node) = action else { throw PolicyError("not a placement") }
            return try preference(snapshot.nodes[node], decision, snapshot)
        }
    }

    /// Prefers nodes with few pods.
    static let emptiest = FunctionPolicy { node, _, _ in 1 / Double(1 + node.podCount) }
    /// Prefers the node of this name.
    static func only(_ name: String) -> FunctionPolicy {
        FunctionPolicy { node, _, _ in node.name == name ? 1 : 0.25 }
    }
}

func makeNode(
    _ name: String, cpu: String = "4", memory: String = "8Gi", ready: Bool = true
) throws -> Kubernetes.Node {
    let json = """
        {"metadata":{"name":"\(name)","uid":"\(name)"},"status":{
        "allocatable":{"cpu":"\(cpu)","memory":"\(memory)","pods":"110"},
        "conditions":[{"type":"Ready","status":"\(ready ? "True" : "False")"}]}}
        """
    return try JSONReader.reading(Array(json.utf8)) { try Kubernetes.Node(reading: $0) }
}

func makePod(
    _ name: String, node: String? = nil, cpu: String = "500m", service: String? = "web", ready: Bool = false,
    phase: String = "Running", scheduler: String = "berth-scheduler", terminating: Bool = false
) throws -> Kubernetes.Pod {
    let owner =
        service.map {
            #","ownerReferences":[{"kind":"ReplicaSet","name":"\#($0)-5d4","uid":"r","controller":true}]"#
                + #","labels":{"pod-template-hash":"5d4"}"#
        } ?? ""
    let deletion = terminating ? #","deletionTimestamp":"2026-11-21T01:30:39Z""# : ""
    let json = """
        {"metadata":{"name":"\(name)","namespace":"default","uid":"uid-\(name)"\(owner)\(deletion)},
        "spec":{"schedulerName":"\(scheduler)"\(node.map { #","nodeName":"\#($0)""# } ?? ""),
        "containers":[{"resources":{"requests":{"cpu":"\(cpu)","memory":"64Mi"}}}]},
        "status":{"phase":"\(phase)","conditions":[{"type":"Ready","status":"\(ready ? "True" : "False")"}]}}
        """
    return try JSONReader.reading(Array(json.utf8)) { try Kubernetes.Pod(reading: $0) }
}

/// A scorer over nodes of these names, listed and empty.
func makeScorer(
    nodes: [String] = ["a", "b", "c"], policy: (any Policy & Sendable)? = FunctionPolicy.emptiest,
    fallback: (any Policy & Sendable)? = FunctionPolicy.emptiest, clock: ManualClock = ManualClock(),
    riskFilter: RiskFilter? = nil, settings change: (inout ExtenderSettings) -> Void = { _ in }, isListed: Bool = true
) throws -> PlacementScorer {
    var settings = ExtenderSettings()
    change(&settings)
    let scorer = PlacementScorer(
        settings: settings, policy: policy, fallback: fallback, riskFilter: riskFilter, now: { clock.now })
    for name in nodes { scorer.apply(.added(try makeNode(name))) }
    if isListed {
        scorer.markNodesListed()
        scorer.markPodsListed()
    }
    return scorer
}

/// A server over a scorer, to be tested in process.
func makeServer(
    _ scorer: PlacementScorer, settings change: (inout ExtenderSettings) -> Void = { _ in }
) -> ExtenderServer {
    var settings = ExtenderSettings()
    settings.port = 0
    change(&settings)
    return ExtenderServer(
        settings: settings, scorer: scorer, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}

func fixture(_ name: String) throws -> ByteBuffer {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    return ByteBuffer(bytes: Array(try Data(contentsOf: folder.appendingPathComponent(name))))
}

/// A request in the form of nodeCacheCapable: true.
func request(_ pod: String, _ nodes: [String]) -> ByteBuffer {
    let names = nodes.map { "\"\($0)\"" }.joined(separator: ",")
    return ByteBuffer(
        string: """
            {"Pod":{"metadata":{"name":"\(pod)","namespace":"default","uid":"uid-\(pod)"},"spec":{"containers":[
            {"resources":{"requests":{"cpu":"500m"}}}]}},"Nodes":null,"NodeNames":[\(names)]}
            """)
}

/// The scores of a prioritize reply, read by Foundation.
func scores(_ body: ByteBuffer) throws -> [String: Int] {
    struct Entry: Decodable {
        var Host: String
        var Score: Int
    }
    let entries = try JSONDecoder().decode([Entry].self, from: Data(body.readableBytesView))
    return Dictionary(uniqueKeysWithValues: entries.map { ($0.Host, $0.Score) })
}

func object(_ body: ByteBuffer) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(body.readableBytesView))
    guard let object = value as? [String: Any] else { throw PolicyError("not an object: \(value)") }
    return object
}

extension PlacementScorer {
    /// Takes in two scrapes, 20 s apart, of a node that uses so much CPU in cores and memory in bytes, and of pods of the
    /// namespace "default" that use so many cores.
    func use(_ cores: Double, memory: Double?, pods: [String: Double] = [:], onNode node: String, at time: Double) {
        for time in [time - 20, time] {
            func reading(_ cores: Double) -> UsageReading {
                UsageReading(
                    cpuSeconds: Reading(value: cores * time, time: time),
                    workingSetBytes: memory.map { Reading(value: $0, time: time) })
            }
            add(
                .cadvisor(reading(cores)), ofNode: node,
                pods: Dictionary(
                    uniqueKeysWithValues: pods.map {
                        (CadvisorScrape.PodName(namespace: "default", name: $0), reading($1))
                    }))
        }
    }
}
