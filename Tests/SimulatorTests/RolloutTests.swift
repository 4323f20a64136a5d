import Cluster
import Foundation
import Randomness
import Simulator
import Testing
import Workloads

/// How a service's replicas come to request another amount: in place, or by a rollout as Deployments do it.
@Suite struct RolloutTests {
    /// Four nodes of four cores, one service of one-core replicas, nothing else.
    private func cluster(replicas: Int, inPlace: Double, most: Int = 12) throws -> SimulatedCluster {
        var settings = SimulatorSettings.quiet
        settings.nodes.count = ValueRange(4)
        var node = NodeKind(name: "node", cores: 4, speed: 1, memoryGiB: 16, cacheMiB: 16, bandwidthGB: 20)
        node.reservedCores = 0
        settings.nodes.kinds = [node]
        settings.services.kinds[0].replicas = ValueRange(Double(replicas))
        settings.services.kinds[0].cpuRequest = ValueRange(1)
        settings.services.kinds[0].maximumReplicas = most
        settings.services.kinds[0].startup = ValueRange(30)
        settings.services.kinds[0].termination = ValueRange(15)
        settings.services.kinds[0].meanServiceTime = ValueRange(0.05)
        settings.services.kinds[0].rate = ValueRange(20)
        settings.services.kinds[0].resizesInPlace = inPlace
        var cluster = try SimulatedCluster(settings: settings)
        cluster.reset(seed: 1)
        #expect(cluster.snapshot.pods.count { $0.phase == .ready } == replicas)
        return cluster
    }

