import Baselines
import Cluster
import Foundation
import TestClusters
import Testing
import Windows

@Suite struct HorizontalPodAutoscalerTests {
    /// A service whose replicas each request one core, seen by an autoscaler every 20 s.
    struct World {
        var autoscaler: HorizontalPodAutoscaler
        var snapshot: ClusterSnapshot
        var nextPod = 0
        var largestChange = 64

        init(replicas: Int, maximum: Int = 40, _ settings: HorizontalPodAutoscalerSettings = .init()) {
            autoscaler = HorizontalPodAutoscaler(settings)
            let requests = Resources(cpu: 1, memory: 1)
            snapshot = ClusterSnapshot(
                nodes: [Node(name: "n", allocatable: Resources(cpu: 1000, memory: 1000), maximumPods: 1000)],
                services: [
                    Service(
                        name: "web", replicas: replicas, minimumReplicas: 1, maximumReplicas: maximum,
                        requests: requests, latencyObjective: 1)
                ])
            settle(created: -1000)
        }

        /// Adds or removes pods until there are as many as desired, all ready.
        mutating func settle(created: Double? = nil) {
            let desired = snapshot.services[0].replicas
            while snapshot.pods.count > desired { snapshot.pods.removeLast() }
            while snapshot.pods.count < desired {
                snapshot.pods.append(
                    Pod(
                        id: nextPod, name: "p\(nextPod)", service: 0, node: 0, phase: .ready,
                        requests: Resources(cpu: 1, memory: 1), created: created ?? snapshot.time))
                nextPod += 1
            }
        }

        mutating func use(_ cores: Double?, over seconds: Double = 20) {
            for index in snapshot.pods.indices {
                snapshot.pods[index].cpuUsage = cores.map {
                    Measured($0, at: snapshot.time, over: seconds, by: .cadvisor)
                }
            }
        }

        /// Takes the autoscaler's actions until it lets time pass, then lets 20 s pass.
        mutating func interval(settling: Bool = true) throws -> Int {
            var scaled = false
            while true {
                let service = snapshot.services[0]
                var candidates: [ClusterAction] = [.advance]
                for change in -largestChange...largestChange where change != 0 && !scaled {
                    guard (service.minimumReplicas...service.maximumReplicas).contains(service.replicas + change)
                    else { continue }
                    candidates.append(.scale(service: 0, change: change))
                }
                candidates.append(.evict(pod: 0))
                let decision = Decision(kind: .control, candidates: candidates)
                let preferences = try autoscaler.preferences(for: decision, in: snapshot)
                #expect(preferences.reduce(0, +) == 1)
                let choice = try #require(preferences.firstIndex(of: 1))
                if case .scale(_, let change) = candidates[choice] {
                    snapshot.services[0].replicas += change
                    scaled = true
                    continue
                }
                #expect(candidates[choice] == .advance)
                snapshot.time += 20
                if settling { settle(created: -1000) }
                return snapshot.services[0].replicas
            }
        }
    }

    @Test func scalesUpAtOnceWithinTheRate() throws {
        var world = World(replicas: 2)
        world.use(1)  // 100 % of 50 %: ratio 2
        #expect(try world.interval() == 4)
        world.use(1)
        #expect(try world.interval() == 8)
        // Ratio 8 would be 64, the limit of 40 holds, and before that twice the replicas (more than 4 added).
        world.use(4)
        #expect(try world.interval() == 16)
        world.use(4)
        #expect(try world.interval() == 32)
        world.use(4)
        #expect(try world.interval() == 40)
    }

    @Test func fourReplicasMayComeWhereDoublingIsLess() throws {
        var world = World(replicas: 2)
        world.use(8)
        #expect(try world.interval() == 6)
    }

    @Test func holdsScaleDownForTheWindow() throws {
        var world = World(replicas: 8)
        world.use(0.1)  // 10 % of 50 %: 0.2 · 8 = 2
        // The 8 replicas found at time 0 count as a recommendation until 300 s have passed.
        for step in 0..<15 {
            #expect(try world.interval() == 8, "after \(step * 20) s")
        }
        world.use(0.1)
        #expect(try world.interval() == 2)
    }

    @Test func largestRecommendationInTheWindowHolds() throws {
        var world = World(replicas: 4)
        world.use(0.75)  // 1.5 · 4 = 6 at 0 s
        #expect(try world.interval() == 6)
        world.use(0.5)  // 6 at 20 s: what is right stays
        #expect(try world.interval() == 6)
        // From 40 s on 1 would do. The 6 recommended at 20 s holds until 320 s, no longer.
        for step in 2..<16 {
            world.use(0.05)
            #expect(try world.interval() == 6, "at \(step * 20) s")
        }
        world.use(0.05)
        #expect(try world.interval() == 1)
    }

