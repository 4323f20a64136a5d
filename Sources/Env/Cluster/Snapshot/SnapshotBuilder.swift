public import Windows

/// Keeps a `ClusterSnapshot` true while objects change and readings come in: the only maker of snapshots, whether the
/// cluster is simulated, live, or watched by the extender.
///
/// Objects are nodes, services and pods, changed one at a time at constant cost; readings are what counters, gauges and
/// whoever counts requests said, each with the time at which it was read. `prepare(at:)` turns readings into the
/// measured values of the snapshot: which of them are fresh, over what window, and what is missing.
///
/// Indices of nodes and services stay until they are removed. Removing a pod moves the last one to its place.
public struct SnapshotBuilder: Sendable, Codable {
    /// The cluster as of the last change; measured values as of the last `prepare(at:)`.
    public private(set) var snapshot: ClusterSnapshot
    /// Seconds after which a value counts as missing.
    public let maximumAge: Double
    // Each parallel to the snapshot's array.
    @usableFromInline var nodeWindows: [WindowAssembler] = []
    @usableFromInline var podWindows: [UsageWindow] = []
    @usableFromInline var requestWindows: [RequestWindow] = []
    /// Replicas that each service's disruption budget lets go; `nil` without a budget.
    private var budgets: [Int?] = []
    /// Scratch of `prepare(at:)`: sums over each service's ready replicas.
    private var sums: [ReplicaSum] = []

    private struct ReplicaSum: Codable {
        var ready = 0
        var measured = 0
        var cpu = 0.0
        /// The measured replica whose measuring ended first.
        var oldest: Measured?
    }

    /// A cluster without nodes.
    /// - Parameters:
    ///   - interval: length of the control interval in seconds, above 0; windows are about as long.
    ///   - maximumAge: seconds after which a value counts as missing, above 0.
    public init(interval: Double, maximumAge: Double) {
        snapshot = ClusterSnapshot(interval: interval)
        self.maximumAge = maximumAge
    }

    // MARK: Nodes

    /// Adds a node. What it requests beside the snapshot's pods may be set already.
    /// - Parameter scope: what of its machine is the node.
    /// - Returns: its index.
    @discardableResult
    public mutating func addNode(_ node: Node, scope: NodeScope = NodeScope()) -> Int {
        snapshot.nodes.append(node)
        nodeWindows.append(
            WindowAssembler(
                scope: scope, length: snapshot.interval, maximumAge: max(maximumAge, .leastNonzeroMagnitude)))
        return snapshot.nodes.count - 1
    }

    /// Changes what pods may request on the node at `index`, and how many there may be.
    public mutating func changeNode(_ index: Int, allocatable: Resources, maximumPods: Int) {
        snapshot.nodes[index].allocatable = allocatable
        snapshot.nodes[index].maximumPods = maximumPods
    }

    /// Says whether pods may be placed on the node at `index`.
    public mutating func setSchedulable(_ index: Int, _ isSchedulable: Bool) {
        snapshot.nodes[index].isSchedulable = isSchedulable
    }

    /// Forgets what was read of the node at `index`, which is gone but keeps its index.
    public mutating func forgetReadings(ofNode index: Int) {
        let old = nodeWindows[index]
        nodeWindows[index] = WindowAssembler(scope: old.scope, length: old.length, maximumAge: old.maximumAge)
    }

    /// Removes the node at `index`; the last one takes its index. Its pods have none. Cost: O(pods).
    public mutating func removeNode(_ index: Int) {
        let last = snapshot.nodes.count - 1
        snapshot.nodes.swapAt(index, last)
        nodeWindows.swapAt(index, last)
        snapshot.nodes.removeLast()
        nodeWindows.removeLast()
        for pod in snapshot.pods.indices {
            if snapshot.pods[pod].node == index {
                snapshot.pods[pod].node = nil
            } else if snapshot.pods[pod].node == last {
                snapshot.pods[pod].node = index
            }
        }
    }

    // MARK: Services

    /// Adds a service without pods.
    /// - Returns: its index.
    @discardableResult
    public mutating func addService(_ service: Service) -> Int {
        snapshot.services.append(service)
        requestWindows.append(RequestWindow())
        budgets.append(nil)
        return snapshot.services.count - 1
    }

    /// Changes the service at `index`: what is desired of it, not what is measured.
    public mutating func changeService<Result>(_ index: Int, _ change: (inout Service) -> Result) -> Result {
        change(&snapshot.services[index])
    }

