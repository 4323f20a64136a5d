import Cluster
import Kubernetes
import LoadGeneration
import Telemetry
import Watching
import Windows
import Workloads

/// One episode on a live cluster: its watch, its load and its bookkeeping.
struct LiveEpisode: Sendable {
    let seed: UInt64
    let watch: ClusterWatch
    /// Changes what replicas request where they run; `nil` where the server cannot do that, and rollouts change it.
    let resizer: InPlaceResizer?
    /// Intervals that have passed.
    private(set) var interval = 0
    /// When the present interval ends.
    private(set) var nextBoundary = ContinuousClock.now
    private let settings: LiveSettings
    private let workload: LiveWorkload
    /// When it began, in seconds since 1970.
    private var start = Timestamp.now.seconds
    private var generators: [LoadGenerator] = []
    /// Prometheus beside the load generator; `nil` where Prometheus is not asked.
    private(set) var comparison: RequestComparison?

    // The present interval.
    private var evictions = 0
    private var replicaChanges = 0
    /// Pods that a scale-down or a rollout may end, so that they are no evictions.
    private var expectedEnds = 0
    private var endedBefore = 0
    private var requestedCoreSeconds = 0.0
    private var allocatableCoreSeconds = 0.0
    private var integratedTo = ContinuousClock.now
    private var intervalStart = ContinuousClock.now
    private var isRollingOut = false
    /// Time of the episode up to which interference was started; `nil` before it begins.
    private var interferedTo: Double?

    init(
        seed: UInt64, settings: LiveSettings, workload: LiveWorkload, watch: ClusterWatch, resizer: InPlaceResizer?
    ) {
        (self.seed, self.settings, self.workload, self.watch) = (seed, settings, workload, watch)
        self.resizer = resizer
        comparison = noComparison
    }

    /// A comparison of nothing yet.
    private var noComparison: RequestComparison? {
        settings.serviceMetrics.url.isEmpty ? nil : RequestComparison(services: workload.services.map(\.deployment))
    }

    /// What of a workload is under control, and how what it requests is changed.
    static func services(of workload: LiveWorkload, resizing: ResizeMode) -> [DeclaredService] {
        workload.services.map { service in
            let bounds = service.settings.resizeBounds
            return DeclaredService(
                deployment: service.deployment, objective: service.objective,
                minimumReplicas: service.settings.minimumReplicas, maximumReplicas: service.settings.maximumReplicas,
                cpuRequestRange: service.requestedCPU * bounds.lower...service.requestedCPU * bounds.upper,
                resizing: resizing)
        }
    }

    func beginWatching() throws {
        let (watch, settings) = (watch, settings)
        try waiting {
            try await watch.start(seconds: settings.readySeconds, usageInterval: settings.usage.interval)
        }
    }

    /// Starts each service's load, and with it the first interval.
    mutating func startLoad() throws {
        for (index, service) in workload.services.enumerated() {
            var load = service.settings.load
            load.objective = service.objective
            // Long past any episode, so that a run that hangs does not load the cluster for ever.
            load.duration = 6 * 3600
            load.seed = seed &* 1_000_003 &+ UInt64(index)
            let generator = try LoadGenerator(load)
            let (port, path) = (service.settings.port, service.settings.path)
            switch service.settings.route {
            case .pods:
                watch.route(generator, ofDeployment: service.deployment) { pod in
                    pod.podIP.map { "http://\($0.contains(":") ? "[\($0)]" : $0):\(port)\(path)" }
                }
            case .service:
                let watch = watch
                let address = try waiting {
                    try await watch.serviceAddress(ofDeployment: service.deployment, port: port)
                }
                try generator.setTargets([address + path])
            }
            generators.append(generator)
        }
        openInterval(ended: watch.view.endedPods)
    }

    /// Counts from here: what came before was the warm-up.
    mutating func begin() {
        interval = 0
        start = Timestamp.now.seconds
        interferedTo = 0
        comparison = noComparison
        (evictions, replicaChanges) = (0, 0)
    }

    /// Whether the warm-up is over.
    var hasBegun: Bool { interferedTo != nil }

    /// The interference that has become due since the last call, by its position in the plan.
    mutating func dueInterference() -> [Int] {
        guard let last = interferedTo else { return [] }
        let now = max(last, Timestamp.now.seconds - start)
        interferedTo = now
        return settings.interferencePlan.starting(in: last..<now)
    }

    func stop() {
        for generator in generators { generator.stop() }
        watch.stop()
    }

    /// What is known now.
    func refreshed() -> ClusterSnapshot { watch.view.snapshot }

    // MARK: Guards

    /// Why `action` must not be carried out; `nil` when it may: what the snapshot says, and the guards.
    func obstacle(to action: ClusterAction, in snapshot: ClusterSnapshot) -> ActionObstacle? {
        let known = watch.view
        guard known.silence < 5 else {
            return .guarded("the API server has not answered for \(Int(known.silence)) s: what is known is out of date")
        }
        guard known.unwatched.isEmpty else {
            return .guarded(
                "the watch of \(known.unwatched.sorted().joined(separator: ", ")) is broken at the moment: what is "
                    + "known is out of date")
        }
        if let obstacle = snapshot.obstacle(to: action) { return obstacle }
        switch action {
        case .advance: return nil
        case .place:
            return settings.placement == .environment ? nil : .guarded("the cluster's own scheduler places the pods")
        case .scale(let service, _), .resize(let service, _): return blindness(snapshot.services[service])
        case .evict(let id):
            guard evictions < settings.guards.evictionsPerInterval else {
                return .guarded("\(evictions) pods were evicted in this interval already")
            }
            let service = snapshot.podIndex(id).flatMap { snapshot.pods[$0].service }
            return service.flatMap { blindness(snapshot.services[$0]) }
        }
    }

