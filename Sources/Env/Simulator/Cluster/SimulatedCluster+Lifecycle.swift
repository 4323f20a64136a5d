import Cluster
import Foundation
import Randomness
public import Workloads

/// Pods come, become ready, and go.
extension SimulatedCluster {
    /// Moments inside an interval at which pods change are multiples of this share of it.
    private static let momentsPerInterval = 8.0

    /// The first moment at or after `time` at which a pod may change.
    func moment(_ time: Double) -> Double {
        let step = settings.interval / Self.momentsPerInterval
        return (time / step - 1e-9).rounded(.up) * step
    }

    /// Adds a pending replica.
    mutating func createReplica(of service: Int) {
        let template = state.snapshot.services[service]
        let model = state.services[service]
        state.services[service].podsCreated += 1
        let pod = Pod(
            id: state.nextPodID, name: "\(template.name)-\(model.podsCreated)", service: service,
            requests: template.requests, created: state.time)
        append(
            pod,
            PodLoad(
                service: service, weight: max(PodLoad.leastWeight, template.requests.cpu),
                limit: min(model.workers, template.cpuLimit ?? model.workers), cache: model.cache,
                bandwidthPerCore: model.bandwidthPerCore, memory: model.memoryUse, generation: model.generation))
    }

    mutating func append(_ pod: Pod, _ load: PodLoad) {
        state.nextPodID += 1
        state.builder.addPod(pod)
        state.loads.append(load)
        scratch.isStale = true
    }

    /// Binds a pending pod, which starts.
    mutating func bind(_ pod: Int, to node: Int) {
        state.builder.movePod(pod, to: node)
        state.builder.setPhase(pod, .starting)
        state.loads[pod].node = node
        state.loads[pod].counted[0] = 0
        scratch.isStale = true
    }

    mutating func becomeReady(_ pod: Int) {
        state.builder.setPhase(pod, .ready)
        state.loads[pod].isReady = true
        state.loads[pod].changesAt = -1
        scratch.isStale = true
    }

    /// Lets a bound replica finish its requests and go; what its queue holds beyond that time is lost.
    mutating func terminate(_ pod: Int) {
        guard let service = state.snapshot.pods[pod].service else { return }
        let grace = state.services[service].termination
        loseQueue(pod, after: grace)
        state.builder.setPhase(pod, .terminating)
        state.loads[pod].isReady = false
        state.loads[pod].changesAt = moment(state.time + state.actionTime + grace)
        scratch.isStale = true
    }

    /// Counts the requests in a replica's queue that are not answered within `grace` seconds.
    private mutating func loseQueue(_ pod: Int, after grace: Double) {
        let load = state.loads[pod]
        guard load.service >= 0, load.isReady, load.queue.drainMean > 0 else { return }
        // What would have waited beyond the objective was counted as over when it arrived.
        let objective = state.snapshot.services[load.service].latencyObjective
        let wait = load.queue.meanWait
        state.services[load.service].killed += max(0, wait - grace) / load.queue.drainMean
        state.services[load.service].killedInTime += max(0, min(wait, objective) - grace) / load.queue.drainMean
    }

    /// Removes a pod at once; the last one takes its place.
    mutating func remove(_ pod: Int) {
        let load = state.loads[pod]
        if load.node >= 0, load.service < 0 { state.nodes[load.node].jobs -= 1 }
        state.builder.removePod(pod)
        state.loads.swapAt(pod, state.loads.count - 1)
        state.loads.removeLast()
        scratch.isStale = true
    }

    /// Removes a pod that the cluster itself puts an end to; a replica is replaced by a pending one.
    mutating func kill(_ pod: Int) {
        let service = state.loads[pod].service
        let wasLeaving = state.snapshot.pods[pod].phase == .terminating
        loseQueue(pod, after: 0)
        remove(pod)
        guard service >= 0, !wasLeaving else { return }
        state.evictions += 1
        createReplica(of: service)
    }

    /// The feasible node with the smallest share of its CPU requested, the first of equals. Cost: O(nodes).
    func leastRequestedNode(for pod: Pod) -> Int? {
        var best: Int?
        var least = Double.infinity
        for node in state.snapshot.nodes.indices where state.snapshot.obstacle(for: pod, on: node) == nil {
            let share = state.snapshot.nodes[node].requested.cpu / state.snapshot.nodes[node].allocatable.cpu
            if share < least { (best, least) = (node, share) }
        }
        return best
    }

    // MARK: Batch jobs

    mutating func startJob(_ job: BatchJob, kind: Int, _ process: inout InterferenceProcess) {
        state.jobsStarted += 1
        let rules = settings.interference
        let pod = Pod(
            id: state.nextPodID, name: "\(rules.kinds[kind].name)-\(state.jobsStarted)", service: nil,
            requests: Resources(cpu: job.requestedCores, memory: job.requestedMemory), created: state.time)
        guard let node = chooseNode(for: pod, process.chooser()) else { return }
        run(job, as: pod, on: node)
    }

