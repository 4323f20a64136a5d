import Cluster
import Kubernetes
import Telemetry
import Testing
import Watching
import Windows

/// What the API server shows, as a snapshot: with services that are declared and keep their place, and with those that
/// are found by their pods.
@Suite struct WatchedClusterTests {
    // MARK: Declared services

    private func declared(
        _ names: [String] = ["web", "api"], resizing: ResizeMode = .rollout
    ) -> WatchedCluster {
        WatchedCluster(
            interval: 20, usage: UsageSettings(), namespace: "shop",
            services: names.map {
                DeclaredService(
                    deployment: $0, objective: 0.1, minimumReplicas: 2, maximumReplicas: 6,
                    cpuRequestRange: 0.2...0.8, resizing: resizing)
            })
    }

    /// Lets a node use so many cores by `time`, and gives it PCM.
    private func use(_ cores: Double, on node: String, at time: Double, _ cluster: inout WatchedCluster) {
        for time in [time - 20, time] {
            cluster.add(
                .cadvisor(
                    UsageReading(
                        cpuSeconds: Reading(value: cores * time, time: time),
                        workingSetBytes: Reading(value: 1e9, time: time))), ofNode: node)
        }
    }

    @Test func servicesAreThereBeforeTheirDeployments() {
        let cluster = declared()
        #expect(cluster.snapshot.services.map(\.name) == ["web", "api"])
        #expect(cluster.snapshot.services.map(\.replicas) == [0, 0])
        let service = cluster.snapshot.services[0]
        #expect(service.minimumReplicas == 2 && service.maximumReplicas == 6)
        #expect(service.cpuRequestRange == 0.2...0.8 && service.requests.cpu == 0.2)
        #expect(service.latencyObjective == 0.1 && service.resizing == .rollout && service.cpuLimit == nil)
        #expect(cluster.serviceNames.map(\.name) == ["web", "api"])
        #expect(cluster.serviceNames.allSatisfy { $0.namespace == "shop" })
    }

    /// What is resized in place requests what was asked for, not what the template says.
    @Test func requestsThatWereSetStand() throws {
        var cluster = declared(resizing: .inPlace)
        #expect(cluster.snapshot.services.allSatisfy { $0.resizing == .inPlace })
        let first = try deployment("api", replicas: 3)
        cluster.apply(.added(first))
        cluster.setCPURequest(0.3, ofService: 1)
        #expect(cluster.snapshot.services.map(\.requests.cpu) == [0.2, 0.3])
        cluster.apply(.updated(from: first, to: try deployment("api", replicas: 4)))
        #expect(cluster.snapshot.services[1].replicas == 4)
        #expect(cluster.snapshot.services[1].requests == Resources(cpu: 0.3, memory: 128 * 1_048_576))
    }

    @Test func replicasAndRequestsFollowTheDeployment() throws {
        var cluster = declared()
        let first = try deployment("api", replicas: 3)
        cluster.apply(.added(first))
        #expect(cluster.snapshot.services.map(\.replicas) == [0, 3])
        #expect(cluster.snapshot.services[1].requests == Resources(cpu: 0.25, memory: 128 * 1_048_576))
        #expect(cluster.snapshot.services[1].cpuLimit == nil)
        let second = try deployment("api", replicas: 5, cpu: "400m", limit: "1")
        cluster.apply(.updated(from: first, to: second))
        #expect(cluster.snapshot.services[1].replicas == 5 && cluster.snapshot.services[1].requests.cpu == 0.4)
        #expect(cluster.snapshot.services[1].cpuLimit == 1)
        // Of one that requests no CPU what was requested before stands; a limit that is gone is gone.
        cluster.apply(.updated(from: second, to: try deployment("api", replicas: 4, cpu: nil)))
        #expect(cluster.snapshot.services[1].replicas == 4 && cluster.snapshot.services[1].cpuLimit == nil)
        #expect(cluster.snapshot.services[1].requests == Resources(cpu: 0.4))
        // Others of the name, and others, are not it.
        cluster.apply(.added(try deployment("api", replicas: 9, namespace: "other")))
        cluster.apply(.added(try deployment("job", replicas: 9)))
        #expect(cluster.snapshot.services.map(\.replicas) == [0, 4])
        cluster.apply(.removed(second))
        #expect(cluster.snapshot.services.map(\.name) == ["web", "api"])
        #expect(cluster.snapshot.services.map(\.replicas) == [0, 0])
        // Pods change neither.
        cluster.apply(.added(first))
        for name in ["a", "b"] { cluster.apply(.added(try pod(name, of: "api", cpu: "700m")), now: 0) }
        cluster.apply(.added(try pod("c", of: "job")), now: 0)
        cluster.apply(.added(try pod("d", of: "api", namespace: "other")), now: 0)
        #expect(cluster.snapshot.services[1].replicas == 3 && cluster.snapshot.services[1].requests.cpu == 0.25)
        #expect(cluster.snapshot.pods.map(\.service) == [1, 1, nil, nil])
    }

