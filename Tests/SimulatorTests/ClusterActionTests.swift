import Cluster
import Foundation
import Settings
import Simulator
import TestClusters
import Testing
import Workloads

/// What actions do, and what the cluster refuses.
@Suite struct ClusterActionTests {
    /// Three nodes of four cores, one service of four replicas of one core, nothing else.
    private func settings() -> SimulatorSettings {
        var settings = SimulatorSettings.quiet
        settings.nodes.count = ValueRange(3)
        var node = NodeKind(name: "node", cores: 4, speed: 1, memoryGiB: 16, cacheMiB: 16, bandwidthGB: 20)
        node.reservedCores = 0
        settings.nodes.kinds = [node]
        settings.services.kinds[0].replicas = ValueRange(4)
        settings.services.kinds[0].cpuRequest = ValueRange(1)
        settings.services.kinds[0].maximumReplicas = 12
        settings.services.kinds[0].minimumReplicas = 1
        settings.services.kinds[0].maximumUnavailable = ValueRange(0.25)
        settings.services.kinds[0].startup = ValueRange(30)
        settings.services.kinds[0].startupVariation = 0
        settings.services.kinds[0].termination = ValueRange(15)
        settings.services.kinds[0].meanServiceTime = ValueRange(0.05)
        settings.services.kinds[0].rate = ValueRange(20)
        return settings
    }