    /// Removes the service at `index`; the last one takes its index. Its pods belong to none. Cost: O(pods).
    public mutating func removeService(_ index: Int) {
        let last = snapshot.services.count - 1
        snapshot.services.swapAt(index, last)
        requestWindows.swapAt(index, last)
        budgets.swapAt(index, last)
        snapshot.services.removeLast()
        requestWindows.removeLast()
        budgets.removeLast()
        for pod in snapshot.pods.indices {
            if snapshot.pods[pod].service == index {
                snapshot.pods[pod].service = nil
            } else if snapshot.pods[pod].service == last {
                snapshot.pods[pod].service = index
            }
        }
    }

    /// Says how many ready replicas of the service at `index` its disruption budget lets go now.
    /// - Parameter allowed: 0 or more; `nil` without a budget: then all ready replicas may go.
    public mutating func setDisruptionsAllowed(_ index: Int, _ allowed: Int?) {
        budgets[index] = allowed
        if let allowed { snapshot.services[index].disruptionsAllowed = allowed }
    }

    // MARK: Pods

    /// Adds a pod.
    /// - Returns: its index.
    @discardableResult
    public mutating func addPod(_ pod: Pod) -> Int {
        snapshot.pods.append(pod)
        podWindows.append(UsageWindow(length: snapshot.interval))
        charge(snapshot.pods.count - 1, 1)
        return snapshot.pods.count - 1
    }

    /// Binds the pod at `index` to a node, moves it, or (`nil`) takes it off its node.
    public mutating func movePod(_ index: Int, to node: Int?) {
        charge(index, -1)
        snapshot.pods[index].node = node
        charge(index, 1)
    }

    /// Says where in its life the pod at `index` is.
    public mutating func setPhase(_ index: Int, _ phase: Pod.Phase) {
        snapshot.pods[index].phase = phase
    }

    /// Changes what the pod at `index` requests.
    public mutating func resizePod(_ index: Int, _ requests: Resources) {
        charge(index, -1)
        snapshot.pods[index].requests = requests
        charge(index, 1)
    }

    /// Says of which service the pod at `index` is a replica.
    public mutating func setService(ofPod index: Int, _ service: Int?) {
        snapshot.pods[index].service = service
    }

    /// Removes the pod at `index`; the last one takes its place.
    public mutating func removePod(_ index: Int) {
        charge(index, -1)
        let last = snapshot.pods.count - 1
        if index != last {
            snapshot.pods.swapAt(index, last)
            podWindows.swapAt(index, last)
        }
        snapshot.pods.removeLast()
        podWindows.removeLast()
    }

    /// Adds the pod at `index` to its node's requests, or takes it away.
    private mutating func charge(_ index: Int, _ sign: Double) {
        guard let node = snapshot.pods[index].node else { return }
        let requests = snapshot.pods[index].requests
        snapshot.nodes[node].requested += Resources(cpu: sign * requests.cpu, memory: sign * requests.memory)
        snapshot.nodes[node].podCount += Int(sign)
        // Without pods nothing is requested, whatever rounding left.
        if snapshot.nodes[node].podCount == 0 { snapshot.nodes[node].requested = Resources() }
    }

    // MARK: Readings

    /// Takes in what a source said of the node at `index`.
    @inlinable
    public mutating func add(_ reading: NodeReading, ofNode index: Int) { nodeWindows[index].add(reading) }

    /// Takes in a window of the PCM of the node at `index`.
    @inlinable
    public mutating func add(_ figures: PCMFigures, ofNode index: Int) { nodeWindows[index].add(figures) }

    /// Takes in what cadvisor read of the node at `index`.
    @inlinable
    public mutating func add(_ reading: UsageReading, ofNode index: Int) { nodeWindows[index].add(reading) }

    /// Takes in what cadvisor read of the pod at `index`.
    @inlinable
    public mutating func add(_ reading: UsageReading, ofPod index: Int) { podWindows[index].add(reading) }

    /// Takes in what was seen of the requests of the service at `index`.
    @inlinable
    public mutating func add(_ sample: RequestSample, ofService index: Int) { requestWindows[index].add(sample) }

    /// Says what time it is, and leaves measured values as they were.
    public mutating func setTime(_ now: Double) { snapshot.time = now }