    @Test func aNodeThatGoesKeepsItsIndexAndComesBackToIt() throws {
        var cluster = declared()
        for name in ["n0", "n1", "n2"] { cluster.apply(.added(try node(name))) }
        cluster.apply(.added(try pod("p", on: "n1", isReady: true)), now: 0)
        for name in ["n0", "n1", "n2"] { use(1, on: name, at: 100, &cluster) }
        cluster.prepare(now: 100)
        #expect(cluster.measuredNodeCount == 3)
        cluster.apply(.removed(try node("n1")))
        // A scrape that was under way ends.
        use(1, on: "n1", at: 105, &cluster)
        cluster.prepare(now: 105)
        #expect(cluster.snapshot.nodes.map(\.name) == ["n0", "n1", "n2"])
        #expect(cluster.snapshot.nodes.map(\.isSchedulable) == [true, false, true])
        #expect(cluster.snapshot.nodes.map { $0.cpuUsage != nil } == [true, false, true])
        #expect(cluster.snapshot.nodes.map { $0.memoryUsage != nil } == [true, false, true])
        #expect(cluster.nodeIndex == ["n0": 0, "n1": 1, "n2": 2])
        // A pod of it stays on it until it goes itself, and others come to n2 meanwhile.
        #expect(cluster.snapshot.pods[0].node == 1 && cluster.snapshot.nodes[1].podCount == 1)
        cluster.apply(.added(try pod("q", on: "n2")), now: 0)
        cluster.apply(.removed(try pod("p", on: "n1", isReady: true)), now: 0)
        #expect(cluster.snapshot.nodes.map(\.podCount) == [0, 0, 1])
        cluster.apply(.added(try node("n3")))
        cluster.apply(.added(try node("n1", cpu: "8")))
        #expect(cluster.snapshot.nodes.map(\.name) == ["n0", "n1", "n2", "n3"])
        #expect(cluster.snapshot.nodes[1].isSchedulable && cluster.snapshot.nodes[1].allocatable.cpu == 8)
        use(2, on: "n1", at: 140, &cluster)
        cluster.prepare(now: 140)
        // A window does not span the time that it was away.
        #expect(cluster.snapshot.nodes[1].cpuUsage == Measured(2, at: 140, over: 20, by: .cadvisor))
        // One that no longer says what pods may request is no more to be counted on than one that is gone.
        cluster.apply(.updated(from: try node("n1"), to: try node("n1", cpu: nil)))
        #expect(!cluster.snapshot.nodes[1].isSchedulable && cluster.nodeCount == 4)
    }

    @Test func whatPodsMayNotRunOnIsNotSchedulable() throws {
        var cluster = declared()
        let nodes = [
            try node("plain"), try node("tainted", taint: "NoSchedule"), try node("evicting", taint: "NoExecute"),
            try node("avoided", taint: "PreferNoSchedule"), try node("cordoned", isCordoned: true),
            try node("lost", isReady: false), try node("silent", cpu: nil),
        ]
        for node in nodes { cluster.apply(.added(node)) }
        #expect(cluster.snapshot.nodes.map(\.name) == nodes.dropLast().map(\.metadata.name))
        #expect(cluster.snapshot.nodes.map(\.isSchedulable) == [true, false, false, true, false, false])
        #expect(cluster.nodeCount == 7 && cluster.nodeIndex["silent"] == nil)
        cluster.apply(.updated(from: nodes[1], to: try node("tainted", pods: 30)))
        #expect(cluster.snapshot.nodes[1].isSchedulable && cluster.snapshot.nodes[1].maximumPods == 30)
    }

