public import Cluster
public import Kubernetes
public import Telemetry

/// A real cluster as its API server shows it: the snapshot that decisions are made on, kept up to date change by
/// change.
///
/// Pods change in place at constant cost, but for the last pod of a service, O(pods). What changes the indices of nodes
/// (one that comes or goes) and what is under control (a new scheduler) marks the snapshot for one rebuild at the next
/// decision, O(nodes + pods). Pods are in no particular order: who needs the queue sorts them by creation.
public struct ClusterModel: Sendable {
    /// Which services are under control: part of the snapshot.
    public enum Scope: Sendable, Hashable {
        /// Those whose pods' scheduler has asked for a placement.
        case askingSchedulers
        /// Those of one namespace.
        case namespace(String)
    }

    /// The cluster as of the last `prepare(now:)`.
    public private(set) var snapshot: ClusterSnapshot
    /// Index of each node in the snapshot.
    public private(set) var nodeIndex: [String: Int] = [:]
    /// Seconds after which a measurement counts as missing.
    public let maximumAge: Double
    private let maximumReplicas: Int
    private let objective: Double
    private let scope: Scope
    private let peakMemoryBandwidth: Double?

    private var nodes: [String: Kubernetes.Node] = [:]
    /// Parallel to `snapshot.pods`.
    private var entries: [PodEntry] = []
    private var podIndex: [String: Int] = [:]
    private var podIndexByName: [CadvisorScrape.PodName: Int] = [:]
    /// Parallel to `snapshot.services`.
    private var serviceKeys: [ServiceKey] = []
    private var serviceIndex: [ServiceKey: Int] = [:]
    /// Schedulers that have asked: their pods' services are the ones under control.
    private var schedulers: Set<String> = []
    /// When each assumption ends, by the pod's identity.
    private var assumedUntil: [String: Double] = [:]
    private var usage: [String: ResourceUsage] = [:]
    private var nextPodID = 0
    private var needsRebuild = false
    private var refreshed = -Double.infinity

    /// A model of a cluster of which nothing is known yet.
    /// - Parameters:
    ///   - interval: length of the control interval in seconds.
    ///   - maximumAge: seconds after which a measurement counts as missing.
    ///   - maximumReplicas: most replicas of a service, which the API does not tell.
    ///   - objective: latency objective in seconds of services whose pods have no annotation that says it
    ///     (`LatencyObjective`).
    ///   - scope: which services are under control.
    ///   - peakMemoryBandwidth: peak memory bandwidth of a node in bytes/s, which the API does not tell; `nil` where it
    ///     is not known.
    public init(
        interval: Double, maximumAge: Double, maximumReplicas: Int, objective: Double = 1,
        scope: Scope = .askingSchedulers, peakMemoryBandwidth: Double? = nil
    ) {
        snapshot = ClusterSnapshot(interval: interval)
        self.maximumAge = maximumAge
        self.maximumReplicas = maximumReplicas
        self.objective = objective
        self.scope = scope
        self.peakMemoryBandwidth = peakMemoryBandwidth
    }

    /// Nodes that are known, whether or not they have reported what pods may request.
    public var nodeCount: Int { nodes.count }
    /// Pods that have not finished.
    public var podCount: Int { entries.count }
    /// Pods that are assumed on a node.
    public var assumedCount: Int { entries.count { $0.boundNode == nil && $0.assumedNode != nil } }
    /// Nodes whose CPU use was measured and is fresh, as of the last `prepare(now:)`.
    public var measuredNodeCount: Int { snapshot.nodes.count { $0.cpuUsage != nil } }

    // MARK: Changes

