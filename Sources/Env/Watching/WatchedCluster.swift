public import Cluster
public import Kubernetes
public import Telemetry
public import Windows

/// A service that is under control from the beginning and keeps its index: a Deployment.
public struct DeclaredService: Sendable, Hashable {
    /// Name of the Deployment.
    public var deployment: String
    /// The latency that a request should not exceed, in seconds.
    public var objective: Double
    /// Fewest replicas that may be desired.
    public var minimumReplicas: Int
    /// Most replicas that may be desired.
    public var maximumReplicas: Int
    /// Bounds of the CPU request, in cores.
    public var cpuRequestRange: ClosedRange<Double>
    /// How its CPU request is changed.
    public var resizing: ResizeMode

    /// A service with all its parts.
    public init(
        deployment: String, objective: Double, minimumReplicas: Int, maximumReplicas: Int,
        cpuRequestRange: ClosedRange<Double>, resizing: ResizeMode = .rollout
    ) {
        (self.deployment, self.objective) = (deployment, objective)
        (self.minimumReplicas, self.maximumReplicas) = (minimumReplicas, maximumReplicas)
        (self.cpuRequestRange, self.resizing) = (cpuRequestRange, resizing)
    }
}

/// A real cluster as its API server shows it, put into a `SnapshotBuilder` change by change.
///
/// With declared services these are the ones under control, and nodes keep their index after they are gone. Without,
/// services are found by the pods whose scheduler asks for placements; they come and go, and so do nodes.
///
/// A pod changes at constant cost; a node that comes or goes and a service that goes cost O(pods).
public struct WatchedCluster: Sendable {
    private var builder: SnapshotBuilder
    /// Index of each node in the snapshot.
    public private(set) var nodeIndex: [String: Int] = [:]
    private let usage: UsageSettings
    private let maximumReplicas: Int
    private let objective: Double
    private let namespace: String?

    /// What the API server has not said enough of to be in the snapshot: nodes without allocatable resources.
    private var incomplete: Set<String> = []
    /// Nodes that are gone and keep their index.
    private var gone: Set<String> = []
    /// Parallel to `snapshot.pods`.
    private var entries: [PodEntry] = []
    private var podIndex: [String: Int] = [:]
    private var podIndexByName: [CadvisorScrape.PodName: Int] = [:]
    /// Parallel to `snapshot.services`.
    private var serviceKeys: [ServiceKey] = []
    private var serviceLabels: [[String: String]] = []
    private var serviceIndex: [ServiceKey: Int] = [:]
    /// CPU that replicas of declared services request in cores, where it is not what their Deployment says.
    private var cpuRequests: [Int: Double] = [:]
    /// Schedulers that have asked: their pods' services are under control.
    private var schedulers: Set<String> = []
    private var budgets: [String: PodDisruptionBudget] = [:]
    /// When each assumption ends, by the pod's identity.
    private var assumedUntil: [String: Double] = [:]
    private var nextPodID = 0
    private var refreshed = -Double.infinity
    private var recorded: [SnapshotEvent]?

    /// A cluster of which nothing is known yet.
    /// - Parameters:
    ///   - interval: length of the control interval in seconds.
    ///   - usage: how usage is measured.
    ///   - maximumReplicas: most replicas of a service that is found, which the API does not tell.
    ///   - objective: latency objective in seconds of services whose pods have no annotation that says it
    ///     (`LatencyObjective`).
    ///   - namespace: the namespace of `services`.
    ///   - services: the services under control; empty for those whose schedulers ask.
    ///   - isRecorded: whether what the builder is told is kept until `takeEvents`.
    public init(
        interval: Double, usage: UsageSettings, maximumReplicas: Int = 1, objective: Double = 1,
        namespace: String? = nil, services: [DeclaredService] = [], isRecorded: Bool = false
    ) {
        recorded = isRecorded ? [] : nil
        builder = SnapshotBuilder(interval: interval, maximumAge: usage.maximumAge)
        self.usage = usage
        self.maximumReplicas = maximumReplicas
        self.objective = objective
        self.namespace = namespace
        for service in services {
            let key = ServiceKey(namespace: namespace ?? "", kind: Deployment.kind, name: service.deployment)
            add(
                Cluster.Service(
                    name: service.deployment, replicas: 0, minimumReplicas: service.minimumReplicas,
                    maximumReplicas: service.maximumReplicas,
                    requests: Resources(cpu: service.cpuRequestRange.lowerBound),
                    cpuRequestRange: service.cpuRequestRange, resizing: service.resizing,
                    latencyObjective: service.objective), key)
        }
    }