    /// Nothing is done to a service of which nothing is measured: what came back empty is not zero.
    private func blindness(_ service: Cluster.Service) -> ActionObstacle? {
        guard settings.guards.needsMeasurements else { return nil }
        let hasLoad = service.arrivalRate != nil && service.latencyP99 != nil
        return hasLoad || service.cpuUsage != nil ? nil : .guarded("nothing is measured of service \(service.name)")
    }

    // MARK: Intervals

    /// Books an action that was carried out.
    mutating func note(_ action: ClusterAction) {
        switch action {
        case .advance, .place: break
        case .scale(_, let change):
            replicaChanges += abs(change)
            expectedEnds += max(0, -change)
        case .resize: isRollingOut = resizer == nil || isRollingOut
        case .evict:
            evictions += 1
            expectedEnds += 1
        }
    }

    /// - Parameter ended: pods that have ended by now.
    private mutating func openInterval(ended: Int) {
        let now = ContinuousClock.now
        intervalStart = now
        integratedTo = now
        nextBoundary = now + .seconds(settings.interval)
        (requestedCoreSeconds, allocatableCoreSeconds) = (0, 0)
        (evictions, replicaChanges, expectedEnds) = (0, 0, 0)
        endedBefore = ended
    }

    /// Adds up what is requested and what there is, from the last call to now.
    mutating func integrate() {
        let now = ContinuousClock.now
        let seconds = (now - integratedTo) / .seconds(1)
        integratedTo = now
        let snapshot = refreshed()
        for pod in snapshot.pods where pod.service != nil && pod.node != nil {
            requestedCoreSeconds += pod.requests.cpu * seconds
        }
        for node in snapshot.nodes where node.isSchedulable {
            allocatableCoreSeconds += node.allocatable.cpu * seconds
        }
    }

    /// Ends the interval and begins the next.
    mutating func closeInterval() -> IntervalReport {
        var report = IntervalReport(duration: (ContinuousClock.now - intervalStart) / .seconds(1))
        var perService: [LoadInterval] = []
        let saidByPrometheus = comparison == nil ? nil : watch.view.snapshot.services
        for index in generators.indices {
            let measured = generators[index].harvest()
            let sample = RequestSample(measured, endingAt: Timestamp.now.seconds)
            if let saidByPrometheus {
                comparison?.add(saidByPrometheus[index], beside: sample, ofService: index)
            } else {
                watch.add(sample, ofService: index)
            }
            report.services.append(ServiceInterval(measured))
            perService.append(measured)
        }
        report.requestedCoreSeconds = requestedCoreSeconds
        report.allocatableCoreSeconds = allocatableCoreSeconds
        let known = watch.view
        let ended = known.endedPods - endedBefore
        let unexpected = max(0, ended - expectedEnds)
        // While a rollout replaces pods, those that end are its doing; otherwise someone else evicted them.
        report.evictions = evictions + (isRollingOut ? 0 : unexpected)
        report.replicaChanges = replicaChanges + (isRollingOut ? unexpected : 0)
        isRollingOut = isRollingOut && !known.isRolledOut
        let snapshot = refreshed()
        report.nodes = nodeIntervals(perService, on: snapshot.nodes.map(\.name))
        report.pendingReplicas = snapshot.pods.count { $0.service != nil && $0.phase == .pending }
        if known.silence > settings.patience {
            report.failure = "the API server has not answered for \(Int(known.silence)) s"
        }
        // Without load an interval would look perfect.
        for (index, generator) in generators.enumerated() where generator.isFinished {
            report.failure = "the load of \(workload.services[index].deployment) has ended"
        }
        interval += 1
        openInterval(ended: known.endedPods)
        return report
    }
}

extension LiveEpisode {
    /// What the requests met on each node; `nil` where one of them went to the service's address, behind which no node
    /// can be told.
    private func nodeIntervals(_ services: [LoadInterval], on names: [String]) -> [NodeInterval]? {
        var result: [NodeInterval] = []
        for (service, measured) in services.enumerated() {
            var histograms = [LatencyHistogram](repeating: LatencyHistogram(), count: names.count)
            for (address, latencies) in measured.targets {
                guard let node = watch.node(behind: address).flatMap({ names.firstIndex(of: $0) }) else { return nil }
                histograms[node].add(latencies)
            }
            for (node, latencies) in histograms.enumerated() {
                guard let p50 = latencies.quantile(0.5), let p95 = latencies.quantile(0.95),
                    let p99 = latencies.quantile(0.99)
                else { continue }
                var interval = NodeInterval(service: service, node: node)
                (interval.requests, interval.latencyP50) = (Double(latencies.count), p50)
                (interval.latencyP95, interval.latencyP99) = (p95, p99)
                result.append(interval)
            }
        }
        return result
    }
}

extension RequestSample {
    /// What a load generator saw in an interval that ended at `time`, in seconds since 1970.
    init(_ measured: LoadInterval, endingAt time: Double) {
        self.init(
            time: time, seconds: max(1e-3, measured.duration), source: .loadGenerator,
            arrived: Double(measured.arrived), completed: Double(measured.completed),
            failed: Double(measured.rejected + measured.timedOut))
        (latencyP50, latencyP95, latencyP99) = (measured.p50, measured.p95, measured.p99)
    }
}

extension ServiceInterval {
    /// What a load generator saw.
    init(_ measured: LoadInterval) {
        self.init()
        arrived = Double(measured.arrived)
        completed = Double(measured.completed)
        rejected = Double(measured.rejected)
        timedOut = Double(measured.timedOut)
        overObjective = Double(measured.overObjective)
        latencyP50 = measured.p50
        latencyP95 = measured.p95
        latencyP99 = measured.p99
    }
}