    /// Takes in a change of a node.
    public mutating func apply(_ change: ObjectChange<Kubernetes.Node>) {
        switch change {
        case .added(let node):
            nodes[node.metadata.name] = node
            needsRebuild = true
        case .updated(_, let node):
            nodes[node.metadata.name] = node
            guard !needsRebuild else { return }
            if let index = nodeIndex[node.metadata.name], let fresh = Self.makeNode(node) {
                snapshot.nodes[index].allocatable = fresh.allocatable
                snapshot.nodes[index].maximumPods = fresh.maximumPods
                snapshot.nodes[index].isSchedulable = fresh.isSchedulable
            } else {
                needsRebuild = true
            }
        case .removed(let node):
            nodes[node.metadata.name] = nil
            usage[node.metadata.name] = nil
            needsRebuild = true
        }
    }

    /// Takes in a change of a pod, seen at `now`, in seconds since 1970.
    public mutating func apply(_ change: ObjectChange<Kubernetes.Pod>, now: Double) {
        switch change {
        case .added(let pod), .updated(_, let pod):
            if pod.isTerminated { remove(PodEntry.identity(of: pod)) } else { put(pod, now: now) }
        case .removed(let pod): remove(PodEntry.identity(of: pod))
        }
    }

    /// Takes in what was measured of `node` and its pods.
    public mutating func apply(
        _ measured: ResourceUsage, pods: [CadvisorScrape.PodName: ResourceUsage], of node: String
    ) {
        guard nodes[node] != nil else { return }
        usage[node] = measured
        for (name, measured) in pods {
            if let index = podIndexByName[name] { entries[index].cpu = measured.cpuCores }
        }
        refreshed = -.infinity
    }

    private mutating func put(_ pod: Kubernetes.Pod, now: Double) {
        var entry = PodEntry(pod, isProvisional: false, now: now)
        guard let index = podIndex[entry.identity] else { return append(entry) }
        let old = entries[index]
        // An assumption stands until the API server binds the pod or its time is up.
        if entry.boundNode == nil { entry.assumedNode = old.assumedNode } else { assumedUntil[entry.identity] = nil }
        entry.cpu = old.cpu
        let service = detach(index)
        podIndexByName[old.name] = nil
        podIndexByName[entry.name] = index
        entries[index] = entry
        attach(index)
        dropIfEmpty(service)
    }

    private mutating func append(_ entry: PodEntry) {
        let index = entries.count
        podIndex[entry.identity] = index
        podIndexByName[entry.name] = index
        entries.append(entry)
        snapshot.pods.append(
            Cluster.Pod(
                id: nextPodID, name: "\(entry.name.namespace)/\(entry.name.name)", requests: entry.requests,
                created: entry.created))
        nextPodID += 1
        attach(index)
    }

    private mutating func remove(_ identity: String) {
        assumedUntil[identity] = nil
        guard let index = podIndex.removeValue(forKey: identity) else { return }
        dropIfEmpty(detach(index))
        if podIndexByName[entries[index].name] == index { podIndexByName[entries[index].name] = nil }
        let last = entries.count - 1
        if index != last {
            entries.swapAt(index, last)
            snapshot.pods.swapAt(index, last)
            podIndex[entries[index].identity] = index
            if podIndexByName[entries[index].name] == last { podIndexByName[entries[index].name] = index }
        }
        entries.removeLast()
        snapshot.pods.removeLast()
    }

    /// Adds the pod at `index` to its node and service.
    private mutating func attach(_ index: Int) {
        guard !needsRebuild else { return }
        let entry = entries[index]
        snapshot.pods[index].requests = entry.requests
        snapshot.pods[index].phase = entry.phase
        snapshot.pods[index].node = nil
        snapshot.pods[index].service = nil
        if let name = entry.node, let node = nodeIndex[name] {
            snapshot.pods[index].node = node
            snapshot.nodes[node].requested += entry.requests
            snapshot.nodes[node].podCount += 1
        }
        if let service = self.service(of: entry) {
            snapshot.pods[index].service = service
            if !entry.isTerminating { snapshot.services[service].replicas += 1 }
            if entry.phase == .pending {
                // What the newest replicas request is what the next ones will.
                snapshot.services[service].requests = entry.requests
                snapshot.services[service].cpuLimit = entry.cpuLimit
            }
        }
    }