    /// The cluster as of the last change; what is measured, as of the last `prepare(now:)`.
    public var snapshot: ClusterSnapshot {
        _read { yield builder.snapshot }
    }
    /// Seconds after which a value counts as missing.
    public var maximumAge: Double { builder.maximumAge }
    /// Nodes that are known, whether or not they have reported what pods may request.
    public var nodeCount: Int { nodeIndex.count + incomplete.count { nodeIndex[$0] == nil } }
    /// Pods that have not finished.
    public var podCount: Int { entries.count }
    /// Pods that are assumed on a node.
    public var assumedCount: Int { entries.count { $0.boundNode == nil && $0.assumedNode != nil } }
    /// Nodes whose CPU use was measured and is fresh, as of the last `prepare(now:)`.
    public var measuredNodeCount: Int { snapshot.nodes.count { $0.cpuUsage != nil } }
    /// Services whose request rate and p99 were measured and are fresh, as of the last `prepare(now:)`.
    public var measuredServiceCount: Int {
        snapshot.services.count { $0.arrivalRate != nil && $0.latencyP99 != nil }
    }
    private var hasDeclaredServices: Bool { namespace != nil }

    // MARK: The builder

    /// Passes `event` on to the builder, and keeps it where events are recorded.
    private mutating func tell(_ event: SnapshotEvent) {
        guard changesSomething(event) else { return }
        // Of several times in a row only the last shows.
        if case .setTime = event, case .setTime? = recorded?.last { recorded?.removeLast() }
        recorded?.append(event)
        builder.apply(event)
    }

    /// Whether the snapshot says something else already: a pod is updated far more often than what is known of it.
    private func changesSomething(_ event: SnapshotEvent) -> Bool {
        switch event {
        case .changeNode(let index, let allocatable, let maximumPods):
            snapshot.nodes[index].allocatable != allocatable || snapshot.nodes[index].maximumPods != maximumPods
        case .setSchedulable(let index, let isSchedulable): snapshot.nodes[index].isSchedulable != isSchedulable
        case .movePod(let pod, let node): snapshot.pods[pod].node != node
        case .setPhase(let pod, let phase): snapshot.pods[pod].phase != phase
        case .resizePod(let pod, let requests): snapshot.pods[pod].requests != requests
        case .setService(let pod, let service): snapshot.pods[pod].service != service
        default: true
        }
    }

    private mutating func changeService(_ index: Int, _ change: (inout Cluster.Service) -> Void) {
        guard recorded != nil else { return builder.changeService(index, change) }
        let before = snapshot.services[index]
        builder.changeService(index, change)
        let service = snapshot.services[index]
        if service != before { recorded?.append(.changeService(index, service)) }
    }

    /// What the builder has been told since the last call; empty unless it is recorded.
    public mutating func takeEvents() -> [SnapshotEvent] {
        guard let events = recorded else { return [] }
        recorded = []
        return events
    }

    // MARK: Nodes

    /// Takes in a change of a node.
    public mutating func apply(_ change: ObjectChange<Kubernetes.Node>) {
        switch change {
        case .added(let node), .updated(_, let node): put(node)
        case .removed(let node): remove(node: node.metadata.name)
        }
    }

    private mutating func put(_ object: Kubernetes.Node) {
        let name = object.metadata.name
        guard let node = makeNode(object) else {
            // Nothing can be said about a node that has not reported what pods may request.
            remove(node: name)
            incomplete.insert(name)
            return
        }
        incomplete.remove(name)
        gone.remove(name)
        if let index = nodeIndex[name] {
            tell(.changeNode(index, allocatable: node.allocatable, maximumPods: node.maximumPods))
            tell(.setSchedulable(index, node.isSchedulable))
            return
        }
        let index = snapshot.nodes.count
        tell(.addNode(node, scope: usage.scope(of: name)))
        nodeIndex[name] = index
        refreshed = -.infinity
        for pod in entries.indices where entries[pod].node == name { tell(.movePod(pod, node: index)) }
    }

