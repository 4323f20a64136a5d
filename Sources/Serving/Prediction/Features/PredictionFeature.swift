import Windows
public import Cluster
import Foundation

/// What a prediction is made from: figures of a node in one window, and of a service's replicas on it.
///
/// A value that was not measured is missing, never zero; in rows it is NaN. docs/prediction.md has a table of them.
public enum PredictionFeature: String, Sendable, Codable, CaseIterable {
    // The node.
    /// CPU in use / allocatable.
    case cpuUsed = "cpu_used"
    /// Memory in use / allocatable.
    case memoryUsed = "memory_used"
    /// Memory traffic / peak bandwidth.
    case memoryBandwidth = "memory_bandwidth"
    /// Last-level cache misses / references.
    case cacheMissRatio = "cache_miss_ratio"
    /// Instructions per cycle.
    case instructionsPerCycle = "instructions_per_cycle"
    /// CPU requested by the pods on it / allocatable.
    case cpuRequested = "cpu_requested"
    /// Memory requested by the pods on it / allocatable.
    case memoryRequested = "memory_requested"
    /// Pods on it.
    case pods

    // The service on the node.
    /// Ready replicas of the service on the node.
    case replicas
    /// Requests per second to each replica.
    case replicaRate = "replica_rate"
    /// Cores that a replica requests.
    case replicaRequest = "replica_request"
    /// Most cores that a replica may use; missing without a limit.
    case replicaLimit = "replica_limit"
    /// Cores in use by a replica on the node, their mean.
    case replicaCPU = "replica_cpu"
    /// Cores in use by a replica / what it gets when all pods of the node want CPU: its request's share of the
    /// allocatable. Above 1 it lives on what others leave.
    case replicaUtilization = "replica_utilization"
    /// CPU seconds that a replica uses for each request: how heavy requests are, and how slow the node.
    case cpuPerRequest = "cpu_per_request"
    /// CPU in use by everything but the service's replicas / allocatable.
    case neighbourCPU = "neighbour_cpu"
    /// CPU requested by everything but the service's replicas / allocatable.
    case neighbourRequested = "neighbour_requested"

    // Against the window before.
    /// Rise of `cpu_used`.
    case cpuUsedChange = "cpu_used_change"
    /// log2 of the service's rate / its rate before.
    case rateChange = "rate_change"
    /// 99th percentile of the latency of the service on the node in that window, in seconds: a queue lasts.
    case p99Before = "p99_before"
    /// Requests that the service's replicas on the node answered, gave up or still held at the window's end / those due
    /// to them, less 1: the queue that the window began with, less what was refused. A simulated window's requests are
    /// those that arrived in it.
    case backlog

    // What the same window's p99s elsewhere tell.
    /// 99th percentile of the latency of the service on other nodes in the window, in seconds: the mean by requests.
    case p99Elsewhere = "p99_elsewhere"
    /// Greatest p99 / objective of another service on the node in the window.
    case neighbourRisk = "neighbour_risk"

    /// Features that are not known of a pod that is still to be placed.
    public static let unknownBeforePlacement: [PredictionFeature] = [
        .cpuUsedChange, .rateChange, .p99Before, .backlog, .p99Elsewhere, .neighbourRisk,
    ]

    /// Names in the order of rows.
    public static let names = allCases.map(\.rawValue)

    /// The first feature in which a list of names differs from `names`; `nil` where it does not.
    static func mismatch(_ features: [String]) -> String? {
        for index in 0..<max(features.count, names.count) {
            let found = index < features.count ? features[index] : "none"
            let expected = index < names.count ? names[index] : "none"
            if found != expected { return "feature \(index) is \(found), expected \(expected)" }
        }
        return nil
    }
}

extension PredictionFeature {
    /// The features of a service on a node, in the order of `allCases`; NaN where missing. Cost: O(pods + nodes).
    /// - Parameters:
    ///   - service: index of the service in the snapshot.
    ///   - node: index of the node.
    ///   - snapshot: the window.
    ///   - before: the window before; `nil` for none.
    ///   - p99Before: the p99 in that window, in seconds; `nil` where it is not known.
    ///   - requestRate: requests of the service that its replicas on the node answered, gave up or still hold / the
    ///     window's length, in 1/s; `nil` where that is not known.
    ///   - p99Elsewhere: p99 of the service on other nodes in the window, in seconds; `nil` where it is not known.
    ///   - neighbourRisk: greatest p99 / objective of another service on the node; `nil` where it is not known.
    public static func row(
        service: Int, node: Int, in snapshot: ClusterSnapshot, before: ClusterSnapshot? = nil,
        p99Before: Double? = nil, requestRate: Double? = nil, p99Elsewhere: Double? = nil, neighbourRisk: Double? = nil
    ) -> [Float] {
        let replicas = ReadyReplicas(of: service, in: snapshot)
        let name = snapshot.nodes[node].name
        // What was due in an earlier window says nothing of this one's requests.
        let isPresent = (snapshot.services[service].arrivalRate?.age(at: snapshot.time) ?? 0) < snapshot.interval
        return Source(
            node: snapshot.nodes[node], nodeBefore: before?.nodes.first { $0.name == name },
            service: snapshot.services[service], replicas: replicas.count[node], allReplicas: replicas.all,
            replicaCores: replicas.cores[node], p99Before: p99Before,
            requestRate: isPresent ? requestRate : nil, p99Elsewhere: p99Elsewhere, neighbourRisk: neighbourRisk
        ).row
    }

