import Watching
import Windows
import Cluster
import Foundation
import Kubernetes
public import Logging
import LoadGeneration
import Synchronization
import Telemetry
public import Workloads

/// One service on one node of a live cluster, under constant load, beside interference on the same node: what the
/// simulator is calibrated on.
///
/// Everything is made in the namespace of the settings, with the label of the episodes, and goes with `close` or
/// `LiveCluster.remove`. All calls block: make them from a thread of your own. One caller at a time.
public final class InterferenceRig: Sendable {
    /// What was measured in one window.
    public struct Window: Sendable, Equatable {
        /// Its length in seconds.
        public var seconds: Double
        /// Requests that were due in it.
        public var arrived: Int
        /// Requests that were answered in it.
        public var completed: Int
        /// Requests that were rejected in it.
        public var rejected: Int
        /// Requests that were given up in it.
        public var timedOut: Int
        /// Median of the latency in seconds; `nil` without requests.
        public var p50: Double?
        /// 95th percentile of the latency in seconds.
        public var p95: Double?
        /// 99th percentile of the latency in seconds.
        public var p99: Double?
        /// 99th percentile of how late requests were sent, in seconds: the load generator's own failing.
        public var sendDelay: Double?
        /// Cores in use by the node; `nil` where not measured.
        public var nodeCores: Double?
        /// Cores in use by the service's replicas together; `nil` where one was not measured.
        public var serviceCores: Double?
        /// Cores in use by the interference; `nil` where not measured.
        public var interferenceCores: Double?
        /// Memory in use on the node in bytes; `nil` where not measured.
        public var nodeMemory: Double?

        /// A window.
        public init(
            seconds: Double, arrived: Int, completed: Int, rejected: Int, timedOut: Int, p50: Double?, p95: Double?,
            p99: Double?, sendDelay: Double?, nodeCores: Double?, serviceCores: Double?, interferenceCores: Double?,
            nodeMemory: Double?
        ) {
            (self.seconds, self.arrived, self.completed) = (seconds, arrived, completed)
            (self.rejected, self.timedOut) = (rejected, timedOut)
            (self.p50, self.p95, self.p99, self.sendDelay) = (p50, p95, p99, sendDelay)
            (self.nodeCores, self.serviceCores) = (nodeCores, serviceCores)
            (self.interferenceCores, self.nodeMemory) = (interferenceCores, nodeMemory)
        }
    }

    private static let stressPod = "interference-"
    private let settings: LiveSettings
    private let node: String
    private let image: String
    private let client: APIClient
    private let workload: LiveWorkload
    private let logger: Logger
    private let isCancelled: @Sendable () -> Bool
    private let currentWatch = Mutex<ClusterWatch?>(nil)
    /// Whether there may be something to remove.
    private let hasDeployed = Mutex(false)
    /// Stress pods that were made, so that each has a name of its own: the one before may still be going.
    private let podsMade = Mutex<Int>(0)

