import Cluster
import HTTP
import Kubernetes
import LoadGeneration
import Logging
import Randomness
import Synchronization
import Telemetry
import Watching
import Windows

/// Keeps what is known of a live cluster up to date, in the background, until it is stopped.
final class ClusterWatch: Sendable {
    /// What is known at one moment.
    struct View: Sendable {
        /// Nodes, the episode's services and pods.
        var snapshot: ClusterSnapshot
        /// Whether every Deployment of the namespace is rolled out.
        var isRolledOut: Bool
        /// Pods of the namespace's services that have begun to end since the watch began.
        var endedPods: Int
        /// Seconds since the API server last answered.
        var silence: Double
        /// Kinds whose watch is broken at the moment: what is known of them may be out of date.
        var unwatched: Set<String>
    }

    fileprivate struct State {
        var cluster: WatchedCluster
        var endedPods = 0
        var lastAnswer = Timestamp.now.seconds
        var unwatched: Set<String> = []
        var generators: [String: LoadGenerator] = [:]
        var routes: [String: @Sendable (Kubernetes.Pod) -> String?] = [:]
        /// Addresses of ready pods by Deployment and pod.
        var endpoints: [String: [String: String]] = [:]
        /// Names of the nodes behind addresses, those of pods that are gone too.
        var nodesOfAddresses: [String: String] = [:]
    }

    let pods: ObjectStore<Kubernetes.Pod>
    private let nodes: ObjectStore<Kubernetes.Node>
    private let deployments: ObjectStore<Deployment>
    private let budgets: ObjectStore<PodDisruptionBudget>
    private let namespace: String
    private let client: APIClient
    private let scraper: UsageScraper
    /// Asks Prometheus what services do; `nil` where the load generator says it.
    private let serviceScraper: ServiceMetricsScraper?
    private let logger: Logger
    private let shared: Shared
    private let tasks = Mutex<[Task<Void, Never>]>([])

    private final class Shared: Sendable {
        let state: Mutex<State>
        init(_ cluster: WatchedCluster) { state = Mutex(State(cluster: cluster)) }
    }

    /// A watch that has not begun.
    /// - Parameter services: the episode's.
    /// - Throws: what the HTTP client throws where the system lacks what it needs.
    init(client: APIClient, settings: LiveSettings, services: [DeclaredService], logger: Logger) throws {
        self.client = client
        self.logger = logger
        namespace = settings.namespace
        let shared = Shared(
            WatchedCluster(
                interval: settings.interval, usage: settings.usage, namespace: settings.namespace, services: services,
                isRecorded: !settings.recording.isEmpty))
        self.shared = shared
        // An interval ends with a scrape: a node or a server that is silent must not make it much longer.
        let timeout = max(1, min(5, settings.interval / 4))
        scraper = try UsageScraper(client: client, settings: settings.usage, timeout: timeout)
        serviceScraper =
            settings.serviceMetrics.url.isEmpty
            ? nil : try ServiceMetricsScraper(settings.serviceMetrics, timeout: timeout, logger: logger)
        nodes = ObjectStore { change in shared.state.withLock { $0.cluster.apply(change) } }
        pods = ObjectStore { [namespace] change in shared.state.withLock { $0.apply(change, namespace) } }
        deployments = ObjectStore { change in shared.state.withLock { $0.cluster.apply(change) } }
        budgets = ObjectStore { change in shared.state.withLock { $0.cluster.apply(change) } }
    }