    /// Numbers that the features are made of.
    struct Source {
        var node: Node
        var nodeBefore: Node?
        var service: Service
        /// Ready replicas on the node, and in the cluster.
        var replicas: Int
        var allReplicas: Int
        /// Cores in use by those on the node; `nil` where one was not measured.
        var replicaCores: Double?
        /// Of the service on the node in the window before.
        var p99Before: Double?
        /// Requests that the replicas on the node answered, gave up or still held at the window's end, per second of it.
        var requestRate: Double?
        /// In the same window: of the service on other nodes, and of others on the node, by their objectives.
        var p99Elsewhere: Double?
        var neighbourRisk: Double?

        /// The features, NaN where missing.
        var row: [Float] { allCases.map { feature in value(of: feature).map { Float($0) } ?? .nan } }

        private func value(of feature: PredictionFeature) -> Double? {
            let allocatable = node.allocatable
            return switch feature {
            case .cpuUsed: ratio(node.cpuUsage?.value, allocatable.cpu)
            case .memoryUsed: ratio(node.memoryUsage?.value, allocatable.memory)
            case .memoryBandwidth: node.peakMemoryBandwidth.flatMap { ratio(node.memoryBandwidth?.value, $0) }
            case .cacheMissRatio: node.cacheMissRatio?.value
            case .instructionsPerCycle: node.instructionsPerCycle?.value
            case .cpuRequested: ratio(node.requested.cpu, allocatable.cpu)
            case .memoryRequested: ratio(node.requested.memory, allocatable.memory)
            case .pods: Double(node.podCount)
            case .replicas: Double(replicas)
            case .replicaRate: replicaRate
            case .replicaRequest: service.requests.cpu
            case .replicaLimit: service.cpuLimit
            case .replicaCPU: ratio(replicaCores, Double(replicas))
            case .replicaUtilization: replicaShare.flatMap { ratio(ratio(replicaCores, Double(replicas)), $0) }
            case .cpuPerRequest: replicaRate.flatMap { ratio(ratio(replicaCores, Double(replicas)), $0) }
            case .neighbourCPU:
                replicaCores.flatMap { own in ratio(node.cpuUsage.map { max(0, $0.value - own) }, allocatable.cpu) }
            case .neighbourRequested:
                ratio(max(0, node.requested.cpu - Double(replicas) * service.requests.cpu), allocatable.cpu)
            case .cpuUsedChange: cpuUsedChange
            case .rateChange: rateChange
            case .p99Before: p99Before
            case .backlog:
                replicaRate.flatMap { rate in ratio(requestRate, rate * Double(replicas)).map { $0 - 1 } }
            case .p99Elsewhere: p99Elsewhere
            case .neighbourRisk: neighbourRisk
            }
        }

        /// Requests per second to each replica.
        private var replicaRate: Double? { ratio(service.arrivalRate?.value, Double(allReplicas)) }

        /// Cores that a replica gets when all pods of the node want CPU; `nil` where it requests none.
        private var replicaShare: Double? {
            guard node.requested.cpu > 0, service.requests.cpu > 0 else { return nil }
            return node.allocatable.cpu * service.requests.cpu / node.requested.cpu
        }

        private var cpuUsedChange: Double? {
            guard let now = ratio(node.cpuUsage?.value, node.allocatable.cpu), let nodeBefore,
                let then = ratio(nodeBefore.cpuUsage?.value, nodeBefore.allocatable.cpu)
            else { return nil }
            return now - then
        }

        private var rateChange: Double? {
            guard let now = service.arrivalRate?.value, let then = service.previousArrivalRate?.value, now > 0, then > 0
            else { return nil }
            return log2(now / then)
        }

        private func ratio(_ value: Double?, _ whole: Double) -> Double? {
            guard let value, whole > 0 else { return nil }
            return value / whole
        }
    }
}