    private func cluster(_ change: (inout SimulatorSettings) -> Void = { _ in }) throws -> SimulatedCluster {
        var settings = settings()
        change(&settings)
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 1)
        return cluster
    }

    private func phases(_ cluster: SimulatedCluster) -> [Pod.Phase: Int] {
        Dictionary(grouping: cluster.snapshot.pods, by: \.phase).mapValues(\.count)
    }

    /// The counts that a snapshot holds must be what its pods say.
    private func expectConsistent(_ snapshot: ClusterSnapshot) {
        var recounted = snapshot
        recounted.recountNodes()
        for (node, again) in zip(snapshot.nodes, recounted.nodes) {
            #expect(node.podCount == again.podCount)
            #expect(abs(node.requested.cpu - again.requested.cpu) < 1e-9)
            #expect(abs(node.requested.memory - again.requested.memory) < 1)
        }
        #expect(Set(snapshot.pods.map(\.id)).count == snapshot.pods.count)
        #expect(Set(snapshot.pods.map(\.name)).count == snapshot.pods.count)
    }

    @Test func firstReplicasAreSpreadAndReady() throws {
        let cluster = try cluster()
        #expect(phases(cluster) == [.ready: 4])
        #expect(cluster.snapshot.nodes.map(\.podCount).sorted() == [1, 1, 2])
        #expect(cluster.snapshot.services[0].disruptionsAllowed == 1)
        expectConsistent(cluster.snapshot)
    }

    @Test func aNewReplicaIsPendingThenStartsThenIsReady() throws {
        var cluster = try cluster()
        #expect(try cluster.apply(.scale(service: 0, change: 2)) == nil)
        #expect(cluster.snapshot.services[0].replicas == 6)
        #expect(phases(cluster) == [.ready: 4, .pending: 2])
        let report = try cluster.advance()
        #expect(report.replicaChanges == 2 && report.evictions == 0 && report.pendingReplicas == 2)
        let pod = try #require(cluster.snapshot.pods.first { $0.phase == .pending })
        #expect(try cluster.apply(.place(pod: pod.id, node: 0)) == nil)
        #expect(phases(cluster) == [.ready: 4, .pending: 1, .starting: 1])
        expectConsistent(cluster.snapshot)
        // Ready after 30 s: in the second interval of 20 s.
        _ = try cluster.advance()
        #expect(phases(cluster)[.starting] == 1)
        #expect(try cluster.advance().replicaChanges == 0)
        #expect(phases(cluster) == [.ready: 5, .pending: 1])
    }

    @Test func placementRefusesWhatDoesNotFit() throws {
        var cluster = try cluster()
        #expect(try cluster.apply(.scale(service: 0, change: 8)) == nil)
        let pending = cluster.snapshot.pods.filter { $0.phase == .pending }.map(\.id)
        let free = 4 - cluster.snapshot.nodes[0].podCount
        for pod in pending.prefix(free) { #expect(try cluster.apply(.place(pod: pod, node: 0)) == nil) }
        let refusal = try cluster.apply(.place(pod: pending[free], node: 0))
        guard case .placement(_, cluster.snapshot.nodes[0].name, .cpu) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        let bound = try #require(cluster.snapshot.pods.first { $0.id == pending[0] })
        #expect(
            try cluster.apply(.place(pod: pending[0], node: 1)) == .notPending(pod: bound.name, .starting))
        #expect(try cluster.apply(.place(pod: 9999, node: 1)) == .noSuchPod(9999))
        #expect(try cluster.apply(.place(pod: pending[free], node: 77)) == .noSuchNode(77))
        expectConsistent(cluster.snapshot)
    }

    @Test func scalingDownTakesTheReplicaSetsVictims() throws {
        var cluster = try cluster()
        #expect(try cluster.apply(.scale(service: 0, change: 2)) == nil)
        let pending = cluster.snapshot.pods.filter { $0.phase == .pending }
        let lonely = try #require(cluster.snapshot.nodes.firstIndex { $0.podCount == 1 })
        #expect(try cluster.apply(.place(pod: pending[0].id, node: lonely)) == nil)
        // First the pending one, then the one that is starting.
        #expect(try cluster.apply(.scale(service: 0, change: -1)) == nil)
        #expect(cluster.snapshot.podIndex(pending[1].id) == nil)
        #expect(try cluster.apply(.scale(service: 0, change: -1)) == nil)
        #expect(cluster.snapshot.pods.first { $0.id == pending[0].id }?.phase == .terminating)
        // Then, of the ready ones, the youngest on the node that has two.
        let crowded = try #require(
            cluster.snapshot.nodes.indices.first { node in
                cluster.snapshot.pods.filter { $0.node == node && $0.phase == .ready }.count == 2
            })
        let expected = cluster.snapshot.pods.filter { $0.node == crowded && $0.phase == .ready }.map(\.id).max()
        #expect(try cluster.apply(.scale(service: 0, change: -1)) == nil)
        let leaving = cluster.snapshot.pods.filter { $0.phase == .terminating }.map(\.id)
        #expect(leaving.contains(try #require(expected)))
        // Terminating pods hold their requests until they are gone, 15 s later.
        expectConsistent(cluster.snapshot)
        #expect(cluster.snapshot.nodes.reduce(0) { $0 + $1.podCount } == 5)
        let report = try cluster.advance()
        #expect(report.replicaChanges == 5)
        #expect(phases(cluster) == [.ready: 3])
        // Five bound for 15 s (moments are eighths of an interval), three for the rest.
        #expect(abs(report.requestedCoreSeconds - (5 * 15 + 3 * 5)) < 1e-9)
        #expect(abs(report.allocatableCoreSeconds - 12 * 20) < 1e-9)
    }

    @Test func scalingStaysWithinItsBounds() throws {
        var cluster = try cluster()
        #expect(try cluster.apply(.scale(service: 0, change: -4)) != nil)
        #expect(try cluster.apply(.scale(service: 0, change: 9)) != nil)
        #expect(try cluster.apply(.scale(service: 0, change: 0)) != nil)
        #expect(try cluster.apply(.scale(service: 3, change: 1)) != nil)
        #expect(cluster.snapshot.services[0].replicas == 4)
    }

    @Test func evictionRespectsTheBudgetAndIsReplaced() throws {
        var cluster = try cluster()
        let ids = cluster.snapshot.pods.map(\.id)
        #expect(try cluster.apply(.evict(pod: ids[0])) == nil)
        #expect(phases(cluster) == [.ready: 3, .terminating: 1, .pending: 1])
        #expect(cluster.snapshot.services[0].disruptionsAllowed == 0)
        let service = cluster.snapshot.services[0].name
        #expect(try cluster.apply(.evict(pod: ids[1])) == .disruptionBudget(service: service))
        let gone = try #require(cluster.snapshot.pods.first { $0.id == ids[0] })
        #expect(try cluster.apply(.evict(pod: ids[0])) == .notRunning(pod: gone.name, .terminating))
        let pending = try #require(cluster.snapshot.pods.last)
        #expect(try cluster.apply(.evict(pod: pending.id)) == .notRunning(pod: pending.name, .pending))
        let report = try cluster.advance()
        #expect(report.evictions == 1 && report.replicaChanges == 0)
        expectConsistent(cluster.snapshot)
    }

    @Test func resizingChangesRequestsInPlaceWhereThereIsRoom() throws {
        var cluster = try cluster { $0.services.kinds[0].replicas = ValueRange(11) }
        // Two nodes hold four replicas of one core, one holds three.
        #expect(try cluster.apply(.resize(service: 0, factor: 1.25)) == nil)
        #expect(cluster.snapshot.services[0].requests.cpu == 1.25)
        let grown = cluster.snapshot.pods.filter { $0.requests.cpu == 1.25 }
        #expect(grown.count == 3)
        expectConsistent(cluster.snapshot)
        #expect(try cluster.apply(.resize(service: 0, factor: 0.5)) == nil)
        #expect(cluster.snapshot.pods.allSatisfy { $0.requests.cpu == 0.625 })
        #expect(try cluster.apply(.resize(service: 0, factor: 0.5)) != nil)
        expectConsistent(cluster.snapshot)
    }

    @Test func withoutReplicasEverythingIsRejected() throws {
        var cluster = try cluster {
            $0.services.initialPlacement = .pending
            $0.services.kinds[0].replicas = ValueRange(1)
        }
        let service = try cluster.advance().services[0]
        #expect(service.arrived == 400 && service.rejected == 400 && service.overObjective == 400)
        #expect(service.completed == 0 && service.latencyP99 == nil)
        let pod = cluster.snapshot.pods[0]
        #expect(try cluster.apply(.place(pod: pod.id, node: 0)) == nil)
        // 30 s until it is ready: half of the second interval.
        #expect(try cluster.advance().services[0].rejected == 400)
        let half = try cluster.advance().services[0]
        #expect(abs(half.rejected - 200) < 1e-9)
        #expect(try cluster.advance().services[0].rejected == 0)
    }

    @Test func requestsThatDieWithTheirReplicaCountOnceThoughNoneArriveThen() throws {
        // 120, 0 and 60 requests a second for an interval each.
        let trace = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString).csv")
        try "interval,count\n0,100\n1,0\n2,50\n".write(to: trace, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: trace) }
        var cluster = try cluster {
            var load = TraceLoad()
            (load.path, load.level, load.secondsPerLine) = (trace.path(), ValueRange(1), ValueRange(20))
            load.part = ValueRange(0)
            $0.services.patterns = [.trace(load)]
            var kind = $0.services.kinds[0]
            (kind.serviceTime, kind.rate, kind.replicas) = (.deterministic, ValueRange(60), ValueRange(2))
            (kind.workers, kind.queueLimit) = (ValueRange(1), 1e5)
            // Nobody gives up, and no wait is over the objective.
            (kind.objectiveFactor, kind.timeoutFactor) = (ValueRange(1e5), ValueRange(10))
            (kind.termination, kind.maximumUnavailable) = (ValueRange(0), ValueRange(0.5))
            (kind.cpuSensitivity, kind.cacheSensitivity, kind.bandwidthSensitivity) = (
                ValueRange(0), ValueRange(0), ValueRange(0)
            )
            $0.services.kinds = [kind]
        }
        // Each replica gets 60 requests a second and answers 20: after 20 s 800 are queued.
        let busy = try cluster.advance().services[0]
        #expect(busy.arrived == 2400 && busy.completed == 2400 && busy.overObjective < 1e-6)
        #expect(try cluster.apply(.evict(pod: cluster.snapshot.pods[0].id)) == nil)
        let idle = try cluster.advance().services[0]
        #expect(idle.arrived == 0 && idle.completed == 0)
        #expect(abs(idle.rejected - 800) < 8)
        #expect(idle.overObjective == idle.rejected)
        // What is still to be taken off the answers is part of the state.
        cluster = try JSONDecoder().decode(SimulatedCluster.self, from: JSONEncoder().encode(cluster))
        let again = try cluster.advance().services[0]
        #expect(again.arrived == 1200 && again.rejected == 0 && again.overObjective < 1e-6)
        #expect(abs(again.completed - (1200 - idle.rejected)) < 1e-6)
        // The replica that is left worked off half of its 40 s in the idle interval: waits grow from 20 s to 60 s.
        #expect(abs(try #require(again.latencyP50) - 40) < 0.8)
    }

    @Test func actionsBeforeTheFirstEpisodeAreErrors() throws {
        var cluster = try SimulatedCluster(settings: settings())
        #expect(throws: SimulatorError.self) { try cluster.advance() }
        #expect(throws: SimulatorError.self) { try cluster.apply(.evict(pod: 1)) }
    }

    @Test func lostNodesLoseTheirReplicasAndReturn() throws {
        var cluster = try cluster {
            $0.nodes.lossesPerHour = ValueRange(4)
            $0.nodes.outage = ValueRange(100)
            $0.nodes.evictionDelay = ValueRange(50)
            $0.services.kinds[0].replicas = ValueRange(6)
        }
        var lost = 0
        var evicted = 0
        var returned = 0
        var down = Set<Int>()
        for _ in 0..<180 {
            for pod in cluster.snapshot.pods where pod.phase == .pending {
                let node = cluster.snapshot.nodes.indices.first { cluster.snapshot.obstacle(for: pod, on: $0) == nil }
                if let node { _ = try cluster.apply(.place(pod: pod.id, node: node)) }
            }
            let report = try cluster.advance()
            evicted += report.evictions
            for (index, node) in cluster.snapshot.nodes.enumerated() {
                if !node.isSchedulable, !down.contains(index) {
                    lost += 1
                    down.insert(index)
                    #expect(!cluster.snapshot.pods.contains { $0.node == index && $0.phase == .ready })
                    let up = 12 - 4 * Double(down.count)
                    #expect(abs(report.allocatableCoreSeconds - up * 20) < 1e-9)
                } else if node.isSchedulable, down.remove(index) != nil {
                    returned += 1
                }
            }
            #expect(cluster.snapshot.pods.filter { $0.service == 0 && $0.phase != .terminating }.count == 6)
            expectConsistent(cluster.snapshot)
        }
        // An hour with three nodes, each up about 97 % of the time, lost four times an hour.
        #expect(lost >= 5 && lost <= 20)
        #expect(returned >= lost - 3)
        #expect(evicted > 0)
    }

    @Test func memoryBeyondTheNodesEndsThePodFurthestOverItsRequests() throws {
        var cluster = try cluster {
            // Each replica uses three times the 2 GiB that it requests: 16 GiB - 0.5 hold two of them, not three.
            $0.nodes.count = ValueRange(1)
            $0.services.kinds[0].replicas = ValueRange(3)
            $0.services.kinds[0].memoryRequestGiB = ValueRange(2)
            $0.services.kinds[0].memoryUse = ValueRange(3)
        }
        let report = try cluster.advance()
        #expect(report.evictions == 1)
        #expect(phases(cluster) == [.ready: 2, .pending: 1])
        #expect(try cluster.advance().evictions == 0)
    }

    @Test func actionsTakeTimeBeforeWhatTheyBeginBegins() throws {
        /// Intervals until the replica that was placed after `others` other actions is ready.
        func intervals(actionSeconds: Double, others: Int) throws -> Int {
            var cluster = try self.cluster { $0.actionSeconds = ValueRange(actionSeconds) }
            for _ in 0..<others {
                #expect(try cluster.apply(.resize(service: 0, factor: 1)) == nil)
            }
            #expect(try cluster.apply(.scale(service: 0, change: 1)) == nil)
            let id = try #require(cluster.snapshot.pods.first { $0.phase == .pending }?.id)
            #expect(try cluster.apply(.place(pod: id, node: 0)) == nil)
            for interval in 1...5 {
                _ = try cluster.advance()
                if cluster.snapshot.pods.first(where: { $0.id == id })?.phase == .ready { return interval }
            }
            return .max
        }
        // It starts for 30 s, and the scale and the placement take their time before.
        #expect(try intervals(actionSeconds: 0, others: 0) == 2)
        #expect(try intervals(actionSeconds: 5, others: 0) == 2)
        #expect(try intervals(actionSeconds: 5.5, others: 0) == 3)
        #expect(try intervals(actionSeconds: 2, others: 4) == 3)
        // What is not begun by the interval's end begins then.
        #expect(try intervals(actionSeconds: 100, others: 5) == 3)
        // The time counts from the interval's beginning, not over several.
        var cluster = try self.cluster { $0.actionSeconds = ValueRange(20) }
        for _ in 0..<3 {
            #expect(try cluster.apply(.resize(service: 0, factor: 1)) == nil)
            _ = try cluster.advance()
        }
        let id = cluster.snapshot.pods[0].id
        #expect(try cluster.apply(.evict(pod: id)) == nil)
        // It goes 20 s and 15 s from now.
        _ = try cluster.advance()
        #expect(cluster.snapshot.pods.first { $0.id == id }?.phase == .terminating)
        _ = try cluster.advance()
        #expect(cluster.snapshot.podIndex(id) == nil)
    }

    @Test func podsOfTheSystemCountTowardsTheMostPods() throws {
        var cluster = try cluster {
            $0.nodes.kinds[0].maximumPods = 8
            $0.nodes.kinds[0].systemPods = ValueRange(7)
            $0.services.kinds[0].maximumUnavailable = ValueRange(1)
        }
        #expect(cluster.snapshot.pods.count == 4)
        #expect(cluster.snapshot.nodes.map(\.podCount) == [8, 8, 8])
        let waiting = try #require(cluster.snapshot.pods.first { $0.phase == .pending })
        for node in 0..<3 { #expect(cluster.snapshot.obstacle(for: waiting, on: node) == .podLimit) }
        #expect(cluster.snapshot.nodes.map(\.requested.cpu) == [1, 1, 1])
        let id = try #require(cluster.snapshot.pods.first { $0.node == 1 }?.id)
        #expect(try cluster.apply(.evict(pod: id)) == nil)
        _ = try cluster.advance()
        #expect(cluster.snapshot.nodes[1].podCount == 7 && cluster.snapshot.nodes[1].requested.cpu == 0)
        #expect(try cluster.apply(.place(pod: waiting.id, node: 1)) == nil)

        // Drawn for each node, and never more than it can have.
        var drawn = try self.cluster {
            $0.nodes.count = ValueRange(50)
            $0.nodes.kinds[0].maximumPods = 20
            $0.nodes.kinds[0].systemPods = ValueRange(0, 30)
            $0.services.initialPlacement = .pending
        }
        #expect(Set(drawn.snapshot.nodes.map(\.podCount)).count > 10)
        #expect(drawn.snapshot.nodes.allSatisfy { (0...20).contains($0.podCount) })
        let counts = drawn.snapshot.nodes.map(\.podCount)
        drawn.reset(seed: 1)
        #expect(drawn.snapshot.nodes.map(\.podCount) == counts)
    }
}