    private mutating func remove(node name: String) {
        incomplete.remove(name)
        guard let index = nodeIndex[name] else { return }
        refreshed = -.infinity
        guard !hasDeclaredServices else {
            gone.insert(name)
            tell(.setSchedulable(index, false))
            tell(.forgetReadings(node: index))
            return
        }
        tell(.removeNode(index))
        nodeIndex[name] = nil
        if index < snapshot.nodes.count { nodeIndex[snapshot.nodes[index].name] = index }
    }

    private func makeNode(_ node: Kubernetes.Node) -> Cluster.Node? {
        guard let cpu = node.allocatableCPU?.value, let memory = node.allocatableMemory?.value, cpu > 0, memory > 0
        else { return nil }
        let isTainted = node.taints.contains { $0.effect == "NoSchedule" || $0.effect == "NoExecute" }
        return Cluster.Node(
            name: node.metadata.name, allocatable: Resources(cpu: cpu, memory: memory),
            maximumPods: node.allocatablePods.map { Int($0.roundedUp) } ?? 110,
            isSchedulable: node.ready == .true && !node.isUnschedulable && !isTainted,
            peakMemoryBandwidth: usage.pcm.peakBandwidth)
    }

    // MARK: Deployments and disruption budgets

    /// Takes in a change of a Deployment: what is desired of a declared service.
    public mutating func apply(_ change: ObjectChange<Deployment>) {
        let (deployment, isThere) =
            switch change {
            case .added(let deployment), .updated(_, let deployment): (deployment, true)
            case .removed(let deployment): (deployment, false)
            }
        let key = ServiceKey(
            namespace: deployment.metadata.namespace ?? "", kind: Deployment.kind, name: deployment.metadata.name)
        guard hasDeclaredServices, let index = serviceIndex[key] else { return }
        serviceLabels[index] = deployment.templateLabels
        // Other budgets may hold for it now.
        refreshed = -.infinity
        let requested = cpuRequests[index]
        changeService(index) { service in
            service.replicas = isThere ? deployment.desiredReplicas : 0
            guard isThere else { return }
            if let cpu = requested ?? deployment.total("cpu") { service.requests.cpu = cpu }
            service.requests.memory = deployment.total("memory") ?? 0
            service.cpuLimit = deployment.limit("cpu")
        }
    }

    /// Says what the replicas of the declared service at `index` are to request, in cores, whatever its Deployment says: of
    /// a service that is resized in place.
    public mutating func setCPURequest(_ cores: Double, ofService index: Int) {
        cpuRequests[index] = cores
        changeService(index) { $0.requests.cpu = cores }
    }

    /// Takes in a change of a disruption budget.
    public mutating func apply(_ change: ObjectChange<PodDisruptionBudget>) {
        switch change {
        case .added(let budget), .updated(_, let budget): budgets[budget.key] = budget
        case .removed(let budget): budgets[budget.key] = nil
        }
        refreshed = -.infinity
    }

    // MARK: Pods

    /// Takes in a change of a pod, seen at `now`, in seconds since 1970.
    public mutating func apply(_ change: ObjectChange<Kubernetes.Pod>, now: Double) {
        switch change {
        case .added(let pod), .updated(_, let pod):
            if pod.isTerminated { remove(pod: PodEntry.identity(of: pod)) } else { put(pod, now: now) }
        case .removed(let pod): remove(pod: PodEntry.identity(of: pod))
        }
    }

    private mutating func put(_ pod: Kubernetes.Pod, now: Double) {
        var entry = PodEntry(pod, isProvisional: false, now: now)
        guard let index = podIndex[entry.identity] else { return append(entry) }
        let old = entries[index]
        // An assumption stands until the API server binds the pod or its time is up.
        if entry.boundNode == nil { entry.assumedNode = old.assumedNode } else { assumedUntil[entry.identity] = nil }
        podIndexByName[old.name] = nil
        podIndexByName[entry.name] = index
        change(index) { $0 = entry }
    }

    private mutating func append(_ entry: PodEntry) {
        let index = entries.count
        podIndex[entry.identity] = index
        podIndexByName[entry.name] = index
        entries.append(entry)
        let name = "\(entry.name.namespace)/\(entry.name.name)"
        tell(.addPod(Cluster.Pod(id: nextPodID, name: name, requests: entry.requests, created: entry.created)))
        nextPodID += 1
        attach(index)
    }

