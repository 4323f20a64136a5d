import Cluster
import Kubernetes
import LoadGeneration

/// Turns what is known of a live cluster into the snapshot of an episode: nodes and services keep their index for the
/// whole of it, and pods are in order of creation.
struct EpisodeView {
    /// One service of the episode.
    struct Service {
        /// Name of its Deployment.
        var deployment: String
        var objective: Double
        var minimumReplicas: Int
        var maximumReplicas: Int
        /// Bounds of the CPU request, in cores.
        var cpuRequestRange: ClosedRange<Double>
        /// What the load generator measured in the last interval, and in the one before it.
        var measured: LoadInterval?
        var measuredBefore: LoadInterval?
        /// When the last interval ended, in seconds since 1970.
        var measuredAt = 0.0
    }

    /// Seconds since 1970 at the episode's beginning.
    var start: Double
    let interval: Double
    let namespace: String
    var services: [Service]
    private var nodeNames: [String] = []
    /// The last that was known of each node.
    private var lastNodes: [Cluster.Node] = []

    init(start: Double, interval: Double, namespace: String, services: [Service]) {
        (self.start, self.interval, self.namespace, self.services) = (start, interval, namespace, services)
    }

    mutating func snapshot(of view: ClusterWatch.View) -> ClusterSnapshot {
        var snapshot = ClusterSnapshot(time: view.snapshot.time - start, interval: interval)
        let nodeIndex = updateNodes(view)
        snapshot.nodes = lastNodes
        snapshot.services = services.map { makeService($0, view) }
        let serviceNames = Dictionary(
            uniqueKeysWithValues: services.enumerated().map { ("\(namespace)/\($1.deployment)", $0) })
        snapshot.pods = view.snapshot.pods.map { pod in
            var pod = pod
            pod.created -= start
            pod.node = pod.node.map { nodeIndex[$0] }
            pod.service = pod.service.flatMap { serviceNames[view.snapshot.services[$0].name] }
            return pod
        }
        snapshot.pods.sort { ($0.created, $0.id) < ($1.created, $1.id) }
        addUsage(&snapshot, view)
        return snapshot
    }

    /// - Returns: for each node of the view its index in the episode.
    private mutating func updateNodes(_ view: ClusterWatch.View) -> [Int] {
        var present = Set<Int>()
        let indices = view.snapshot.nodes.map { node in
            var node = node
            if view.tainted.contains(node.name) { node.isSchedulable = false }
            let index: Int
            if let known = nodeNames.firstIndex(of: node.name) {
                index = known
                lastNodes[known] = node
            } else {
                index = nodeNames.count
                nodeNames.append(node.name)
                lastNodes.append(node)
            }
            present.insert(index)
            return index
        }
        // A node that is gone keeps its place, takes nothing and is not measured.
        for index in lastNodes.indices where !present.contains(index) {
            let lost = lastNodes[index]
            lastNodes[index] = Cluster.Node(
                name: lost.name, allocatable: lost.allocatable, maximumPods: lost.maximumPods, isSchedulable: false)
        }
        return indices
    }

    private func makeService(_ service: Service, _ view: ClusterWatch.View) -> Cluster.Service {
        let deployment = view.deployments[service.deployment]
        let requests = Resources(
            cpu: deployment?.total("cpu") ?? service.cpuRequestRange.lowerBound,
            memory: deployment?.total("memory") ?? 0)
        var result = Cluster.Service(
            name: service.deployment, replicas: deployment?.desiredReplicas ?? 0,
            minimumReplicas: service.minimumReplicas, maximumReplicas: service.maximumReplicas, requests: requests,
            cpuLimit: deployment?.limit("cpu"), cpuRequestRange: service.cpuRequestRange,
            latencyObjective: service.objective, disruptionsAllowed: 0)
        guard let measured = service.measured, measured.duration > 0 else { return result }
        let age = max(0, view.snapshot.time - service.measuredAt)
        func measurement(_ value: Double) -> Measurement { Measurement(value, age: age) }
        result.arrivalRate = measurement(Double(measured.arrived) / measured.duration)
        result.throughput = measurement(Double(measured.completed) / measured.duration)
        if measured.arrived > 0 {
            result.errorShare = measurement(
                min(1, Double(measured.rejected + measured.timedOut) / Double(measured.arrived)))
        }
        result.latencyP50 = measured.p50.map(measurement)
        result.latencyP95 = measured.p95.map(measurement)
        result.latencyP99 = measured.p99.map(measurement)
        if let before = service.measuredBefore, before.duration > 0 {
            result.previousArrivalRate = measurement(Double(before.arrived) / before.duration)
        }
        return result
    }

    /// A service's CPU use is the sum of its ready replicas', and missing where one of them was not measured.
    private func addUsage(_ snapshot: inout ClusterSnapshot, _ view: ClusterWatch.View) {
        var sums = [Measurement?](repeating: Measurement(0, age: 0), count: services.count)
        var ready = [Int](repeating: 0, count: services.count)
        for pod in snapshot.pods where pod.phase == .ready {
            guard let service = pod.service else { continue }
            ready[service] += 1
            guard let sum = sums[service], let own = pod.cpuUsage else {
                sums[service] = nil
                continue
            }
            sums[service] = Measurement(sum.value + own.value, age: max(sum.age, own.age))
        }
        for service in services.indices {
            snapshot.services[service].cpuUsage = ready[service] > 0 ? sums[service] : nil
            let labels = view.deployments[services[service].deployment]?.templateLabels ?? [:]
            let budgets = view.budgets.filter { $0.selector?.matches(labels) ?? false }
            // Without a disruption budget every ready replica may go.
            snapshot.services[service].disruptionsAllowed =
                budgets.map { $0.disruptionsAllowed ?? 0 }.min() ?? ready[service]
        }
    }
}

extension Deployment {
    /// What its containers request together; `nil` where none says.
    func total(_ resource: String) -> Double? {
        let amounts = containers.compactMap { $0.requests[resource]?.value }
        return amounts.isEmpty ? nil : amounts.reduce(0, +)
    }

    /// What its containers may use together; `nil` unless all have a limit.
    func limit(_ resource: String) -> Double? {
        let amounts = containers.compactMap { $0.limits[resource]?.value }
        return amounts.count == containers.count && !amounts.isEmpty ? amounts.reduce(0, +) : nil
    }
}