    @Test func aPodFindsItsNodeWhenItComes() throws {
        var cluster = declared()
        cluster.apply(.added(try node("n0")))
        cluster.apply(.added(try pod("p", on: "late", isReady: true)), now: 0)
        #expect(cluster.snapshot.pods[0].node == nil && cluster.snapshot.nodes[0].podCount == 0)
        cluster.apply(.added(try node("late")))
        #expect(cluster.snapshot.pods[0].node == 1 && cluster.snapshot.nodes.map(\.podCount) == [0, 1])
        // What has ended is no pod any more.
        cluster.apply(.updated(from: try pod("p"), to: try pod("p", on: "late", phase: "Failed")), now: 0)
        #expect(cluster.podCount == 0 && cluster.snapshot.nodes.map(\.podCount) == [0, 0])
        #expect(cluster.snapshot.nodes[1].requested == Resources())
    }

    @Test func budgetsHoldForThePodsThatTheySelect() throws {
        var cluster = declared()
        cluster.apply(.added(try node("n0")))
        for name in ["web", "api"] { cluster.apply(.added(try deployment(name, replicas: 3))) }
        for index in 0..<3 {
            cluster.apply(.added(try pod("w\(index)", on: "n0", isReady: true)), now: 0)
            cluster.apply(.added(try pod("a\(index)", of: "api", on: "n0", isReady: index < 2)), now: 0)
        }
        func allowed() -> [Int] {
            cluster.prepare(now: 100)
            return cluster.snapshot.services.map(\.disruptionsAllowed)
        }
        // Without one all ready replicas may go.
        #expect(allowed() == [3, 2])
        let web = try budget("web", selector: #"{"matchLabels":{"app":"web"}}"#, allowed: 1)
        cluster.apply(.added(web))
        #expect(allowed() == [1, 2])
        // Nothing selects nothing, and another namespace's is another's.
        cluster.apply(.added(try budget("none", selector: nil, allowed: 0)))
        cluster.apply(.added(try budget("far", selector: "{}", allowed: 0, namespace: "other")))
        #expect(allowed() == [1, 2])
        // The strictest holds; one that was not counted yet lets none go.
        let tier = try budget("tier", selector: #"{"matchLabels":{"tier":"front"}}"#, allowed: 2)
        cluster.apply(.added(tier))
        #expect(allowed() == [1, 2])
        cluster.apply(
            .updated(from: tier, to: try budget("tier", selector: #"{"matchLabels":{"tier":"front"}}"#, allowed: nil)))
        #expect(allowed() == [0, 0])
        cluster.apply(.removed(tier))
        cluster.apply(.removed(web))
        #expect(allowed() == [3, 2])
    }

    /// A budget may be known before the Deployment whose pods it selects.
    @Test func aBudgetHoldsAsSoonAsItsDeploymentIsKnown() throws {
        var cluster = declared(["web"])
        cluster.apply(.added(try node("n0")))
        cluster.apply(.added(try pod("w", on: "n0", isReady: true)), now: 0)
        cluster.apply(.added(try budget("web", selector: #"{"matchLabels":{"app":"web"}}"#, allowed: 0)))
        cluster.prepare(now: 100)
        #expect(cluster.snapshot.services[0].disruptionsAllowed == 1)
        cluster.apply(.added(try deployment("web", replicas: 1)))
        cluster.prepare(now: 100)
        #expect(cluster.snapshot.services[0].disruptionsAllowed == 0)
    }

    @Test func readingsBelongToNames() throws {
        var cluster = declared(["web"])
        cluster.apply(.added(try node("n0")))
        let pods = try ["p", "q"].map { try pod($0, on: "n0", isReady: true) }
        for pod in pods { cluster.apply(.added(pod), now: 0) }
        func read(_ cores: Double, at time: Double) -> [CadvisorScrape.PodName: UsageReading] {
            let reading = UsageReading(cpuSeconds: Reading(value: cores * time, time: time))
            return [.init(namespace: "shop", name: "q"): reading, .init(namespace: "other", name: "p"): reading]
        }
        for time in [80.0, 100] { cluster.add(read(0.3, at: time)) }
        use(1, on: "unknown", at: 100, &cluster)
        cluster.prepare(now: 100)
        #expect(cluster.snapshot.pods.map { $0.cpuUsage?.value } == [nil, 0.3])
        #expect(cluster.snapshot.services[0].cpuUsage?.value == 0.6)
        #expect(cluster.snapshot.nodes[0].cpuUsage == nil)
        // The last pod takes the place of the first; what was read of it goes with it.
        cluster.apply(.removed(pods[0]), now: 100)
        cluster.add(read(0.3, at: 120))
        cluster.prepare(now: 120)
        #expect(cluster.snapshot.pods.map { $0.cpuUsage?.value } == [0.3])
        cluster.prepare(now: 120 + UsageSettings().maximumAge + 1)
        #expect(cluster.snapshot.pods[0].cpuUsage == nil)
    }

    // MARK: Services that are found

    private func found() throws -> WatchedCluster {
        var cluster = WatchedCluster(interval: 20, usage: UsageSettings(), maximumReplicas: 4, objective: 0.2)
        for name in ["n0", "n1", "n2"] { cluster.apply(.added(try node(name))) }
        return cluster
    }

    @Test func aNodeThatGoesGivesItsIndexToTheLast() throws {
        var cluster = try found()
        for (index, name) in ["n0", "n1", "n2"].enumerated() {
            cluster.apply(.added(try pod("p\(index)", on: name)), now: 0)
            use(Double(index + 1), on: name, at: 100, &cluster)
        }
        cluster.apply(.removed(try node("n0")))
        cluster.prepare(now: 100)
        #expect(cluster.snapshot.nodes.map(\.name) == ["n2", "n1"])
        #expect(cluster.nodeIndex == ["n2": 0, "n1": 1])
        #expect(cluster.snapshot.nodes.map { $0.cpuUsage?.value } == [3, 2])
        #expect(cluster.snapshot.pods.map(\.node) == [nil, 1, 0])
        // What comes after finds the right one.
        cluster.apply(.added(try pod("p3", on: "n2")), now: 0)
        use(4, on: "n2", at: 120, &cluster)
        cluster.prepare(now: 120)
        #expect(cluster.snapshot.nodes.map(\.podCount) == [2, 1])
        #expect(cluster.snapshot.nodes[0].cpuUsage?.time == 120)
        cluster.apply(.added(try node("n0")))
        #expect(cluster.snapshot.nodes.map(\.name) == ["n2", "n1", "n0"])
        #expect(cluster.snapshot.nodes.map(\.podCount) == [2, 1, 1] && cluster.snapshot.nodes[2].cpuUsage == nil)
        #expect(cluster.nodeCount == 3)
    }

    @Test func servicesComeAndGoWithTheirPods() throws {
        var cluster = try found()
        let pods = try [
            pod("w0", on: "n0", isReady: true), pod("w1", on: "n1"), pod("a0", of: "api", on: "n0", cpu: "300m"),
            pod("other", of: "dns", on: "n0", scheduler: "default-scheduler"), pod("bare", of: nil, on: "n0"),
        ]
        for pod in pods { cluster.apply(.added(pod), now: 0) }
        // Nobody has asked for a placement.
        #expect(cluster.snapshot.services.isEmpty && cluster.podCount == 5)
        let index = cluster.prepare(try pod("w2", cpu: "600m"), now: 10)
        #expect(cluster.snapshot.services.map(\.name) == ["shop/web", "shop/api"])
        #expect(cluster.snapshot.services.map(\.replicas) == [3, 1])
        // What the pending one requests is what the next will.
        #expect(cluster.snapshot.services.map(\.requests.cpu) == [0.6, 0.3])
        #expect(cluster.snapshot.services.map(\.maximumReplicas) == [4, 4])
        #expect(cluster.snapshot.services.map(\.latencyObjective) == [0.2, 0.2])
        #expect(cluster.snapshot.pods[index].name == "shop/w2" && cluster.snapshot.pods[index].phase == .pending)
        #expect(cluster.snapshot.pods.map(\.service) == [0, 0, 1, nil, nil, 0])
        // More replicas than there may be are there all the same.
        for index in 3..<6 { cluster.apply(.added(try pod("w\(index)")), now: 10) }
        cluster.prepare(now: 20)
        #expect(cluster.snapshot.services[0].replicas == 6 && cluster.snapshot.services[0].maximumReplicas == 6)
        // The last of web ends: api takes its index, and what is terminating belongs to no service.
        for name in ["w0", "w2", "w3", "w4", "w5"] { cluster.apply(.removed(try pod(name)), now: 20) }
        #expect(cluster.snapshot.services.map(\.replicas) == [1, 1])
        cluster.apply(.updated(from: pods[1], to: try pod("w1", on: "n1", isTerminating: true)), now: 20)
        #expect(cluster.snapshot.services.map(\.name) == ["shop/api"])
        #expect(cluster.serviceNames.map(\.name) == ["api"])
        let byName = Dictionary(uniqueKeysWithValues: cluster.snapshot.pods.map { ($0.name, $0) })
        #expect(byName["shop/w1"]?.phase == .terminating && byName["shop/w1"]?.service == nil)
        #expect(byName["shop/a0"]?.service == 0)
        cluster.apply(.added(try pod("w6")), now: 20)
        #expect(cluster.snapshot.services.map(\.name) == ["shop/api", "shop/web"])
    }

    @Test func assumptionsExpire() throws {
        var cluster = try found()
        let known = try pod("known")
        cluster.apply(.added(known), now: 0)
        cluster.assume(podAt: cluster.prepare(known, now: 0), on: "n1", until: 5)
        cluster.assume(podAt: cluster.prepare(try pod("unseen"), now: 0), on: "n1", until: 5)
        #expect(cluster.assumedCount == 2 && cluster.podCount == 2)
        #expect(cluster.snapshot.nodes.map(\.podCount) == [0, 2, 0])
        #expect(cluster.snapshot.pods.allSatisfy { $0.phase == .starting })
        cluster.prepare(now: 4.9)
        #expect(cluster.assumedCount == 2)
        // Asked again, a pod does not count against itself.
        let again = cluster.prepare(known, now: 4.9)
        #expect(cluster.snapshot.pods[again].node == nil && cluster.snapshot.nodes[1].podCount == 1)
        cluster.assume(podAt: again, on: "n2", until: 8)
        cluster.prepare(now: 5)
        // Of the one that was never seen nothing is left.
        #expect(cluster.assumedCount == 1 && cluster.podCount == 1)
        #expect(cluster.snapshot.nodes.map(\.podCount) == [0, 0, 1])
        cluster.prepare(now: 8)
        #expect(cluster.assumedCount == 0 && cluster.snapshot.pods.map(\.phase) == [.pending])
        #expect(cluster.snapshot.nodes.map(\.podCount) == [0, 0, 0])
        // What the watch says ends an assumption, and what is bound is not assumed elsewhere.
        cluster.assume(podAt: cluster.prepare(known, now: 10), on: "n1", until: 20)
        cluster.apply(.updated(from: known, to: try pod("known", on: "n0")), now: 11)
        cluster.assume(podAt: 0, on: "n2", until: 20)
        #expect(cluster.assumedCount == 0)
        cluster.prepare(now: 100)
        #expect(cluster.snapshot.nodes.map(\.podCount) == [1, 0, 0])
    }

    @Test func aPodThatIsOnlyAskedForIsForgotten() throws {
        var cluster = try found()
        _ = cluster.prepare(try pod("ghost"), now: 0)
        cluster.prepare(now: 59)
        #expect(cluster.podCount == 1 && cluster.snapshot.services.count == 1)
        cluster.prepare(now: 60)
        #expect(cluster.podCount == 0 && cluster.snapshot.services.isEmpty)
    }
}