    @Test func stabilizationOfScaleUpTakesTheSmallest() throws {
        var settings = HorizontalPodAutoscalerSettings()
        settings.scaleUpStabilization = 60
        var world = World(replicas: 2, settings)
        for _ in 0..<3 {
            world.use(1)
            #expect(try world.interval() == 2)
        }
        world.use(1)
        #expect(try world.interval() == 4)
    }

    @Test func rateLimitsCountEarlierChangesOfThePeriod() throws {
        var settings = HorizontalPodAutoscalerSettings()
        settings.period = 60
        settings.scaleUpPercent = 1
        settings.scaleUpPods = 3
        var world = World(replicas: 4, settings)
        var counts: [Int] = []
        for _ in 0..<5 {
            world.use(2)
            counts.append(try world.interval())
        }
        // 3 more at 0 s; nothing at 20 and 40 s; at 60 s that change is no longer after the period's start.
        #expect(counts == [7, 7, 7, 10, 10])
        settings = HorizontalPodAutoscalerSettings()
        settings.scaleDownStabilization = 0
        settings.scaleDownPercent = 25
        var falling = World(replicas: 16, settings)
        falling.use(0.01)
        #expect(try falling.interval() == 12)
        #expect(try falling.interval() == 9)
        #expect(try falling.interval() == 6)
    }

    @Test func takesTheNearestChangeInItsDirection() throws {
        var world = World(replicas: 8)
        world.largestChange = 4
        world.use(1)
        #expect(try world.interval() == 12)
    }

    @Test func doesNothingWithoutMetrics() throws {
        var world = World(replicas: 4)
        world.use(nil)
        #expect(try world.interval() == 4)
        world.use(1)
        world.snapshot.pods[1].requests.cpu = 0
        #expect(try world.interval() == 4)
        #expect(world.autoscaler.targets == [nil])
    }

    @Test func returnsIntoItsLimits() throws {
        var world = World(replicas: 12)
        world.snapshot.services[0].maximumReplicas = 8
        world.use(nil)
        #expect(try world.interval() == 8)
    }

    @Test func youngPodsCountOnceMeasuredWhileReady() throws {
        // Two settled replicas at 100 % (ratio 2) and two that have just become ready at 20 s, still measured busy
        // from starting up: left out they count as 0 before a scale-up, (200 + 0) / 400 = 50 %: within the tolerance.
        var world = World(replicas: 2)
        world.use(1)
        #expect(try world.interval(settling: false) == 4)
        world.settle(created: 10)
        world.use(1)
        #expect(try world.interval() == 4)
        // At 40 s the window of 20 s that ended then was spent ready: all four count.
        world.use(1)
        #expect(try world.interval() == 8)
    }

    /// Windows are as long as the scrapes made them, not as the control interval.
    @Test func aYoungPodsWindowBeginsOnceItIsReady() throws {
        var world = World(replicas: 2)
        world.use(1)
        #expect(try world.interval(settling: false) == 4)
        world.settle(created: 10)
        world.use(1)
        #expect(try world.interval() == 4)
        // At 40 s a window of 30 s began 10 s before they were ready; at 60 s it began after that.
        world.use(1, over: 30)
        #expect(try world.interval() == 4)
        world.use(1, over: 30)
        #expect(try world.interval() == 8)
    }

    @Test func startingPodsHoldBackAScaleUp() throws {
        var world = World(replicas: 4)
        world.use(0.6)
        for index in 2..<4 { world.snapshot.pods[index].phase = .starting }
        #expect(try world.interval() == 4)
        var settled = World(replicas: 4)
        settled.use(0.6)
        #expect(try settled.interval() == 5)
    }

    @Test func resetForgets() throws {
        var world = World(replicas: 8)
        world.use(0.1)
        for _ in 0..<10 { _ = try world.interval() }
        world.autoscaler.reset()
        #expect(world.autoscaler == HorizontalPodAutoscaler())
        // The window starts over.
        for _ in 0..<15 {
            world.use(0.1)
            #expect(try world.interval() == 8)
        }
        world.use(0.1)
        #expect(try world.interval() == 2)
    }

    @Test func survivesStorage() throws {
        var world = World(replicas: 8)
        world.use(0.1)
        for _ in 0..<5 { _ = try world.interval() }
        let stored = try JSONEncoder().encode(world.autoscaler)
        #expect(try JSONDecoder().decode(HorizontalPodAutoscaler.self, from: stored) == world.autoscaler)
    }

    @Test func refusesPlacements() {
        var autoscaler = HorizontalPodAutoscaler()
        let placement = Decision(kind: .placement(podIndex: 0), candidates: [.place(pod: 0, node: 0)])
        #expect(throws: PolicyError.self) {
            try autoscaler.preferences(for: placement, in: ClusterSnapshot())
        }
    }
}