    /// Reads the service's file and finds the cluster; nothing is made yet.
    /// - Parameters:
    ///   - settings: of a cluster with one service, whose load's rate is replaced by each measurement's. Its pods are
    ///     placed by the default scheduler.
    ///   - node: name of the node that replicas and interference run on.
    ///   - image: the container image of the interference, with stress-ng on its path.
    ///   - logger: told what happens.
    ///   - isCancelled: asked while time passes; calls throw `CancellationError` once it is true.
    /// - Throws: `LiveError`, `ManifestError`, `AccessError` or `APIError` naming the file and key at fault.
    public init(
        settings: LiveSettings, node: String, image: String, logger: Logger,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws {
        guard settings.services.count == 1 else {
            throw LiveError(.settings, "calibration needs one service, found \(settings.services.count)")
        }
        guard settings.serviceMetrics.url.isEmpty else {
            throw LiveError(.settings, "calibration is measured by its load generator: leave out serviceMetrics")
        }
        var settings = settings
        settings.placement = .defaultScheduler
        (self.settings, self.node, self.image) = (settings, node, image)
        (self.logger, self.isCancelled) = (logger, isCancelled)
        workload = try LiveWorkload(settings, node: node)
        client = try APIClient(access: try settings.kubernetes.access(), timeout: 10)
    }

    /// CPU that a replica of the settings' service requests, in cores.
    /// - Throws: `LiveError` or `ManifestError` naming the file and key at fault.
    public static func requestedCPU(_ settings: LiveSettings) throws -> Double {
        try LiveWorkload(settings).services.first?.requestedCPU ?? 0
    }

    deinit { currentWatch.withLock { $0?.stop() } }

    /// Removes what an earlier run left and deploys the service.
    /// - Throws: `LiveError` where its replicas are not ready in time, `APIError`.
    public func deploy() throws {
        let (settings, workload, client) = (settings, workload, client)
        let watch = try ClusterWatch(
            client: client, settings: settings, services: LiveEpisode.services(of: workload, resizing: .rollout),
            logger: logger)
        _ = try waiting { try await LiveWorkload.remove(settings.namespace, client, seconds: settings.readySeconds) }
        hasDeployed.withLock { $0 = true }
        try waiting {
            try await workload.create(client)
            try await watch.start(seconds: settings.readySeconds, usageInterval: settings.usage.interval)
        }
        currentWatch.withLock { $0 = watch }
        try holdOut("replicas are not ready", until: { self.hasReadyReplicas(settings.services[0].replicas, $0) })
    }

    /// Removes everything that was made.
    /// - Throws: `APIError` or `LiveError` where something could not be removed.
    public func close() throws {
        currentWatch.withLock { watch in
            watch?.stop()
            watch = nil
        }
        guard hasDeployed.withLock({ $0 }) else { return }
        let (settings, client) = (settings, client)
        _ = try waiting {
            try await LiveWorkload.remove(
                settings.namespace, client, seconds: settings.readySeconds, outlastsOutages: true)
        }
    }

    /// Measures the service with so many replicas under a Poisson load, beside one pod of interference or none.
    /// - Parameters:
    ///   - replicas: replicas on the node.
    ///   - rate: requests per second, all replicas together.
    ///   - interference: what runs beside them; its node, start and duration are the rig's.
    ///   - settle: seconds under load before the first window.
    ///   - windows: number of windows, one after the other.
    ///   - seconds: length of a window.
    ///   - seed: decides the arrivals.
    /// - Throws: `LiveError` where pods are not ready in time or the cluster is silent, `APIError`.
    public func measure(
        replicas: Int, rate: Double, interference: InterferenceSpecification?, settle: Double, windows: Int,
        seconds: Double, seed: UInt64
    ) throws -> [Window] {
        guard let watch = currentWatch.withLock({ $0 }) else { throw LiveError(.callOrder, "call deploy first") }
        let service = workload.services[0]
        let (client, namespace) = (client, settings.namespace)
        _ = try waiting {
            try await client.setScale(deployment: service.deployment, namespace: namespace, replicas: replicas)
        }
        try holdOut("\(replicas) replicas are not ready", until: { self.hasReadyReplicas(replicas, $0) })
        let stress = try interference.map { try start($0, seconds: settle + Double(windows) * seconds + 60) }
        var load = service.settings.load
        load.rate = rate
        load.pattern = .constant(ConstantLoad())
        load.objective = service.objective
        load.duration = settle + Double(windows) * seconds + 60
        load.seed = seed
        let generator = try LoadGenerator(load)
        let (port, path) = (service.settings.port, service.settings.path)
        watch.route(generator, ofDeployment: service.deployment) { pod in
            pod.podIP.map { "http://\($0.contains(":") ? "[\($0)]" : $0):\(port)\(path)" }
        }
        defer { generator.stop() }
        try holdOut("pods of the point before do not end") { watch in
            self.pods(watch).count == replicas + (stress == nil ? 0 : 1)
        }
        try wait(until: .now + .seconds(settle))
        let begin = ContinuousClock.now
        _ = generator.harvest()
        var measured: [Window] = []
        for window in 1...max(1, windows) {
            try wait(until: begin + .seconds(Double(window) * seconds))
            let interval = generator.harvest()
            try waiting { await watch.measure() }
            measured.append(makeWindow(interval, watch.view, stress))
        }
        if let stress {
            let stressPods = stressPods
            try waiting { try await stressPods.end(stress) }
        }
        return measured
    }

    // MARK: Parts

    private func makeWindow(
        _ interval: LoadInterval, _ view: ClusterWatch.View, _ stress: String?
    ) -> Window {
        let snapshot = view.snapshot
        let replicas = snapshot.pods.filter { $0.service != nil && $0.phase == .ready }.map { $0.cpuUsage?.value }
        let interference = stress.map { name in
            snapshot.pods.first { $0.name == "\(settings.namespace)/\(name)" }?.cpuUsage?.value
        }
        let node = snapshot.nodes.first { $0.name == self.node }
        return Window(
            seconds: interval.duration, arrived: interval.arrived, completed: interval.completed,
            rejected: interval.rejected, timedOut: interval.timedOut, p50: interval.p50, p95: interval.p95,
            p99: interval.p99, sendDelay: interval.sendDelays.quantile(0.99), nodeCores: node?.cpuUsage?.value,
            serviceCores: replicas.contains { $0 == nil } ? nil : replicas.compactMap(\.self).reduce(0, +),
            interferenceCores: interference ?? 0, nodeMemory: node?.memoryUsage?.value)
    }

    /// - Returns: the pod's name.
    private func start(_ specification: InterferenceSpecification, seconds: Double) throws -> String {
        var specification = specification
        (specification.node, specification.nodeSelector) = (node, [:])
        (specification.start, specification.duration) = (0, seconds)
        try specification.validate()
        let number = podsMade.withLock { count in
            count += 1
            return count
        }
        let name = "\(Self.stressPod)\(number)"
        let (stressPods, made) = (stressPods, specification)
        try waiting { try await stressPods.start(made, name: name) }
        try holdOut("the interference does not run") { watch in
            self.pods(watch).contains { $0.metadata.name == name && $0.phase == .running }
        }
        return name
    }

    private var stressPods: StressPods {
        StressPods(client: client, namespace: settings.namespace, image: image)
    }

    private func pods(_ watch: ClusterWatch) -> [Kubernetes.Pod] {
        watch.pods.objects.values.filter { $0.metadata.namespace == settings.namespace }
    }

    private func hasReadyReplicas(_ count: Int, _ watch: ClusterWatch) -> Bool {
        let replicas = pods(watch).filter {
            !$0.metadata.name.hasPrefix(Self.stressPod) && $0.metadata.deletionTimestamp == nil
        }
        return replicas.count == count && replicas.allSatisfy { $0.ready == .true }
    }

    private func holdOut(_ problem: String, until condition: (ClusterWatch) -> Bool) throws {
        guard let watch = currentWatch.withLock({ $0 }) else { throw LiveError(.callOrder, "call deploy first") }
        let deadline = ContinuousClock.now + .seconds(settings.readySeconds)
        while !condition(watch) {
            guard !isCancelled() else { throw CancellationError() }
            guard ContinuousClock.now < deadline else {
                throw LiveError(.timeout, "\(problem) within \(settings.readySeconds) s on node \(node)")
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private func wait(until deadline: ContinuousClock.Instant) throws {
        while ContinuousClock.now < deadline {
            guard !isCancelled() else { throw CancellationError() }
            let left = (deadline - ContinuousClock.now) / .seconds(1)
            Thread.sleep(forTimeInterval: max(0, min(left, 0.2)))
        }
    }
}