    private mutating func remove(pod identity: String) {
        assumedUntil[identity] = nil
        guard let index = podIndex.removeValue(forKey: identity) else { return }
        let service = detach(index)
        if podIndexByName[entries[index].name] == index { podIndexByName[entries[index].name] = nil }
        let last = entries.count - 1
        if index != last {
            entries.swapAt(index, last)
            podIndex[entries[index].identity] = index
            if podIndexByName[entries[index].name] == last { podIndexByName[entries[index].name] = index }
        }
        entries.removeLast()
        tell(.removePod(index))
        dropIfEmpty(service)
    }

    /// Changes what is known of the pod at `index`.
    private mutating func change(_ index: Int, _ body: (inout PodEntry) -> Void) {
        let service = detach(index)
        body(&entries[index])
        attach(index)
        dropIfEmpty(service)
    }

    /// Shows the pod at `index` as its entry says.
    private mutating func attach(_ index: Int) {
        let entry = entries[index]
        tell(.resizePod(index, entry.requests))
        tell(.setPhase(pod: index, entry.phase))
        tell(.movePod(index, node: entry.node.flatMap { nodeIndex[$0] }))
        let service = self.service(of: entry)
        tell(.setService(pod: index, service))
        guard let service, !hasDeclaredServices else { return }
        changeService(service) { service in
            if !entry.isTerminating { service.replicas += 1 }
            guard entry.phase == .pending else { return }
            // What the newest replicas request is what the next ones will.
            service.requests = entry.requests
            service.cpuLimit = entry.cpuLimit
        }
    }

    /// Takes the pod at `index` away from its service.
    /// - Returns: the index of the service.
    private mutating func detach(_ index: Int) -> Int? {
        guard let service = snapshot.pods[index].service else { return nil }
        if !entries[index].isTerminating, !hasDeclaredServices {
            changeService(service) { $0.replicas -= 1 }
        }
        return service
    }

    // MARK: Services

    private mutating func add(_ service: Cluster.Service, _ key: ServiceKey, labels: [String: String] = [:]) {
        serviceIndex[key] = snapshot.services.count
        tell(.addService(service))
        serviceKeys.append(key)
        serviceLabels.append(labels)
    }

    /// Index of the pod's service, which is made where there is none; `nil` for a pod of no service under control, and
    /// for a terminating pod that is the last of its service.
    private mutating func service(of entry: PodEntry) -> Int? {
        guard let key = entry.service else { return nil }
        if hasDeclaredServices { return serviceIndex[key] }
        guard entry.scheduler.map({ schedulers.contains($0) }) ?? false else { return nil }
        if let index = serviceIndex[key] { return index }
        guard !entry.isTerminating else { return nil }
        add(
            Cluster.Service(
                name: "\(key.namespace)/\(key.name)", replicas: 0, maximumReplicas: maximumReplicas,
                requests: entry.requests, cpuLimit: entry.cpuLimit, resizing: .rollout, latencyObjective: objective),
            key, labels: entry.labels)
        return serviceKeys.count - 1
    }

    /// Removes a service of which at most terminating pods are left; the last one takes its index.
    private mutating func dropIfEmpty(_ index: Int?) {
        guard let index, !hasDeclaredServices, snapshot.services[index].replicas == 0 else { return }
        let last = serviceKeys.count - 1
        serviceIndex[serviceKeys[last]] = index
        serviceIndex[serviceKeys[index]] = nil
        serviceKeys.swapAt(index, last)
        serviceLabels.swapAt(index, last)
        serviceKeys.removeLast()
        serviceLabels.removeLast()
        tell(.removeService(index))
    }

    /// Takes the services of a scheduler under control. Cost: O(pods).
    private mutating func control(_ scheduler: String) {
        guard schedulers.insert(scheduler).inserted, !hasDeclaredServices else { return }
        // Pods that stay come first, so that terminating ones find their service.
        for isTerminating in [false, true] {
            for index in entries.indices
            where entries[index].scheduler == scheduler && entries[index].isTerminating == isTerminating {
                attach(index)
            }
        }
        refreshed = -.infinity
    }

    /// Namespace and name of each service, in the snapshot's order.
    public var serviceNames: [ServiceName] {
        serviceKeys.map { ServiceName(namespace: $0.namespace, name: $0.name) }
    }

    // MARK: Readings

    /// Takes in what a source said of `node`.
    public mutating func add(_ reading: NodeReading, ofNode node: String) {
        // A scrape may end after its node has gone.
        guard let index = nodeIndex[node], !gone.contains(node) else { return }
        tell(.nodeReading(index, reading))
        refreshed = -.infinity
    }