    private func place(_ cluster: inout SimulatedCluster) throws {
        for pod in cluster.snapshot.pods where pod.phase == .pending {
            let node = cluster.snapshot.nodes.indices.first { cluster.snapshot.obstacle(for: pod, on: $0) == nil }
            if let node { #expect(try cluster.apply(.place(pod: pod.id, node: node)) == nil) }
        }
    }

    private func ready(_ cluster: SimulatedCluster) -> Int { cluster.snapshot.pods.count { $0.phase == .ready } }

    /// As Kubernetes rounds: the quarter that may be away down, the quarter that may be too many up.
    private func expectWithinBounds(_ cluster: SimulatedCluster, readyBefore: Int) {
        let desired = cluster.snapshot.services[0].replicas
        let fewest = desired - Int((Double(desired) / 4).rounded(.down))
        let most = desired + Int((Double(desired) / 4).rounded(.up))
        #expect(ready(cluster) >= min(readyBefore, fewest))
        #expect(cluster.snapshot.pods.count { $0.phase != .terminating } <= most)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 8, 9])
    func aRolloutReplacesAQuarterAtATime(_ replicas: Int) throws {
        var cluster = try cluster(replicas: replicas, inPlace: 0)
        #expect(cluster.snapshot.services[0].resizing == .rollout)
        let old = Set(cluster.snapshot.pods.map(\.id))
        #expect(try cluster.apply(.resize(service: 0, factor: 0.8)) == nil)
        expectWithinBounds(cluster, readyBefore: replicas)
        #expect(cluster.snapshot.pods.count { $0.phase == .pending } > 0)
        #expect(cluster.snapshot.pods.allSatisfy { $0.requests.cpu == (old.contains($0.id) ? 1 : 0.8) })
        // Nothing goes on until the new ones have a node.
        var changes = try cluster.advance().replicaChanges
        let waiting = cluster.snapshot.pods.map(\.id)
        for _ in 0..<3 { #expect(try cluster.advance().replicaChanges == 0) }
        #expect(cluster.snapshot.pods.map(\.id) == waiting)
        var intervals = 0
        while cluster.snapshot.pods.contains(where: { old.contains($0.id) }), intervals < 60 {
            intervals += 1
            try place(&cluster)
            expectWithinBounds(cluster, readyBefore: replicas)
            changes += try cluster.advance().replicaChanges
            expectWithinBounds(cluster, readyBefore: replicas)
        }
        // Several waves, but for a service so small that one is enough.
        #expect(intervals < 60 && (replicas == 1 || intervals > 2))
        #expect(changes == replicas)
        for _ in 0..<3 {
            try place(&cluster)
            #expect(try cluster.advance().replicaChanges == 0)
        }
        #expect(cluster.snapshot.pods.count == replicas && ready(cluster) == replicas)
        #expect(cluster.snapshot.pods.allSatisfy { $0.requests.cpu == 0.8 && !old.contains($0.id) })
    }

    @Test func inPlaceReplicasStayWhatTheyAre() throws {
        var cluster = try cluster(replicas: 4, inPlace: 1)
        #expect(cluster.snapshot.services[0].resizing == .inPlace)
        let before = cluster.snapshot.pods
        #expect(try cluster.apply(.resize(service: 0, factor: 0.8)) == nil)
        #expect(cluster.snapshot.pods.map(\.id) == before.map(\.id))
        #expect(cluster.snapshot.pods.allSatisfy { $0.phase == .ready && $0.requests.cpu == 0.8 })
        for _ in 0..<3 { #expect(try cluster.advance().replicaChanges == 0) }
        #expect(cluster.snapshot.pods.map(\.id) == before.map(\.id))
    }

    @Test(arguments: [2, -2])
    func aScaleInTheMiddleOfARollout(_ change: Int) throws {
        var cluster = try cluster(replicas: 8, inPlace: 0)
        let old = Set(cluster.snapshot.pods.map(\.id))
        #expect(try cluster.apply(.resize(service: 0, factor: 0.8)) == nil)
        var changes = 0
        for interval in 0..<60 {
            try place(&cluster)
            if interval == 2 {
                #expect(cluster.snapshot.pods.contains { old.contains($0.id) && $0.phase == .ready })
                #expect(cluster.snapshot.pods.contains { !old.contains($0.id) && $0.phase == .ready })
                #expect(try cluster.apply(.scale(service: 0, change: change)) == nil)
            }
            let before = ready(cluster)
            expectWithinBounds(cluster, readyBefore: before)
            changes += try cluster.advance().replicaChanges
            expectWithinBounds(cluster, readyBefore: before)
        }
        #expect(cluster.snapshot.pods.count == 8 + change && ready(cluster) == 8 + change)
        #expect(cluster.snapshot.pods.allSatisfy { $0.requests.cpu == 0.8 && !old.contains($0.id) })
        // What a scale took away needs no replacing.
        #expect(changes == 8 + 2 || (change < 0 && (8...10).contains(changes)))
    }

    /// Resizes and scales at any moment of a rollout: it stays within its bounds and comes to an end.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func rolloutsOverlapWithAnything(_ seed: UInt64) throws {
        var generator = RandomGenerator(seed: seed)
        // At their largest the new ones still fit beside the old ones.
        var cluster = try cluster(replicas: 4, inPlace: 0, most: 6)
        for interval in 0..<120 {
            try place(&cluster)
            let before = ready(cluster)
            if interval < 80, generator.chance(0.3) {
                let change = generator.index(below: 7) - 3
                let action: ClusterAction =
                    generator.chance(0.5)
                    ? .scale(service: 0, change: change)
                    : .resize(service: 0, factor: generator.chance(0.5) ? 0.8 : 1.25)
                _ = try cluster.apply(action)
            }
            expectWithinBounds(cluster, readyBefore: before)
            _ = try cluster.advance()
        }
        let service = cluster.snapshot.services[0]
        #expect(cluster.snapshot.pods.count == service.replicas && ready(cluster) == service.replicas)
        #expect(cluster.snapshot.pods.allSatisfy { $0.requests == service.requests })
    }

    @Test func aDecodedClusterGoesOnInTheMiddleOfARollout() throws {
        var cluster = try cluster(replicas: 8, inPlace: 0)
        #expect(try cluster.apply(.resize(service: 0, factor: 0.8)) == nil)
        for _ in 0..<3 {
            try place(&cluster)
            _ = try cluster.advance()
        }
        #expect(Set(cluster.snapshot.pods.map(\.requests.cpu)) == [0.8, 1])
        var copies = [
            cluster, cluster, try JSONDecoder().decode(SimulatedCluster.self, from: JSONEncoder().encode(cluster)),
        ]
        for interval in 0..<12 {
            var reports: [IntervalReport] = []
            for index in copies.indices {
                try place(&copies[index])
                if interval == 1 { #expect(try copies[index].apply(.scale(service: 0, change: 1)) == nil) }
                reports.append(try copies[index].advance())
            }
            #expect(reports[0] == reports[1] && reports[0] == reports[2])
            #expect(copies[0].snapshot == copies[1].snapshot && copies[0].snapshot == copies[2].snapshot)
        }
        #expect(copies[0].snapshot.pods.allSatisfy { $0.requests.cpu == 0.8 })
    }
}
