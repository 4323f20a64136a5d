import Cluster
import HTTP
import Kubernetes
import LoadGeneration
import Logging
import Randomness
import Synchronization
import Telemetry

/// Keeps what is known of a live cluster up to date, in the background, until it is stopped.
final class ClusterWatch: Sendable {
    /// What is known at one moment.
    struct View: Sendable {
        /// Nodes, services of the namespace and pods; services in no particular order.
        var snapshot: ClusterSnapshot
        /// Schedulable nodes that a taint keeps ordinary pods off, by name.
        var tainted: Set<String>
        /// The namespace's Deployments by name.
        var deployments: [String: Deployment]
        /// The namespace's disruption budgets.
        var budgets: [PodDisruptionBudget]
        /// Pods of the namespace's services that have begun to end since the watch began.
        var endedPods: Int
        /// Seconds since the API server last answered.
        var silence: Double
    }

    fileprivate struct State {
        var model: ClusterModel
        var endedPods = 0
        var lastAnswer = Timestamp.now.seconds
        var generators: [String: LoadGenerator] = [:]
        var routes: [String: @Sendable (Kubernetes.Pod) -> String?] = [:]
        /// Addresses of ready pods by Deployment and pod.
        var endpoints: [String: [String: String]] = [:]
    }

    let pods: ObjectStore<Kubernetes.Pod>
    private let nodes: ObjectStore<Kubernetes.Node>
    private let deployments: ObjectStore<Deployment>
    private let budgets: ObjectStore<PodDisruptionBudget>
    private let namespace: String
    private let client: APIClient
    private let scraper: UsageScraper
    private let shared: Shared
    private let tasks = Mutex<[Task<Void, Never>]>([])

    private final class Shared: Sendable {
        let state: Mutex<State>
        init(_ model: ClusterModel) { state = Mutex(State(model: model)) }
    }

    init(client: APIClient, settings: LiveSettings) {
        self.client = client
        namespace = settings.namespace
        let shared = Shared(
            ClusterModel(
                interval: settings.interval, maximumAge: settings.usage.maximumAge, maximumReplicas: 1,
                scope: .namespace(settings.namespace)))
        self.shared = shared
        scraper = UsageScraper(
            client: client, nodeCgroup: settings.usage.nodeCgroup, maximumWindow: settings.usage.maximumAge,
            timeout: 5)
        nodes = ObjectStore { change in shared.state.withLock { $0.model.apply(change) } }
        pods = ObjectStore { [namespace] change in shared.state.withLock { $0.apply(change, namespace) } }
        deployments = ObjectStore()
        budgets = ObjectStore()
    }

    /// Starts to watch and waits until everything has been listed once.
    /// - Throws: `LiveError` where that takes more than `seconds`.
    func start(seconds: Double, usageInterval: Double, logger: Logger) async throws {
        var generator = RandomGenerator(seed: 0)
        let budgetPath = try await client.disruptionBudgetPath(namespace: namespace)
        // A cluster that is away for half a minute shall be seen again soon after.
        func timing<Object: APIObject>(_ kind: Object.Type) -> Reflector<Object>.Timing {
            var timing = Reflector<Object>.Timing()
            timing.maximumBackoff = 5
            return timing
        }
        let reflectors: [@Sendable () async -> Void] = [
            Reflector(
                store: nodes, client: client, timing: timing(Kubernetes.Node.self), generator: generator.split(),
                logger: logger
            ).run,
            Reflector(
                store: pods, client: client, timing: timing(Kubernetes.Pod.self), generator: generator.split(),
                logger: logger
            ).run,
            Reflector(
                store: deployments, client: client, path: Deployment.collectionPath(namespace: namespace),
                timing: timing(Deployment.self), generator: generator.split(), logger: logger
            ).run,
            Reflector(
                store: budgets, client: client, path: budgetPath, timing: timing(PodDisruptionBudget.self),
                generator: generator.split(), logger: logger
            ).run,
        ]
        tasks.withLock { tasks in
            tasks += reflectors.map { run in Task.detached { await run() } }
            tasks.append(Task.detached { [weak self] in await self?.listen() })
            if usageInterval > 0 {
                tasks.append(Task.detached { [weak self] in await self?.measure(every: usageInterval) })
            }
        }
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !(nodes.hasSynced && pods.hasSynced && deployments.hasSynced && budgets.hasSynced) {
            guard ContinuousClock.now < deadline else {
                throw LiveError(
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
        let (snapshot, ended, silence) = shared.state.withLock { state in
            state.model.prepare(now: now)
            return (state.model.snapshot, state.endedPods, now - state.lastAnswer)
        }
        return View(
            snapshot: snapshot,
            tainted: Set(
                nodes.objects.values.filter { node in
                    node.taints.contains { ["NoSchedule", "NoExecute"].contains($0.effect) }
                }.map(\.metadata.name)),
            deployments: Dictionary(
                deployments.objects.values.map { ($0.metadata.name, $0) }, uniquingKeysWith: { $1 }),
            budgets: Array(budgets.objects.values), endedPods: ended, silence: max(0, silence))
    }

    /// Sends the load of a Deployment to its ready pods from now on.
    /// - Parameter address: the URL of a pod; `nil` while it has none.
    func route(
        _ generator: LoadGenerator, ofDeployment name: String,
        to address: @escaping @Sendable (Kubernetes.Pod) -> String?
    ) {
        let known = pods.objects.values
        shared.state.withLock { state in
            state.generators[name] = generator
            state.routes[name] = address
            state.endpoints[name] = [:]
            for pod in known { state.updateEndpoint(pod, namespace) }
            state.retarget(name)
        }
    }

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
                "no Service with a cluster address selects the pods of Deployment \(name): add one to its manifest, or "
                    + "send its load to the pods (route: pods)")
        }
        return "http://\(address.contains(":") ? "[\(address)]" : address):\(port)"
    }

    // MARK: Background

    /// Whether the API server answers is asked for directly: a watch without events looks the same either way.
    private func listen() async {
        while !Task.isCancelled {
            if (try? await client.request(.get, "/version", timeout: 3)) != nil { noteAnswer() }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
    }

    func noteAnswer() {
        shared.state.withLock { $0.lastAnswer = Timestamp.now.seconds }
    }

    private func measure(every interval: Double) async {
        while !Task.isCancelled {
            await measure()
            do { try await Task.sleep(for: .seconds(interval)) } catch { return }
        }
    }

    /// Measures every node once. What cannot be measured stays as it was and grows old.
    func measure() async {
        let names = nodes.objects.keys.sorted()
        await scraper.scrape(names) { [shared] node, outcome in
            guard case .measured(let usage, let pods, _) = outcome else { return }
            shared.state.withLock { $0.model.apply(usage, pods: pods, of: node) }
        }
    }
}

extension ClusterWatch.State {
    fileprivate mutating func apply(_ change: ObjectChange<Kubernetes.Pod>, _ namespace: String) {
        model.apply(change, now: Timestamp.now.seconds)
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
        endpoints[deployment]?[pod.key] = takesRequests ? route(pod) : nil
    }

    fileprivate func retarget(_ deployment: String) {
        guard let generator = generators[deployment], let addresses = endpoints[deployment] else { return }
        // Only addresses that were checked when the route was made get here.
        try? generator.setTargets(addresses.sorted { $0.key < $1.key }.map(\.value))
    }
}