    /// Starts a batch job on a node now, as an interference specification does on a live cluster. It runs for
    /// `job.duration`, to the end of an interval.
    /// - Precondition: an episode has begun and `node` is one of the snapshot's.
    public mutating func start(_ job: BatchJob, named name: String, on node: Int) {
        precondition(state.isRunning && state.nodes.indices.contains(node), "a node of an episode")
        let requests = Resources(cpu: job.requestedCores, memory: job.requestedMemory)
        run(
            job,
            as: Pod(
                id: state.nextPodID, name: name, service: nil, requests: requests, created: state.time),
            on: node)
    }

    private mutating func run(_ job: BatchJob, as pod: Pod, on node: Int) {
        let cores = max(1e-3, job.cores)
        append(
            pod,
            PodLoad(
                service: -1, weight: max(PodLoad.leastWeight, job.requestedCores), limit: job.cores, cache: job.cache,
                bandwidthPerCore: job.memoryBandwidth / cores, memory: job.memory))
        let index = state.snapshot.pods.count - 1
        bind(index, to: node)
        state.nodes[node].jobs += 1
        state.builder.setPhase(index, .ready)
        // Jobs come and go between intervals.
        let end = (state.time + job.duration) / settings.interval
        state.loads[index].changesAt = max(1, end.rounded(.up)) * settings.interval
    }

    /// The node that a batch job starts on, of those drawn for it.
    private func chooseNode(for pod: Pod, _ chooser: NodeChooser) -> Int? {
        var chooser = chooser
        let rules = settings.interference
        func isFeasible(_ node: Int) -> Bool {
            state.nodes[node].jobs < rules.mostPerNode && state.snapshot.obstacle(for: pod, on: node) == nil
        }
        switch rules.placement {
        case .random:
            for _ in 0..<12 {
                let node = chooser.next()
                if isFeasible(node) { return node }
            }
            return nil
        case .leastRequested:
            // A sample of the nodes, as kube-scheduler takes one in a large cluster.
            var best: Int?
            var least = Double.infinity
            let first = chooser.next()
            for offset in 0..<min(state.nodes.count, 100) {
                let node = (first + offset) % state.nodes.count
                let share = state.snapshot.nodes[node].requested.cpu / state.snapshot.nodes[node].allocatable.cpu
                if share < least, isFeasible(node) { (best, least) = (node, share) }
            }
            return best
        }
    }

    mutating func startJobs() {
        // Asked first, so that the process is copied only when there is something to do.
        guard scratch.nextJobs < state.time, var process = state.interference else { return }
        for _ in 0..<process.arrivals(before: state.time) {
            let (kind, job) = process.drawJob()
            startJob(job, kind: kind, &process)
        }
        scratch.nextJobs = process.nextArrival
        state.interference = process
    }

    // MARK: Nodes

    /// Loses nodes whose time has come, replaces the replicas of nodes lost long enough, and takes nodes back.
    mutating func updateNodes() {
        let time = state.time
        for node in state.nodes.indices {
            if state.nodes[node].isUp, state.nodes[node].lostAt >= 0, state.nodes[node].lostAt <= time {
                let rules = settings.nodes
                state.nodes[node].returnsAt = time + rules.outage.draw(using: &state.nodeGenerator)
                state.nodes[node].replacedAt = time + rules.evictionDelay.draw(using: &state.nodeGenerator)
                state.builder.setSchedulable(node, false)
                for pod in state.loads.indices where state.loads[pod].node == node {
                    loseQueue(pod, after: 0)
                    state.loads[pod].isReady = false
                    state.loads[pod].queue = ReplicaQueue()
                    if state.snapshot.pods[pod].phase == .ready { state.builder.setPhase(pod, .starting) }
                    if state.loads[pod].service >= 0 { state.loads[pod].changesAt = -1 }
                }
                scratch.isStale = true
            }
            guard !state.nodes[node].isUp else { continue }
            let returns = state.nodes[node].returnsAt <= time
            if state.nodes[node].replacedAt >= 0, state.nodes[node].replacedAt <= time {
                state.nodes[node].replacedAt = -1
                let lost = state.snapshot.pods.filter { $0.node == node }.map(\.id)
                for id in lost {
                    if let pod = state.snapshot.podIndex(id) { kill(pod) }
                }
            }
            if returns { takeBack(node) }
        }
    }

