import Foundation
import Windows

/// What an agent sees of the whole cluster: names and values in one order.
extension ObservationEncoder {
    /// The beginning of the context row.
    static let clusterFeatures: [Feature] = [
        Feature("is placement", .decision),
        Feature("is control", .decision),
        Feature("cpu requested / allocatable, all nodes", .objects),
        Feature("cpu used / allocatable, all nodes", .usage),
        Feature("cpu used is measured", .usage),
        Feature("memory requested / allocatable, all nodes", .objects),
        Feature("pending / all replicas", .objects),
        Feature("schedulable / all nodes", .objects),
        Feature("pending pod: cpu request / mean allocatable", .objects),
        Feature("pending pod: memory request / mean allocatable", .objects),
        Feature("pending pod: log2(1 + age / interval)", .objects),
        Feature("pending pod: requests no cpu", .objects),
    ]

    func encodeContext(
        _ decision: Decision, _ snapshot: ClusterSnapshot, _ scale: ClusterScale, into row: inout MutableSpan<Float>
    ) {
        var cursor = FeatureCursor(position: 0)
        var pod: Pod?
        if case .placement(let podIndex) = decision.kind { pod = snapshot.pods[podIndex] }
        cursor.put(pod == nil ? 0 : 1, into: &row)
        cursor.put(pod == nil ? 1 : 0, into: &row)
        cursor.put(scale.requested.cpu / max(1e-9, scale.allocatable.cpu), into: &row)
        cursor.put(measured: scale.used, into: &row)
        cursor.put(scale.requested.memory / max(1, scale.allocatable.memory), into: &row)
        let pending = replicas.reduce(0) { $0 + $1.pending }
        cursor.put(Double(pending) / Double(max(1, scale.replicas)), into: &row)
        cursor.put(Double(scale.schedulable) / Double(max(1, snapshot.nodes.count)), into: &row)
        if let pod {
            cursor.put(pod.requests.cpu / scale.mean.cpu, into: &row)
            cursor.put(pod.requests.memory / scale.mean.memory, into: &row)
            cursor.put(log2(1 + max(0, snapshot.time - pod.created) / snapshot.interval), into: &row)
            cursor.put(pod.requests.cpu > 0 ? 0 : 1, into: &row)
        } else {
            cursor.position += 4
        }
        let width = Self.serviceWidth
        let count = snapshot.services.count
        for feature in 0..<(count > 0 ? width : 0) {
            var sum: Float = 0
            var greatest = -Float.infinity
            for service in 0..<count {
                let value = serviceRows[service * width + feature]
                sum += value
                greatest = max(greatest, value)
            }
            row[cursor.position + feature] = sum / Float(count)
            row[cursor.position + width + feature] = greatest
        }
        assert(cursor.position + 2 * width == row.count)
    }

    /// Sums over the nodes that many features are relative to.
    struct ClusterScale {
        var largest = Resources(cpu: 1e-9, memory: 1)
        var mean = Resources()
        var allocatable = Resources()
        var requested = Resources()
        var used: Double? = 0
        var schedulable = 0
        var replicas = 0

        init(_ snapshot: ClusterSnapshot) {
            var measuredNodes = 0
            var usedOfMeasured = 0.0
            var allocatableOfMeasured = 0.0
            for node in snapshot.nodes {
                largest.cpu = max(largest.cpu, node.allocatable.cpu)
                largest.memory = max(largest.memory, node.allocatable.memory)
                allocatable += node.allocatable
                requested += node.requested
                if node.isSchedulable { schedulable += 1 }
                if let usage = node.cpuUsage {
                    measuredNodes += 1
                    usedOfMeasured += usage.value
                    allocatableOfMeasured += node.allocatable.cpu
                }
            }
            let count = Double(max(1, snapshot.nodes.count))
            mean = Resources(cpu: max(1e-9, allocatable.cpu / count), memory: max(1, allocatable.memory / count))
            used = allocatableOfMeasured > 0 ? usedOfMeasured / allocatableOfMeasured : nil
            for service in snapshot.services { replicas += service.replicas }
        }
    }
}
