import Watching
public import Cluster
import Foundation
import Kubernetes
import LoadGeneration
public import Logging
import Randomness
import Synchronization
import Workloads

/// A live cluster as the backend of `ClusterEnvironment`: real pods, real load, real measurements.
///
/// `reset` makes a namespace, deploys the services into it, binds their first replicas (each to the feasible node with
/// the smallest share of its CPU requested) and starts their load. Actions go out as they are taken; `advance` waits
/// for the end of the control interval. `close` removes everything; so does the `reset` of a later run after a crash,
/// and `LiveCluster.remove`. Nothing without the label `berth.dev/environment` is touched.
///
/// All calls block: make them from a thread of your own, not from a task. One caller at a time.
public final class LiveCluster: ClusterBackend, Sendable {
    /// What it was made of.
    public let settings: LiveSettings
    private let workload: LiveWorkload
    private let client: APIClient
    private let audit: AuditLog?
    private let recording: LineFile?
    private let logger: Logger
    private let isCancelled: @Sendable () -> Bool
    private let contents = Mutex<LiveEpisode?>(nil)
    private let lastSnapshot: Mutex<ClusterSnapshot>

    /// Reads the services' files and finds the cluster; nothing is made yet.
    /// - Parameters:
    ///   - settings: validated settings.
    ///   - logger: told what happens.
    ///   - isCancelled: asked while time passes; `reset` and `advance` throw `CancellationError` once it is true.
    /// - Throws: `LiveError`, `ManifestError`, `AccessError` or `APIError` naming the file and key at fault.
    public init(
        settings: LiveSettings, logger: Logger, isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws {
        self.settings = settings
        self.logger = logger
        self.isCancelled = isCancelled
        workload = try LiveWorkload(settings)
        client = try APIClient(access: try settings.kubernetes.access(), timeout: 10)
        audit = settings.auditLog.isEmpty ? nil : try AuditLog(path: settings.auditLog)
        recording =
            settings.recording.isEmpty ? nil : try LineFile(path: settings.recording, name: "recording")
        lastSnapshot = Mutex(ClusterSnapshot(interval: settings.interval))
    }

    deinit { contents.withLock { $0?.stop() } }

    /// What was known after the last call. Empty before the first episode.
    public var snapshot: ClusterSnapshot { lastSnapshot.withLock { $0 } }

    // MARK: Episodes

    /// Ends the episode before, removes what is left of it or of an earlier run, and starts a new one.
    /// - Parameter seed: decides the load.
    /// - Throws: `LiveError` where the workload is not ready in time or the namespace is someone else's, `APIError`
    ///   where the API server refuses. What was made by then is removed.
    public func reset(seed: UInt64) throws {
        try close()
        let (settings, workload, client, logger) = (settings, workload, client, logger)
        try Self.remove(settings, client, audit, episode: (seed: seed, interval: 0), detail: Self.leftover)
        do {
            try waiting { try await workload.create(client) }
            try record(seed: seed, interval: 0, "deploy", "namespace \(settings.namespace)", "", .done, nil)
            let resizesInPlace = try waiting { try await client.offersPodResize() }
            let watch = try ClusterWatch(
                client: client, settings: settings,
                services: LiveEpisode.services(of: workload, resizing: resizesInPlace ? .inPlace : .rollout),
                logger: logger)
            let episode = LiveEpisode(
                seed: seed, settings: settings, workload: workload, watch: watch,
                resizer: resizesInPlace ? InPlaceResizer(client: client, workload: workload, watch: watch) : nil)
            try episode.beginWatching()
            show(episode.refreshed())
            contents.withLock { $0 = episode }
            if settings.placement == .environment { try placeFirstReplicas() }
            try awaitReadiness()
            try contents.withLock { try $0?.startLoad() }
            for _ in 0..<settings.warmup { _ = try advance() }
            // What happened before the episode was not the policy's.
            contents.withLock { $0?.begin() }
            try recording?.append([
                RecordingEntry.episode(
                    seed: seed, interval: settings.interval, maximumAge: settings.usage.maximumAge)
            ])
            refresh()
            try show(after: nil)
        } catch {
            do { try discard(seed: seed) } catch let second {
                logger.error("what was made is not removed", metadata: ["error": "\(second)"])
            }
            throw error
        }
    }

    /// Ends the episode and removes everything that was made for it. Without an episode it does nothing.
    /// - Throws: `APIError` or `LiveError` where something could not be removed; call it again, or `remove`.
    public func close() throws {
        guard let episode = contents.withLock({ $0 }) else { return }
        try discard(seed: episode.seed)
    }

    /// Removes the namespace, whatever has been made in it by now.
    private func discard(seed: UInt64) throws {
        let episode = contents.withLock { $0 }
        episode?.stop()
        try Self.remove(
            settings, client, audit, episode: (seed: seed, interval: episode?.interval ?? 0), detail: "",
            outlastsOutages: true)
        contents.withLock { $0 = nil }
        if let episode { try tellComparison(of: episode) }
    }

    /// Says how far Prometheus and the load generator were apart in an episode.
    private func tellComparison(of episode: LiveEpisode) throws {
        for (deployment, summary) in episode.comparison?.summaries ?? [] {
            logger.info(
                "Prometheus beside the load generator",
                metadata: ["deployment": "\(deployment)", "episode": "\(episode.seed)", "comparison": "\(summary)"])
            try record(
                seed: episode.seed, interval: episode.interval, "compare", "deployment \(deployment)", summary, .done,
                nil)
        }
    }

    /// Removes what an environment of these settings left behind, whoever made it, and appends that to their audit log.
    /// - Returns: whether there was anything.
    /// - Throws: `APIError`, or `LiveError` where the namespace is not an environment's or the log cannot be written.
    public static func remove(_ settings: LiveSettings) throws -> Bool {
        let client = try APIClient(access: try settings.kubernetes.access(), timeout: 10)
        let audit: AuditLog? = settings.auditLog.isEmpty ? nil : try AuditLog(path: settings.auditLog)
        return try remove(settings, client, audit, episode: nil, detail: leftover)
    }

    /// What the log says of a namespace that no episode of this run made.
    private static let leftover = "left by an earlier run"

    /// Removes the namespace. The log hears of it unless there was none.
    /// - Parameters:
    ///   - episode: the episode that it is removed for; `nil` for none.
    ///   - detail: whose it was.
    ///   - outlastsOutages: whether the API server is asked again while it does not answer.
    @discardableResult
    private static func remove(
        _ settings: LiveSettings, _ client: APIClient, _ audit: AuditLog?, episode: (seed: UInt64, interval: Int)?,
        detail: String, outlastsOutages: Bool = false
    ) throws -> Bool {
        var entry = AuditLog.Entry(
            namespace: settings.namespace, episode: episode?.seed, interval: episode?.interval, action: "remove",
            object: "namespace \(settings.namespace)", detail: detail, outcome: .done, reason: nil, dryRun: false)
        let wasThere: Bool
        do {
            wasThere = try waiting {
                try await LiveWorkload.remove(
                    settings.namespace, client, seconds: settings.readySeconds, outlastsOutages: outlastsOutages)
            }
        } catch {
            entry.outcome = .failed
            entry.reason = "\(error)"
            try audit?.append(entry)
            throw error
        }
        if wasThere { try audit?.append(entry) }
        return wasThere
    }

    /// Each replica on the feasible node with the smallest share of its CPU requested, as the simulator does.
    private func placeFirstReplicas() throws {
        try awaitPods()
        let deadline = ContinuousClock.now + .seconds(settings.readySeconds)
        while let pod = snapshot.pods.filter({ $0.phase == .pending && $0.service != nil })
            .min(by: { ($0.created, $0.id) < ($1.created, $1.id) })
        {
            guard !isCancelled() else { throw CancellationError() }
            guard ContinuousClock.now < deadline else {
                throw LiveError(
                    .timeout, "the first replicas are not bound within \(settings.readySeconds) s: pod \(pod.name)")
            }
            let snapshot = snapshot
            let feasible = snapshot.nodes.indices.filter { snapshot.obstacle(for: pod, on: $0) == nil }
            func share(_ index: Int) -> Double {
                snapshot.nodes[index].requested.cpu / max(1e-9, snapshot.nodes[index].allocatable.cpu)
            }
            guard let node = feasible.min(by: { share($0) < share($1) }) else {
                throw LiveError(
                    .placement,
                    "pod \(pod.name) fits on no node: give the cluster more room or the service fewer replicas")
            }
            // What an episode begins with is there in a dry run too.
            if let refusal = try carryOut(.place(pod: pod.id, node: node), dryRun: false) {
                throw LiveError(.placement, "pod \(pod.name) cannot be placed: \(refusal)")
            }
        }
    }

    /// Waits until as many replicas exist as are desired.
    private func awaitPods() throws {
        try holdOut(seconds: settings.readySeconds, "replicas do not appear") { snapshot in
            snapshot.services.indices.allSatisfy { service in
                snapshot.pods.count { $0.service == service && $0.phase != .terminating }
                    == snapshot.services[service].replicas
            }
        }
    }

    private func awaitReadiness() throws {
        try holdOut(seconds: settings.readySeconds, "replicas are not ready") { snapshot in
            snapshot.services.indices.allSatisfy { service in
                snapshot.services[service].replicas > 0
                    && snapshot.pods.count { $0.service == service && $0.phase == .ready }
                        >= snapshot.services[service].replicas
            }
        }
    }

    private func holdOut(seconds: Double, _ problem: String, _ condition: (ClusterSnapshot) -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !condition(refresh()) {
            guard !isCancelled() else { throw CancellationError() }
            guard ContinuousClock.now < deadline else {
                let pods = snapshot.pods.filter { $0.service != nil }
                    .map { "\($0.name) \($0.phase.rawValue)" }.joined(separator: ", ")
                throw LiveError(.timeout, "\(problem) within \(seconds) s; pods: \(pods.isEmpty ? "none" : pods)")
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    @discardableResult
    private func refresh() -> ClusterSnapshot {
        let snapshot = contents.withLock { episode in episode?.refreshed() }
        if let snapshot { show(snapshot) }
        return self.snapshot
    }

    private func show(_ snapshot: ClusterSnapshot) {
        lastSnapshot.withLock { $0 = snapshot }
    }

    // MARK: Actions

    /// Carries out an action, unless a guard forbids it, and waits until the cluster shows it (10 s at most).
    /// - Precondition: `action` is not `advance`.
    /// - Returns: `nil` when it was carried out, otherwise why not: a guard, a disruption budget, an error of the API
    ///   server or its silence.
    /// - Throws: `LiveError` before the first episode, or where the audit log or the recording cannot be written; the
    ///   action may have been carried out then.
    public func apply(_ action: ClusterAction) throws -> ActionObstacle? {
        let refusal = try carryOut(action, dryRun: settings.guards.dryRun)
        try show(after: .action(action, refusal: refusal))
        return refusal
    }

    private func carryOut(_ action: ClusterAction, dryRun: Bool) throws -> ActionObstacle? {
        guard let episode = contents.withLock({ $0 }) else { throw Self.needsReset }
        // A decision may have taken its time: guards judge what is known now.
        let snapshot = refresh()
        let order = LiveOrder(action, in: snapshot, workload)
        var refusal = episode.obstacle(to: action, in: snapshot)
        var outcome = AuditLog.Entry.Outcome.refused
        var steps: [InPlaceResizer.Step] = []
        if refusal == nil {
            do {
                if let resizing = order.inPlace, let resizer = episode.resizer {
                    if dryRun {
                        try waiting { try await resizer.check(resizing.service, resizing.to) }
                    } else {
                        let result = try waiting {
                            try await resizer.resize(resizing.service, from: resizing.from, to: resizing.to)
                        }
                        (refusal, steps) = (result.refusal.map { .refused($0) }, result.steps)
                        if let error = result.error { throw error }
                    }
                } else {
                    let (client, settings, pods) = (client, settings, episode.watch.pods)
                    refusal = try waiting { try await order.carryOut(client, settings.namespace, pods, dryRun: dryRun) }
                        .map { .refused($0) }
                }
                outcome = refusal == nil ? .done : .refused
                episode.watch.noteAnswer()
            } catch {
                // The server's word or its silence, not a fault of the environment: the episode goes on.
                (refusal, outcome) = (.refused("\(error)"), .failed)
                // The server may have done it without our hearing of it: what follows reckons with it.
                if (error as? APIError)?.kind == .transport, !dryRun { contents.withLock { $0?.note(action) } }
                logger.warning("an action failed", metadata: ["action": "\(order.name)", "error": "\(error)"])
            }
        }
        try record(
            seed: episode.seed, interval: episode.interval, order.name, order.object, order.detail, outcome,
            refusal?.description, dryRun: dryRun)
        try record(steps, of: episode)
        guard refusal == nil else {
            refresh()
            return refusal
        }
        guard !dryRun else { return .guarded("dry run: the API server would have carried it out") }
        contents.withLock { $0?.note(action) }
        if order.inPlace == nil { awaitEffect(of: action) }
        try keepRequests()
        return nil
    }

    /// Gives the recording what led to the snapshot that is to be decided on, which is the last one of the events. What
    /// came before the episode began counts as part of its beginning.
    private func show(after cause: RecordingEntry?) throws {
        guard let recording, let episode = contents.withLock({ $0 }), episode.hasBegun else { return }
        let (events, snapshot) = episode.watch.takeEvents()
        show(snapshot)
        try recording.append((cause.map { [$0] } ?? []) + events.map { .event($0) } + [.shown])
    }

    /// Has replicas that were made by their Deployment's template request what their service does, and takes back what
    /// kubelets cannot do.
    private func keepRequests() throws {
        guard let episode = contents.withLock({ $0 }), let resizer = episode.resizer else { return }
        let steps = try waiting { try await resizer.keepUp() }
        try record(steps, of: episode)
        refresh()
    }

    private func record(_ steps: [InPlaceResizer.Step], of episode: LiveEpisode) throws {
        for step in steps {
            try record(
                seed: episode.seed, interval: episode.interval, "resize", "pod \(step.pod)", step.detail, step.outcome,
                step.reason)
            if let reason = step.reason {
                logger.warning("a replica is not resized", metadata: ["pod": "\(step.pod)", "reason": "\(reason)"])
            }
        }
    }

    /// The watch is a little behind the API server; decisions that follow are to see what was done.
    private func awaitEffect(of action: ClusterAction) {
        let before = snapshot
        let deadline = ContinuousClock.now + .seconds(10)
        while !LiveOrder.shows(action, before: before, after: refresh()), ContinuousClock.now < deadline {
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Waits for the end of the control interval and measures.
    /// - Throws: `LiveError` before the first episode, or where the audit log or the recording cannot be written.
    public func advance() throws -> IntervalReport {
        guard let deadline = contents.withLock({ $0?.nextBoundary }) else { throw Self.needsReset }
        // Often enough that what the services request is integrated to a few parts in a hundred.
        while ContinuousClock.now < deadline {
            guard !isCancelled() else { throw CancellationError() }
            contents.withLock { $0?.integrate() }
            try interfere()
            try keepRequests()
            let left = (deadline - ContinuousClock.now) / .seconds(1)
            Thread.sleep(forTimeInterval: max(0, min(left, 0.2)))
        }
        if let watch = contents.withLock({ $0?.watch }) { try waiting { await watch.measure() } }
        let report = contents.withLock { episode -> IntervalReport? in
            episode?.integrate()
            return episode?.closeInterval()
        }
        refresh()
        try keepRequests()
        guard let report else { throw Self.needsReset }
        try show(after: .interval(report))
        return report
    }

    /// Starts the interference that is due. What the API server does not take is logged; the episode goes on.
    private func interfere() throws {
        let due = contents.withLock { $0?.dueInterference() } ?? []
        guard !due.isEmpty, let episode = contents.withLock({ $0 }) else { return }
        let pods = StressPods(
            client: client, namespace: settings.namespace, image: settings.interferencePlan.image)
        for index in due {
            let specification = settings.interferencePlan.interference[index]
            var (outcome, reason) = (AuditLog.Entry.Outcome.done, String?.none)
            if settings.guards.dryRun {
                (outcome, reason) = (.refused, "not started in a dry run")
            } else {
                do {
                    try waiting { try await pods.start(specification, name: "interference-\(index)") }
                } catch {
                    (outcome, reason) = (.failed, "\(error)")
                    logger.warning("interference could not be started", metadata: ["error": "\(error)"])
                }
            }
            try record(
                seed: episode.seed, interval: episode.interval, "interfere", "pod interference-\(index)",
                specification.particulars, outcome, reason, dryRun: settings.guards.dryRun)
        }
    }

    private static let needsReset = LiveError(.callOrder, "the episode is over or has not begun: call reset first")

    private func record(
        seed: UInt64, interval: Int, _ action: String, _ object: String, _ detail: String,
        _ outcome: AuditLog.Entry.Outcome, _ reason: String?, dryRun: Bool = false
    ) throws {
        try audit?.append(
            AuditLog.Entry(
                namespace: settings.namespace, episode: seed, interval: interval, action: action, object: object,
                detail: detail, outcome: outcome, reason: reason, dryRun: dryRun))
    }
}
