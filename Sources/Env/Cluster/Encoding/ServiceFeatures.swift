import Foundation
import Windows

/// What an agent sees of a service: names and values in one order.
extension ObservationEncoder {
    /// Part of a candidate's row, and as mean and maximum over services of the context row.
    static let serviceFeatures: [Feature] = [
        Feature("log2(p99 / objective)", .requests),
        Feature("p99 is measured", .requests),
        Feature("error share", .requests),
        Feature("error share is measured", .requests),
        Feature("cpu used / requested by ready replicas", .usage),
        Feature("cpu used is measured", .usage),
        Feature("log2(rate / rate before)", .requests),
        Feature("both rates are measured", .requests),
        Feature("throughput / rate", .requests),
        Feature("throughput is measured", .requests),
        Feature("ready / desired replicas", .objects),
        Feature("pending / desired replicas", .objects),
        Feature("desired / most replicas", .objects),
        Feature("cpu request / mean allocatable of a node", .objects),
        Feature("memory request / mean allocatable of a node", .objects),
        Feature("cpu limit / cpu request", .objects),
        Feature("age of p99 / interval", .requests),
        Feature("disruptions allowed / desired replicas", .objects),
        Feature("is resized in place", .objects),
    ]

    mutating func encodeServices(_ snapshot: ClusterSnapshot, _ scale: ClusterScale) {
        serviceRows.removeAll(keepingCapacity: true)
        serviceRows.append(contentsOf: repeatElement(0, count: snapshot.services.count * Self.serviceWidth))
        let replicas = replicas
        var rows = serviceRows.mutableSpan
        for (index, service) in snapshot.services.enumerated() {
            var cursor = FeatureCursor(position: index * Self.serviceWidth)
            let desired = Double(max(1, service.replicas))
            let ready = Double(replicas[index].ready)
            cursor.put(
                measured: service.latencyP99.map { log2(max(1e-6, $0.value / service.latencyObjective)) }, into: &rows)
            cursor.put(measured: service.errorShare?.value, into: &rows)
            let requested = ready * service.requests.cpu
            cursor.put(measured: requested > 0 ? service.cpuUsage.map { $0.value / requested } : nil, into: &rows)
            var trend: Double?
            if let rate = service.arrivalRate, let before = service.previousArrivalRate {
                trend = log2((rate.value + 1e-3) / (before.value + 1e-3))
            }
            cursor.put(measured: trend, into: &rows)
            var answered: Double?
            if let rate = service.arrivalRate, rate.value > 0 {
                answered = service.throughput.map { $0.value / rate.value }
            }
            cursor.put(measured: answered, into: &rows)
            cursor.put(ready / desired, into: &rows)
            cursor.put(Double(replicas[index].pending) / desired, into: &rows)
            cursor.put(Double(service.replicas) / Double(max(1, service.maximumReplicas)), into: &rows)
            cursor.put(service.requests.cpu / scale.mean.cpu, into: &rows)
            cursor.put(service.requests.memory / scale.mean.memory, into: &rows)
            cursor.put(service.cpuLimit.map { $0 / max(1e-3, service.requests.cpu) } ?? Self.bound, into: &rows)
            cursor.put((service.latencyP99?.age(at: snapshot.time) ?? 0) / snapshot.interval, into: &rows)
            cursor.put(Double(service.disruptionsAllowed) / desired, into: &rows)
            cursor.put(service.resizing == .inPlace ? 1 : 0, into: &rows)
            assert(cursor.position == (index + 1) * Self.serviceWidth)
        }
    }
}