    /// Makes the measured values, and what follows from the pods' phases, true as of `now`.
    ///
    /// A service's CPU is the mean of its measured ready replicas times the ready ones: the replica that has just become
    /// ready has no window yet. It is missing where none was measured. Cost: O(nodes + pods + services).
    public mutating func prepare(at now: Double) {
        snapshot.time = now
        Self.prepareNodes(&snapshot.nodes, nodeWindows, now, maximumAge)
        if sums.count != snapshot.services.count {
            sums = Array(repeating: ReplicaSum(), count: snapshot.services.count)
        }
        Self.preparePods(&snapshot.pods, podWindows, now, maximumAge, &sums)
        Self.prepareServices(&snapshot.services, requestWindows, budgets, sums, now, maximumAge)
    }

    // Arrays are read and written as spans: an element that is only looked at is not copied, nor what it refers to.

    private static func prepareNodes(
        _ nodes: inout [Node], _ windows: [WindowAssembler], _ now: Double, _ maximumAge: Double
    ) {
        let windows = windows.span
        var nodes = nodes.mutableSpan
        for index in nodes.indices {
            nodes[index].cpuUsage = windows[index].usage.cpu.fresh(at: now, maximumAge: maximumAge)
            nodes[index].memoryUsage = windows[index].usage.memory.fresh(at: now, maximumAge: maximumAge)
            if let figures = windows[index].figures, figures.age(at: now) <= maximumAge {
                nodes[index].memoryBandwidth = figures.measured(figures.memoryBandwidth)
                nodes[index].cacheMissRatio = figures.measured(figures.cacheMissRatio)
                nodes[index].instructionsPerCycle = figures.measured(figures.instructionsPerCycle)
            } else {
                nodes[index].memoryBandwidth = nil
                nodes[index].cacheMissRatio = nil
                nodes[index].instructionsPerCycle = nil
            }
            guard windows[index].hasStandIn else { continue }
            nodes[index].cpuUsage = windows[index].value(.cpu, at: now)
            nodes[index].memoryUsage = windows[index].value(.memory, at: now)
        }
    }

    private static func preparePods(
        _ pods: inout [Pod], _ windows: [UsageWindow], _ now: Double, _ maximumAge: Double,
        _ sums: inout [ReplicaSum]
    ) {
        let windows = windows.span
        var pods = pods.mutableSpan
        var sums = sums.mutableSpan
        for index in sums.indices { sums[index] = ReplicaSum() }
        for index in pods.indices {
            let usage = windows[index].cpu.fresh(at: now, maximumAge: maximumAge)
            pods[index].cpuUsage = usage
            guard pods[index].phase == .ready, let service = pods[index].service else { continue }
            sums[service].ready += 1
            guard let usage else { continue }
            sums[service].measured += 1
            sums[service].cpu += usage.value
            if usage.time < sums[service].oldest?.time ?? .infinity { sums[service].oldest = usage }
        }
    }

    private static func prepareServices(
        _ services: inout [Service], _ windows: [RequestWindow], _ budgets: [Int?], _ sums: [ReplicaSum],
        _ now: Double, _ maximumAge: Double
    ) {
        let (windows, budgets, sums) = (windows.span, budgets.span, sums.span)
        var services = services.mutableSpan
        for index in services.indices {
            services[index].arrivalRate = windows[index].arrivalRate.fresh(at: now, maximumAge: maximumAge)
            services[index].previousArrivalRate =
                services[index].arrivalRate == nil ? nil : windows[index].previousArrivalRate
            services[index].throughput = windows[index].throughput.fresh(at: now, maximumAge: maximumAge)
            services[index].errorShare = windows[index].errorShare.fresh(at: now, maximumAge: maximumAge)
            services[index].latencyP50 = windows[index].latencyP50.fresh(at: now, maximumAge: maximumAge)
            services[index].latencyP95 = windows[index].latencyP95.fresh(at: now, maximumAge: maximumAge)
            services[index].latencyP99 = windows[index].latencyP99.fresh(at: now, maximumAge: maximumAge)
            let sum = sums[index]
            services[index].cpuUsage = sum.oldest.map {
                Measured(
                    sum.cpu * Double(sum.ready) / Double(sum.measured), at: $0.time, over: $0.seconds, by: $0.source)
            }
            if budgets[index] == nil { services[index].disruptionsAllowed = sum.ready }
        }
    }
}