    /// Index of the pod's service, which is made where there is none; `nil` for a pod of no service under control, and
    /// for a terminating pod that is the last of its service.
    private mutating func service(of entry: PodEntry) -> Int? {
        guard let key = entry.service, isInScope(entry) else { return nil }
        if let index = serviceIndex[key] { return index }
        guard !entry.isTerminating else { return nil }
        serviceIndex[key] = serviceKeys.count
        serviceKeys.append(key)
        snapshot.services.append(
            Cluster.Service(
                name: "\(key.namespace)/\(key.name)", replicas: 0, maximumReplicas: maximumReplicas,
                requests: entry.requests, cpuLimit: entry.cpuLimit, latencyObjective: objective))
        return serviceKeys.count - 1
    }

    private func isInScope(_ entry: PodEntry) -> Bool {
        switch scope {
        case .askingSchedulers: entry.scheduler.map { schedulers.contains($0) } ?? false
        case .namespace(let namespace): entry.name.namespace == namespace
        }
    }

    /// Takes the pod at `index` away from its node and service.
    /// - Returns: the index of the service.
    @discardableResult
    private mutating func detach(_ index: Int) -> Int? {
        guard !needsRebuild else { return nil }
        if let node = snapshot.pods[index].node {
            snapshot.nodes[node].requested -= snapshot.pods[index].requests
            snapshot.nodes[node].podCount -= 1
        }
        if let service = snapshot.pods[index].service, !entries[index].isTerminating {
            snapshot.services[service].replicas -= 1
        }
        return snapshot.pods[index].service
    }

    /// Removes a service of which at most terminating pods are left; the last one takes its index.
    private mutating func dropIfEmpty(_ index: Int?) {
        guard let index, !needsRebuild, snapshot.services[index].replicas == 0 else { return }
        let last = serviceKeys.count - 1
        serviceIndex[serviceKeys[last]] = index
        serviceIndex[serviceKeys[index]] = nil
        serviceKeys.swapAt(index, last)
        serviceKeys.removeLast()
        snapshot.services.swapAt(index, last)
        snapshot.services.removeLast()
        for pod in snapshot.pods.indices {
            if snapshot.pods[pod].service == index {
                snapshot.pods[pod].service = nil
            } else if snapshot.pods[pod].service == last {
                snapshot.pods[pod].service = index
            }
        }
    }

    // MARK: Decisions

    /// Makes `pod` part of the snapshot, pending, and the snapshot true as of `now`.
    /// - Returns: the pod's index in `snapshot.pods`.
    public mutating func prepare(_ pod: Kubernetes.Pod, now: Double) -> Int {
        if let scheduler = pod.schedulerName, schedulers.insert(scheduler).inserted { needsRebuild = true }
        expireAssumptions(now: now)
        let identity = PodEntry.identity(of: pod)
        if let index = podIndex[identity] {
            // Asked again: where it was assumed is where it did not come to run.
            assume(index, on: nil)
            assumedUntil[identity] = nil
        } else {
            append(PodEntry(pod, isProvisional: true, now: now))
        }
        // Of a pod that the watch never shows nothing shall be left.
        if let index = podIndex[identity], entries[index].isProvisional { assumedUntil[identity] = now + 60 }
        prepare(now: now)
        let index = podIndex[identity] ?? 0
        if let service = snapshot.pods[index].service {
            snapshot.services[service].latencyObjective =
                pod.metadata.latencyObjective.flatMap(LatencyObjective.seconds) ?? objective
        }
        return index
    }

    /// Makes the snapshot true as of `now`.
    public mutating func prepare(now: Double) {
        expireAssumptions(now: now)
        if needsRebuild { rebuild() }
        snapshot.time = now
        if now - refreshed >= 1 || now < refreshed { refresh(now: now) }
    }