    /// Starts to watch and waits until everything has been listed once.
    /// - Throws: `LiveError` where that takes more than `seconds`.
    func start(seconds: Double, usageInterval: Double) async throws {
        var generator = RandomGenerator(seed: 0)
        let budgetPath = try await client.disruptionBudgetPath(namespace: namespace)
        // A cluster that is away for half a minute is to be seen again soon after.
        func timing<Object: APIObject>(_ kind: Object.Type) -> Reflector<Object>.Timing {
            var timing = Reflector<Object>.Timing()
            timing.maximumBackoff = 5
            return timing
        }
        func observer<Object: APIObject>(_ kind: Object.Type) -> @Sendable (Reflector<Object>.Event) -> Void {
            { [shared] event in
                shared.state.withLock { state in
                    if case .failed = event {
                        state.unwatched.insert(kind.kind)
                    } else {
                        state.unwatched.remove(kind.kind)
                    }
                }
            }
        }
        let reflectors: [@Sendable () async -> Void] = [
            Reflector(
                store: nodes, client: client, timing: timing(Kubernetes.Node.self), generator: generator.split(),
                logger: logger, observe: observer(Kubernetes.Node.self)
            ).run,
            Reflector(
                store: pods, client: client, timing: timing(Kubernetes.Pod.self), generator: generator.split(),
                logger: logger, observe: observer(Kubernetes.Pod.self)
            ).run,
            Reflector(
                store: deployments, client: client, path: Deployment.collectionPath(namespace: namespace),
                timing: timing(Deployment.self), generator: generator.split(), logger: logger,
                observe: observer(Deployment.self)
            ).run,
            Reflector(
                store: budgets, client: client, path: budgetPath, timing: timing(PodDisruptionBudget.self),
                generator: generator.split(), logger: logger, observe: observer(PodDisruptionBudget.self)
            ).run,
        ]
        tasks.withLock { tasks in
            tasks += reflectors.map { run in Task.detached { await run() } }
            tasks.append(Self.repeating(every: 1) { [weak self] in await self?.listen() })
            if usageInterval > 0 {
                tasks.append(Self.repeating(every: usageInterval) { [weak self] in await self?.measure() })
            }
        }
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !(nodes.hasSynced && pods.hasSynced && deployments.hasSynced && budgets.hasSynced) {
            guard ContinuousClock.now < deadline else {
                stop()
                throw LiveError(
                    .timeout,
                    "\(client.access.server): nodes, pods, deployments and disruption budgets were not listed within "
                        + "\(seconds) s; check that the API server answers and that the account may list and watch them"
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    func stop() {
        for task in tasks.withLock({ $0 }) { task.cancel() }
        shared.state.withLock { $0.generators = [:] }
    }

    deinit { stop() }

    // MARK: What is known

    var view: View {
        let now = Timestamp.now.seconds
        let isRolledOut = deployments.objects.values.allSatisfy(\.isRolledOut)
        return shared.state.withLock { state in
            state.cluster.prepare(now: now)
            return View(
                snapshot: state.cluster.snapshot, isRolledOut: isRolledOut, endedPods: state.endedPods,
                silence: max(0, now - state.lastAnswer), unwatched: state.unwatched)
        }
    }

    /// What the builder of snapshots has been told since the last call, and what it shows now; no events unless the
    /// settings name a recording.
    func takeEvents() -> (events: [SnapshotEvent], snapshot: ClusterSnapshot) {
        shared.state.withLock { state in
            let events = state.cluster.takeEvents()
            return (events, state.cluster.snapshot)
        }
    }

    /// Takes in what was seen of the requests of the service at `index`.
    func add(_ sample: RequestSample, ofService index: Int) {
        shared.state.withLock { $0.cluster.add(sample, ofService: index) }
    }

    /// Says what the replicas of the service at `index` are to request, in cores, whatever its Deployment says.
    func setCPURequest(_ cores: Double, ofService index: Int) {
        shared.state.withLock { $0.cluster.setCPURequest(cores, ofService: index) }
    }

    /// Sends the load of a Deployment to its ready pods from now on.
    /// - Parameter address: the URL of a pod; `nil` while it has none.
    func route(
        _ generator: LoadGenerator, ofDeployment name: String,
        to address: @escaping @Sendable (Kubernetes.Pod) -> String?
    ) {
        // From here on changes find their route; then what is known already; then without what went meanwhile.
        shared.state.withLock { state in
            state.generators[name] = generator
            state.routes[name] = address
            state.endpoints[name] = [:]
        }
        let known = pods.objects
        shared.state.withLock { state in
            for pod in known.values { state.updateEndpoint(pod, namespace) }
        }
        let present = pods.objects
        shared.state.withLock { state in
            state.endpoints[name] = state.endpoints[name]?.filter { present[$0.key] != nil }
            state.retarget(name)
        }
    }

    /// The name of the node that requests to `address` went to, now or before its pod went; `nil` for an address that is
    /// no pod's.
    func node(behind address: String) -> String? { shared.state.withLock { $0.nodesOfAddresses[address] } }

    /// The URL of a port of the namespace's Service that selects the pods of a Deployment.
    /// - Throws: `LiveError` where there is none with a cluster address, `APIError`.
    func serviceAddress(ofDeployment name: String, port: Int) async throws -> String {
        let labels = deployments["\(namespace)/\(name)"]?.templateLabels ?? [:]
        let services = try await client.list(
            KubernetesService.self, path: KubernetesService.collectionPath(namespace: namespace))
        let matching = services.items.first { service in
            !service.selector.isEmpty && service.selector.allSatisfy { labels[$0.key] == $0.value }
        }
        guard let address = matching?.clusterIP, address != "None", !address.isEmpty else {
            throw LiveError(
                .manifest,
                "no Service with a cluster address selects the pods of Deployment \(name): add one to its manifest, or "
                    + "send its load to the pods (route: pods)")
        }
        return "http://\(address.contains(":") ? "[\(address)]" : address):\(port)"
    }

    // MARK: Background

    /// Does `work` again and again until the task is cancelled.
    private static func repeating(every seconds: Double, _ work: @escaping @Sendable () async -> Void) -> Task<
        Void, Never
    > {
        Task.detached {
            while !Task.isCancelled {
                await work()
                do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
            }
        }
    }

    /// Whether the API server answers is asked for directly: a watch without events looks the same either way.
    private func listen() async {
        if (try? await client.request(.get, "/version", timeout: 3)) != nil { noteAnswer() }
    }

    func noteAnswer() {
        shared.state.withLock { $0.lastAnswer = Timestamp.now.seconds }
    }

    /// Measures every node once, and asks Prometheus once where it says what services do. What cannot be measured stays
    /// as it was and grows old.
    func measure() async {
        async let requests: Void = measureServices()
        let names = nodes.objects.keys.sorted()
        await scraper.scrape(names) { [shared, logger] node, outcome in
            outcome.report(of: node, to: logger)
            guard let reading = outcome.reading else { return }
            shared.state.withLock { state in
                state.cluster.add(reading, ofNode: node)
                state.cluster.add(outcome.pods)
            }
        }
        await requests
    }

    private func measureServices() async {
        guard let serviceScraper else { return }
        let names = shared.state.withLock { $0.cluster.serviceNames }
        guard let samples = await serviceScraper.scrape(names) else { return }
        shared.state.withLock { state in
            for (service, sample) in samples { state.cluster.add(sample, of: service) }
        }
    }
}

extension ClusterWatch.State {
    fileprivate mutating func apply(_ change: ObjectChange<Kubernetes.Pod>, _ namespace: String) {
        cluster.apply(change, now: Timestamp.now.seconds)
        let (old, new): (Kubernetes.Pod?, Kubernetes.Pod?) =
            switch change {
            case .added(let pod): (nil, pod)
            case .updated(let before, let pod): (before, pod)
            case .removed(let pod): (pod, nil)
            }
        guard let pod = new ?? old, pod.metadata.namespace == namespace, let deployment = ServiceKey(pod)?.name
        else { return }
        if let old, Self.isLive(old), !(new.map(Self.isLive) ?? false) { endedPods += 1 }
        if new == nil { endpoints[deployment]?[pod.key] = nil } else { updateEndpoint(pod, namespace) }
        retarget(deployment)
    }

    private static func isLive(_ pod: Kubernetes.Pod) -> Bool {
        pod.metadata.deletionTimestamp == nil && !pod.isTerminated
    }

    fileprivate mutating func updateEndpoint(_ pod: Kubernetes.Pod, _ namespace: String) {
        guard pod.metadata.namespace == namespace, let deployment = ServiceKey(pod)?.name,
            let route = routes[deployment]
        else { return }
        let takesRequests = Self.isLive(pod) && pod.ready == .true
        let address = takesRequests ? route(pod) : nil
        endpoints[deployment]?[pod.key] = address
        if let address { nodesOfAddresses[address] = pod.nodeName }
    }

    fileprivate func retarget(_ deployment: String) {
        guard let generator = generators[deployment], let addresses = endpoints[deployment] else { return }
        // Only addresses that were checked when the route was made get here.
        try? generator.setTargets(addresses.sorted { $0.key < $1.key }.map(\.value))
    }
}
