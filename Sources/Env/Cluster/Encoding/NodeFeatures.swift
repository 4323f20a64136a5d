import Windows

/// What an agent sees of a node: names and values in one order.
extension ObservationEncoder {
    /// One row for each node.
    static let nodeFeatures: [Feature] = [
        Feature("cpu requested / allocatable", .objects),
        Feature("memory requested / allocatable", .objects),
        Feature("pods / most pods", .objects),
        Feature("is schedulable", .objects),
        Feature("allocatable cpu / largest", .objects),
        Feature("allocatable memory / largest", .objects),
        Feature("cpu used / allocatable", .usage),
        Feature("cpu used is measured", .usage),
        Feature("memory used / allocatable", .usage),
        Feature("memory used is measured", .usage),
        Feature("memory bandwidth / peak", .pcm),
        Feature("memory bandwidth is measured", .pcm),
        Feature("cache miss ratio", .pcm),
        Feature("cache miss ratio is measured", .pcm),
        Feature("instructions per cycle / 4", .pcm),
        Feature("instructions per cycle is measured", .pcm),
        Feature("age of cpu used / interval", .usage),
        Feature("replicas / all replicas", .objects),
    ]

    func encodeNodes(_ snapshot: ClusterSnapshot, _ scale: ClusterScale, into rows: inout MutableSpan<Float>) {
        for (index, node) in snapshot.nodes.enumerated() {
            var cursor = FeatureCursor(position: index * Self.nodeWidth)
            let cpu = max(1e-9, node.allocatable.cpu)
            let memory = max(1, node.allocatable.memory)
            cursor.put(node.requested.cpu / cpu, into: &rows)
            cursor.put(node.requested.memory / memory, into: &rows)
            cursor.put(Double(node.podCount) / Double(max(1, node.maximumPods)), into: &rows)
            cursor.put(node.isSchedulable ? 1 : 0, into: &rows)
            cursor.put(node.allocatable.cpu / scale.largest.cpu, into: &rows)
            cursor.put(node.allocatable.memory / scale.largest.memory, into: &rows)
            cursor.put(measured: node.cpuUsage.map { $0.value / cpu }, into: &rows)
            cursor.put(measured: node.memoryUsage.map { $0.value / memory }, into: &rows)
            var bandwidth: Double?
            if let used = node.memoryBandwidth, let peak = node.peakMemoryBandwidth { bandwidth = used.value / peak }
            cursor.put(measured: bandwidth, into: &rows)
            cursor.put(measured: node.cacheMissRatio?.value, into: &rows)
            cursor.put(measured: node.instructionsPerCycle.map { $0.value / 4 }, into: &rows)
            cursor.put((node.cpuUsage?.age(at: snapshot.time) ?? 0) / snapshot.interval, into: &rows)
            cursor.put(Double(replicasOnNode[index]) / Double(max(1, scale.replicas)), into: &rows)
            assert(cursor.position == (index + 1) * Self.nodeWidth)
        }
    }
}