    /// Takes the pod at `index` to be on `node` until `deadline`.
    public mutating func assume(podAt index: Int, on node: String, until deadline: Double) {
        guard entries[index].boundNode == nil else { return }
        assume(index, on: node)
        assumedUntil[entries[index].identity] = deadline
    }

    private mutating func assume(_ index: Int, on node: String?) {
        detach(index)
        entries[index].assumedNode = node
        attach(index)
    }

    private mutating func expireAssumptions(now: Double) {
        guard !assumedUntil.isEmpty else { return }
        for identity in assumedUntil.filter({ $0.value <= now }).keys {
            assumedUntil[identity] = nil
            guard let index = podIndex[identity] else { continue }
            if entries[index].isProvisional { remove(identity) } else { assume(index, on: nil) }
        }
    }

    // MARK: Rebuilding

    private mutating func rebuild() {
        needsRebuild = false
        refreshed = -.infinity
        snapshot.nodes = nodes.values.compactMap(Self.makeNode).sorted { $0.name < $1.name }
        nodeIndex = Dictionary(uniqueKeysWithValues: snapshot.nodes.enumerated().map { ($1.name, $0) })
        snapshot.services = []
        serviceKeys = []
        serviceIndex = [:]
        // Pods that stay come first, so that terminating ones find their service.
        for index in entries.indices where !entries[index].isTerminating { attach(index) }
        for index in entries.indices where entries[index].isTerminating { attach(index) }
    }

    /// `nil` for a node that has not reported what pods may request: nothing can be said about it.
    private static func makeNode(_ node: Kubernetes.Node) -> Cluster.Node? {
        guard let cpu = node.allocatableCPU?.value, let memory = node.allocatableMemory?.value, cpu > 0, memory > 0
        else { return nil }
        return Cluster.Node(
            name: node.metadata.name, allocatable: Resources(cpu: cpu, memory: memory),
            maximumPods: node.allocatablePods.map { Int($0.roundedUp) } ?? 110,
            isSchedulable: node.ready == .true && !node.isUnschedulable)
    }

    /// Brings measurements and their ages up to `now`; what is older than `maximumAge` is missing.
    private mutating func refresh(now: Double) {
        refreshed = now
        for index in snapshot.nodes.indices {
            let measured = usage[snapshot.nodes[index].name]
            snapshot.nodes[index].cpuUsage = fresh(measured?.cpuCores, now)
            snapshot.nodes[index].memoryUsage = fresh(measured?.memoryBytes, now)
            snapshot.nodes[index].memoryBandwidth = fresh(measured?.memoryBandwidth, now)
            snapshot.nodes[index].cacheMissRatio = fresh(measured?.cacheMissRatio, now)
            snapshot.nodes[index].instructionsPerCycle = fresh(measured?.instructionsPerCycle, now)
            snapshot.nodes[index].peakMemoryBandwidth = peakMemoryBandwidth
        }
        for index in entries.indices {
            snapshot.pods[index].cpuUsage = fresh(entries[index].cpu, now)
        }
        // A service's CPU stays missing with its rate and latency, which nobody measures here: a policy has met the
        // figures of a service together or not at all.
        for index in snapshot.services.indices {
            let replicas = snapshot.services[index].replicas
            snapshot.services[index].maximumReplicas = max(maximumReplicas, replicas)
            snapshot.services[index].disruptionsAllowed = 0
        }
        // Without a disruption budget every ready replica may go.
        for pod in snapshot.pods where pod.phase == .ready {
            if let service = pod.service { snapshot.services[service].disruptionsAllowed += 1 }
        }
    }

    private func fresh(_ measured: Telemetry.Measurement?, _ now: Double) -> Cluster.Measurement? {
        guard let measured, measured.age(at: now) <= maximumAge else { return nil }
        return Cluster.Measurement(measured.value, age: measured.age(at: now))
    }
}