    /// A node that returns before its replicas were replaced starts them again.
    private mutating func takeBack(_ node: Int) {
        state.nodes[node].returnsAt = -1
        state.nodes[node].replacedAt = -1
        state.nodes[node].lostAt =
            state.time + state.nodeGenerator.exponential(rate: state.nodes[node].lossRate)
        state.builder.setSchedulable(node, true)
        for pod in state.loads.indices where state.loads[pod].node == node && state.loads[pod].service >= 0 {
            if state.snapshot.pods[pod].phase == .terminating {
                state.loads[pod].changesAt = moment(state.time)
            } else {
                scheduleReadiness(pod)
            }
        }
        for pod in state.loads.indices where state.loads[pod].node == node && state.loads[pod].service < 0 {
            state.builder.setPhase(pod, .ready)
        }
        scratch.isStale = true
    }

    /// Draws when a starting replica becomes ready.
    mutating func scheduleReadiness(_ pod: Int) {
        guard let service = state.snapshot.pods[pod].service else { return }
        let model = state.services[service]
        let delay =
            model.startup > 0
            ? state.lifecycleGenerator.logNormal(mean: model.startup, squaredVariation: model.startupVariation) : 0
        state.loads[pod].changesAt = moment(state.time + state.actionTime + delay)
        scratch.isStale = true
    }

    /// Ends the pod furthest above its requests on each node that has run out of memory, until what is left fits
    /// (the kernel's and the kubelet's order among pods of one priority).
    mutating func relieveMemory() {
        guard scratch.isMemoryUnknown else { return }
        for node in state.nodes.indices {
            while true {
                let group = scratch.starts[node]..<scratch.starts[node + 1]
                var used = state.nodes[node].reserved.memory
                for slot in group { used += state.loads[scratch.order[slot]].memory }
                guard used > state.nodes[node].memory else { break }
                var worst: Int?
                var most = -Double.infinity
                for slot in group {
                    let pod = scratch.order[slot]
                    let excess = state.loads[pod].memory - state.snapshot.pods[pod].requests.memory
                    if excess > most { (worst, most) = (pod, excess) }
                }
                guard let worst else { break }
                kill(worst)
                regroup()
            }
        }
        scratch.isMemoryUnknown = false
    }

    /// How many ready replicas each service's disruption budget lets go. Cost: O(services + pods) when stale.
    mutating func updateDisruptions() {
        regroup()
        guard scratch.areBudgetsUnknown else { return }
        scratch.areBudgetsUnknown = false
        for index in state.services.indices {
            let desired = state.snapshot.services[index].replicas
            let away = max(1, Int(Double(desired) * state.services[index].maximumUnavailable))
            state.builder.setDisruptionsAllowed(index, max(0, state.services[index].ready - (desired - away)))
        }
    }

    /// Groups the pods by node and counts what depends on where they are, if anything has changed.
    mutating func regroup() {
        guard scratch.isStale else { return }
        scratch.isStale = false
        (scratch.isMemoryUnknown, scratch.areBudgetsUnknown) = (true, true)
        Self.group(state.loads, byNodeOf: state.nodes.count, starts: &scratch.starts, order: &scratch.order)
        scratch.nextChange = Self.count(state.loads, state.snapshot.pods, &state.services)
        scratch.allocatableCores = 0
        for node in state.nodes.indices where state.nodes[node].isUp {
            scratch.allocatableCores += state.snapshot.nodes[node].allocatable.cpu
        }
    }

    /// Sorts the indices of bound pods by node, in the pods' order on each.
    private static func group(
        _ loads: [PodLoad], byNodeOf nodeCount: Int, starts: inout [Int], order: inout [Int]
    ) {
        if starts.count != nodeCount + 1 { starts = Array(repeating: 0, count: nodeCount + 1) }
        let loads = loads.span
        var starts = starts.mutableSpan
        for node in starts.indices { starts[node] = 0 }
        for pod in loads.indices where loads[pod].node >= 0 { starts[loads[pod].node] += 1 }
        for node in 0..<nodeCount { starts[node + 1] += starts[node] }
        while order.count < loads.count { order.append(0) }
        // Filled from the back: each start moves down from where its group ends to where it begins.
        var order = order.mutableSpan
        for pod in loads.indices.reversed() where loads[pod].node >= 0 {
            starts[loads[pod].node] -= 1
            order[starts[loads[pod].node]] = pod
        }
    }

    /// Counts the ready replicas and bound cores of each service.
    /// - Returns: when the next pod changes.
    private static func count(_ loads: [PodLoad], _ pods: [Pod], _ services: inout [ServiceModel]) -> Double {
        let (loads, pods) = (loads.span, pods.span)
        var services = services.mutableSpan
        for index in services.indices { (services[index].ready, services[index].boundCores) = (0, 0) }
        var nextChange = Double.infinity
        for pod in loads.indices {
            if loads[pod].changesAt >= 0 { nextChange = min(nextChange, loads[pod].changesAt) }
            let service = loads[pod].service
            guard loads[pod].node >= 0, service >= 0 else { continue }
            if loads[pod].isReady { services[service].ready += 1 }
            services[service].boundCores += pods[pod].requests.cpu
        }
        return nextChange
    }
}