    /// Takes in what cadvisor read of pods.
    public mutating func add(_ pods: [CadvisorScrape.PodName: UsageReading]) {
        for (name, reading) in pods {
            if let index = podIndexByName[name] { tell(.podReading(index, reading)) }
        }
        refreshed = -.infinity
    }

    /// Takes in what was seen of the requests of the service at `index`.
    public mutating func add(_ sample: RequestSample, ofService index: Int) {
        tell(.requests(service: index, sample))
        refreshed = -.infinity
    }

    /// Takes in what was seen of the requests of a service; nothing for one that is not under control.
    public mutating func add(_ sample: RequestSample, of service: ServiceName) {
        let index = serviceKeys.firstIndex { $0.namespace == service.namespace && $0.name == service.name }
        if let index { add(sample, ofService: index) }
    }

    // MARK: Decisions

    /// Makes `pod` part of the snapshot, pending, and the snapshot true as of `now`.
    /// - Returns: the pod's index in `snapshot.pods`.
    public mutating func prepare(_ pod: Kubernetes.Pod, now: Double) -> Int {
        if let scheduler = pod.schedulerName { control(scheduler) }
        expireAssumptions(now: now)
        let identity = PodEntry.identity(of: pod)
        if let index = podIndex[identity] {
            // Asked again: where it was assumed is where it did not come to run.
            change(index) { $0.assumedNode = nil }
            assumedUntil[identity] = nil
        } else {
            append(PodEntry(pod, isProvisional: true, now: now))
        }
        // A pod that the watch never shows is forgotten after a while.
        if let index = podIndex[identity], entries[index].isProvisional { assumedUntil[identity] = now + 60 }
        prepare(now: now)
        let index = podIndex[identity] ?? 0
        if let service = snapshot.pods[index].service, !hasDeclaredServices {
            let stated = pod.metadata.latencyObjective.flatMap(LatencyObjective.seconds) ?? objective
            changeService(service) { $0.latencyObjective = stated }
        }
        return index
    }

    /// Makes the snapshot true as of `now`: measured values once a second, and whenever a reading has come.
    public mutating func prepare(now: Double) {
        expireAssumptions(now: now)
        guard now - refreshed >= 1 || now < refreshed else {
            tell(.setTime(now))
            return
        }
        refreshed = now
        for index in snapshot.services.indices {
            tell(.setDisruptionsAllowed(service: index, disruptionsAllowed(index)))
            guard !hasDeclaredServices else { continue }
            let most = max(maximumReplicas, snapshot.services[index].replicas)
            changeService(index) { $0.maximumReplicas = most }
        }
        tell(.prepare(now))
    }

    /// What the service's budgets allow; `nil` without one.
    private func disruptionsAllowed(_ index: Int) -> Int? {
        var least: Int?
        for budget in budgets.values
        where budget.metadata.namespace ?? "" == serviceKeys[index].namespace
            && budget.selector?.matches(serviceLabels[index]) ?? false
        {
            least = min(least ?? .max, budget.disruptionsAllowed ?? 0)
        }
        return least
    }

    /// Takes the pod at `index` to be on `node` until `deadline`.
    public mutating func assume(podAt index: Int, on node: String, until deadline: Double) {
        guard entries[index].boundNode == nil else { return }
        change(index) { $0.assumedNode = node }
        assumedUntil[entries[index].identity] = deadline
    }

    private mutating func expireAssumptions(now: Double) {
        guard !assumedUntil.isEmpty else { return }
        for identity in assumedUntil.filter({ $0.value <= now }).keys {
            assumedUntil[identity] = nil
            guard let index = podIndex[identity] else { continue }
            if entries[index].isProvisional { remove(pod: identity) } else { change(index) { $0.assumedNode = nil } }
        }
    }
}

extension Deployment {
    /// What its containers request together; `nil` where none says.
    fileprivate func total(_ resource: String) -> Double? {
        let amounts = containers.compactMap { $0.requests[resource]?.value }
        return amounts.isEmpty ? nil : amounts.reduce(0, +)
    }

    /// What its containers may use together; `nil` unless all have a limit.
    fileprivate func limit(_ resource: String) -> Double? {
        let amounts = containers.compactMap { $0.limits[resource]?.value }
        return amounts.count == containers.count && !amounts.isEmpty ? amounts.reduce(0, +) : nil
    }
}
