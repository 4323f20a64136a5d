import Watching
import Cluster
import Extender
import Kubernetes
import Prediction
import Randomness
import Telemetry
import TestClusters
import TestServers
import Testing
import Windows

@Suite struct ScorerTests {
    @Test func theBestNodeAloneIsAtTen() throws {
        let preferences = ["a": 1.0, "b": 0.99, "c": 0.5, "d": 0.0]
        let scorer = try makeScorer(
            nodes: ["a", "b", "c", "d"], policy: FunctionPolicy { node, _, _ in preferences[node.name] ?? 0 })
        #expect(try scorer.score(makePod("p"), on: ["d", "b", "a", "c"]).scores == [0, 9, 10, 5])
        #expect(try scorer.score(makePod("p"), on: ["c", "d"]).scores == [10, 0])
    }

    @Test func invertedScoresAreTenMinusEach() throws {
        let scorer = try makeScorer(policy: FunctionPolicy.only("b")) { $0.invertScores = true }
        #expect(try scorer.score(makePod("p"), on: ["a", "b", "ghost"]).scores == [7, 0, 1])
    }

    @Test func unknownNodesGetTheMedianAndNeverTheBest() throws {
        let preferences = ["a": 1.0, "b": 0.6, "c": 0.2]
        let scorer = try makeScorer(policy: FunctionPolicy { node, _, _ in preferences[node.name] ?? 0 })
        let scoring = scorer.score(try makePod("p"), on: ["ghost", "a", "b", "c", "other"])
        #expect(scoring.scores == [6, 10, 6, 2, 6])
        #expect(scoring.unknownNodes == 2)
        #expect(try scorer.score(makePod("p"), on: ["ghost", "a"]).scores == [9, 10])
        let none = scorer.score(try makePod("p"), on: ["ghost", "other"])
        #expect(none.scores == [5, 5] && none.unknownNodes == 2 && none.fallback == .nodesUnknown)
    }

    /// A kubelet that has not reported yet says nothing about its room: unknown, not full.
    @Test func aNodeWithoutAllocatableIsUnknown() throws {
        let scorer = try makeScorer()
        scorer.apply(.added(Kubernetes.Node(metadata: ObjectMetadata(name: "young"))))
        #expect(try scorer.score(makePod("p"), on: ["a", "young"]).unknownNodes == 1)
    }

    @Test func fallsBackWhenThePolicyCannotAnswer() throws {
        let fallback = FunctionPolicy.only("b")
        let pod = try makePod("p")
        let none = try makeScorer(policy: nil, fallback: fallback).score(pod, on: ["a", "b"])
        #expect(none.fallback == .notLoaded && none.scores == [3, 10])

        let unsynced = PlacementScorer(
            settings: ExtenderSettings(), policy: FunctionPolicy.only("a"), fallback: fallback)
        // No node is known yet, which is no less a request that the policy did not answer.
        let blank = unsynced.score(pod, on: ["a", "b"])
        #expect(blank.fallback == .notSynced && blank.scores == [5, 5] && blank.unknownNodes == 2)
        unsynced.apply(.added(try makeNode("a")))
        unsynced.apply(.added(try makeNode("b")))
        #expect(unsynced.score(pod, on: ["a", "b"]).fallback == .notSynced)
        unsynced.markNodesListed()
        #expect(unsynced.score(pod, on: ["a", "b"]).fallback == .notSynced)
        unsynced.markPodsListed()
        let synced = unsynced.score(pod, on: ["a", "b"])
        #expect(synced.fallback == nil && synced.scores == [10, 3])

        let failing = FunctionPolicy { _, _, _ in throw PolicyError("out of order") }
        let failed = try makeScorer(policy: failing, fallback: fallback).score(pod, on: ["a", "b"])
        #expect(failed.fallback == .failed && failed.scores == [3, 10])
        #expect(failed.failure == "out of order")

        for unusable in [Double.nan, .infinity, -1] {
            let policy = FunctionPolicy { node, _, _ in node.name == "a" ? unusable : 1 }
            let scoring = try makeScorer(policy: policy, fallback: fallback).score(pod, on: ["a", "b"])
            #expect(scoring.fallback == .failed && scoring.scores == [3, 10])
        }
        let both = try makeScorer(policy: failing, fallback: failing).score(pod, on: ["a", "b"])
        #expect(both.fallback == .failed && both.scores == [5, 5])
    }

    @Test(arguments: FallbackStrategy.allCases)
    func everyStrategyCanBeTheFallback(_ strategy: FallbackStrategy) throws {
        let scorer = try makeScorer(policy: nil, fallback: nil) { $0.fallback = strategy }
        scorer.apply(.added(try makePod("web-1", node: "a", cpu: "3")))
        let scoring = scorer.score(try makePod("web-2"), on: ["a", "b"])
        #expect(scoring.failure == nil && scoring.fallback == .notLoaded)
        #expect(strategy == .pack ? scoring.scores[0] == 10 : scoring.scores[1] == 10)
    }

    // MARK: Assumptions

    /// Twelve pods in a burst, each of which the watch shows three requests late, on the node that the scheduler took
    /// among the best: they spread all the same.
    @Test func aBurstDoesNotHerd() throws {
        let scorer = try makeScorer()
        var placed: [String] = []
        for index in 0..<12 {
            if index >= 3 { scorer.apply(.added(try makePod("p\(index - 3)", node: placed[index - 3]))) }
            let scores = scorer.score(try makePod("p\(index)"), on: ["a", "b", "c"]).scores
            let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
            placed.append(["a", "b", "c"][best])
        }
        let counts = ["a", "b", "c"].map { node in placed.count { $0 == node } }
        // Without assumptions three requests in a row see the same cluster, and all take the same node.
        #expect(counts.allSatisfy { 3...5 ~= $0 }, "\(placed)")
    }

    /// Which of equals the scheduler takes is not known: each is guessed at times, never always the same.
    @Test func guessesAmongEquals() throws {
        var guessed: Set<String> = []
        for seed in 0..<20 {
            let seen = Box<Set<String>>([])
            let policy = FunctionPolicy { node, _, _ in
                if node.podCount > 0 { seen.value.insert(node.name) }
                return 1
            }
            let scorer = try makeScorer(policy: policy) { $0.seed = seed }
            _ = scorer.score(try makePod("p"), on: ["a", "b", "c"])
            #expect(scorer.size.assumed == 1)
            _ = scorer.score(try makePod("q"), on: ["a", "b", "c"])
            #expect(seen.value.count == 1)
            guessed.formUnion(seen.value)
        }
        #expect(guessed == ["a", "b", "c"])
    }

    /// Asked for again, never shown by the watch, and the second time without a node to be assumed on: forgotten.
    @Test func podsThatTheWatchNeverShowsAreForgotten() throws {
        let clock = ManualClock()
        let scorer = try makeScorer(clock: clock)
        _ = scorer.score(try makePod("p"), on: ["a"])
        _ = scorer.score(try makePod("p"), on: [])
        #expect(scorer.size.pods == 1)
        clock.advance(by: 61)
        #expect(scorer.size.pods == 0)
    }

    /// Without a disruption budget every ready replica may go.
    @Test func readyReplicasMayGo() throws {
        let seen = Box<[Int]>([])
        let policy = FunctionPolicy { _, _, snapshot in
            seen.value = snapshot.services.map(\.disruptionsAllowed)
            return 1
        }
        let scorer = try makeScorer(policy: policy)
        for (index, ready) in [true, true, false].enumerated() {
            scorer.apply(.added(try makePod("web-\(index)", node: "a", ready: ready)))
        }
        _ = scorer.score(try makePod("web-3"), on: ["a", "b"])
        #expect(seen.value == [2])
    }

    @Test func assumptionsExpire() throws {
        let clock = ManualClock()
        let scorer = try makeScorer(policy: FunctionPolicy.only("a"), clock: clock)
        scorer.apply(.added(try makePod("known")))
        _ = scorer.score(try makePod("known"), on: ["a", "b"])
        _ = scorer.score(try makePod("unseen"), on: ["a", "b"])
        #expect(
            scorer.size
                == PlacementScorer.Size(nodes: 3, pods: 2, assumed: 2, measured: 0, services: 1, measuredServices: 0))
        clock.advance(by: 4.9)
        #expect(scorer.size.assumed == 2)
        clock.advance(by: 0.2)
        // The watch knows the one, which is pending again; of the other nothing was ever heard.
        #expect(
            scorer.size
                == PlacementScorer.Size(nodes: 3, pods: 1, assumed: 0, measured: 0, services: 1, measuredServices: 0))
    }

    @Test func theWatchConfirmsOrRefutes() throws {
        let seen = Box<ClusterSnapshot?>(nil)
        let policy = FunctionPolicy { node, _, snapshot in
            seen.value = snapshot
            return node.name == "a" ? 1 : 0.5
        }
        let clock = ManualClock()
        let scorer = try makeScorer(policy: policy, clock: clock)
        let pod = try makePod("p")
        _ = scorer.score(pod, on: ["a", "b", "c"])
        // The watch shows the pod unbound: the assumption stands.
        scorer.apply(.added(pod))
        #expect(scorer.size.assumed == 1)
        // The scheduler chose another node.
        scorer.apply(.updated(from: pod, to: try makePod("p", node: "c")))
        #expect(scorer.size.assumed == 0)
        _ = scorer.score(try makePod("q"), on: ["a", "b", "c"])
        let snapshot = try #require(seen.value)
        #expect(snapshot.nodes.map(\.podCount) == [0, 0, 1])
        clock.advance(by: 100)
        _ = scorer.score(try makePod("r"), on: ["a", "b", "c"])
        #expect(seen.value?.nodes.map(\.podCount) == [0, 0, 1])
        scorer.apply(.removed(try makePod("p", node: "c")))
        _ = scorer.score(try makePod("s"), on: ["a", "b", "c"])
        #expect(seen.value?.nodes.map(\.podCount) == [1, 0, 0])
    }

    /// Asked again for a pod, the extender must not count the pod itself against its own best node.
    @Test func aRetryForgetsItsOwnAssumption() throws {
        let scorer = try makeScorer()
        let pod = try makePod("p")
        let first = scorer.score(pod, on: ["a", "b", "c"]).scores
        #expect(first == [10, 10, 10])
        #expect(scorer.score(pod, on: ["a", "b", "c"]).scores == first)
        #expect(scorer.size.assumed == 1)
    }

    // MARK: The snapshot

    @Test func buildsTheSnapshotThatPoliciesSee() throws {
        let seen = Box<(ClusterSnapshot, Decision)?>(nil)
        let clock = ManualClock()
        let policy = FunctionPolicy { _, decision, snapshot in
            seen.value = (snapshot, decision)
            return 1
        }
        let scorer = try makeScorer(nodes: ["b", "a"], policy: policy, clock: clock)
        scorer.apply(.added(try makeNode("cordoned", ready: false)))
        scorer.apply(.added(try makePod("web-1", node: "a", ready: true)))
        scorer.apply(.added(try makePod("web-2", node: "b")))
        scorer.apply(.added(try makePod("web-3", node: "b", terminating: true)))
        scorer.apply(.added(try makePod("done", node: "b", phase: "Succeeded")))
        scorer.apply(
            .added(try makePod("system", node: "a", cpu: "100m", service: "dns", scheduler: "default-scheduler")))
        scorer.apply(.added(try makePod("bare", node: "a", cpu: "0", service: nil)))
        scorer.use(1.5, memory: nil, pods: ["web-1": 0.25], onNode: "a", at: clock.now - 4)
        _ = scorer.score(try makePod("web-4"), on: ["a", "b"])

        let (snapshot, decision) = try #require(seen.value)
        #expect(snapshot.nodes.map(\.name) == ["b", "a", "cordoned"])
        #expect(snapshot.nodes.map(\.isSchedulable) == [true, true, false])
        #expect(snapshot.nodes[1].allocatable == Resources(cpu: 4, memory: 8 * 1_024 * 1_024 * 1_024))
        #expect(snapshot.nodes.map(\.podCount) == [2, 3, 0])
        #expect(snapshot.nodes.map(\.requested.cpu) == [1, 0.6, 0])
        #expect(snapshot.nodes[1].cpuUsage == Measured(1.5, at: clock.now - 4, over: 20, by: .cadvisor))
        #expect(snapshot.nodes[0].cpuUsage == nil && snapshot.nodes[1].memoryUsage == nil)
        // Only the services of the scheduler that asks are under control; the Deployment's name is the ReplicaSet's
        // without its hash.
        #expect(snapshot.services.map(\.name) == ["default/web"])
        #expect(snapshot.services[0].replicas == 3)
        #expect(snapshot.services[0].requests.cpu == 0.5)
        let used = Measured(0.25, at: clock.now - 4, over: 20, by: .cadvisor)
        #expect(snapshot.pods.first { $0.name == "default/web-1" }?.cpuUsage == used)
        #expect(snapshot.services[0].cpuUsage == used)
        #expect(snapshot.services[0].latencyP99 == nil)
        let phases = Dictionary(uniqueKeysWithValues: snapshot.pods.map { ($0.name, $0.phase) })
        #expect(
            phases == [
                "default/web-1": .ready, "default/web-2": .starting, "default/web-3": .terminating,
                "default/web-4": .pending, "default/system": .starting, "default/bare": .starting,
            ])
        guard case .placement(let index) = decision.kind else {
            Issue.record("the decision is no placement")
            return
        }
        #expect(snapshot.pods[index].name == "default/web-4")
        #expect(snapshot.pods[index].node == nil && snapshot.pods[index].service == 0)
    }

    @Test func oldMeasurementsAreMissing() throws {
        let seen = Box<Measured?>(nil)
        let clock = ManualClock()
        let policy = FunctionPolicy { node, _, _ in
            if node.name == "a" { seen.value = node.cpuUsage }
            return 1
        }
        let scorer = try makeScorer(policy: policy, clock: clock) { $0.telemetry.maximumAge = 30 }
        let measured = Measured(2, at: clock.now, over: 20, by: .cadvisor)
        scorer.use(2, memory: nil, onNode: "a", at: clock.now)
        _ = scorer.score(try makePod("p"), on: ["a"])
        #expect(seen.value == measured)
        clock.advance(by: 30)
        _ = scorer.score(try makePod("p"), on: ["a"])
        #expect(seen.value == measured)
        clock.advance(by: 1)
        _ = scorer.score(try makePod("p"), on: ["a"])
        #expect(seen.value == nil)
    }

    /// Thousands of random changes: what is kept up change by change must equal a count from scratch.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func staysTrueUnderChurn(_ seed: UInt64) throws {
        var generator = RandomGenerator(seed: seed)
        let seen = Box<ClusterSnapshot?>(nil)
        let policy = FunctionPolicy { _, _, snapshot in
            seen.value = snapshot
            return 1
        }
        let clock = ManualClock()
        let names = (0..<6).map { "n\($0)" }
        let scorer = try makeScorer(nodes: names, policy: policy, clock: clock)
        var present = Set(names)
        var pods: [String: Kubernetes.Pod] = [:]
        for step in 0..<2_000 {
            let name = "p\(generator.index(below: 60))"
            switch generator.index(below: 8) {
            case 0:
                if let pod = pods.removeValue(forKey: name) { scorer.apply(.removed(pod)) }
            case 1:
                let node = names[generator.index(below: names.count)]
                if present.remove(node) != nil {
                    scorer.apply(.removed(try makeNode(node)))
                } else {
                    present.insert(node)
                    scorer.apply(.added(try makeNode(node)))
                }
            case 2: clock.advance(by: generator.uniform() * 3)
            case 3: _ = scorer.score(try makePod("q\(step)", service: "s\(step % 3)"), on: names)
            default:
                let node = generator.chance(0.7) ? names[generator.index(below: names.count)] : nil
                let pod = try makePod(
                    name, node: node, cpu: "\(100 * generator.index(below: 9))m",
                    service: generator.chance(0.8) ? "s\(generator.index(below: 4))" : nil,
                    ready: generator.chance(0.5), terminating: generator.chance(0.1))
                let old = pods.updateValue(pod, forKey: name)
                scorer.apply(old.map { .updated(from: $0, to: pod) } ?? .added(pod))
            }
            guard step % 10 == 9 else { continue }
            clock.advance(by: 6)
            _ = scorer.score(try makePod("probe", service: nil), on: Array(present))
            guard let snapshot = seen.value, !present.isEmpty else { continue }
            var counted = snapshot
            counted.recountNodes()
            #expect(Set(snapshot.nodes.map(\.name)) == present)
            for (kept, fresh) in zip(snapshot.nodes, counted.nodes) {
                #expect(kept.podCount == fresh.podCount)
                #expect(abs(kept.requested.cpu - fresh.requested.cpu) < 1e-9)
                #expect(kept.requested.memory == fresh.requested.memory)
            }
            for (index, service) in snapshot.services.enumerated() {
                #expect(
                    service.replicas == snapshot.pods.count { $0.service == index && $0.phase != .terminating })
                #expect(service.replicas > 0)
            }
            // By name: everything that the watch showed and the probe, nothing else, each on the node it is bound to.
            #expect(Set(snapshot.pods.map(\.name)) == Set(pods.keys.map { "default/\($0)" } + ["default/probe"]))
            for pod in snapshot.pods where pod.name != "default/probe" {
                let bound = pods[String(pod.name.dropFirst("default/".count))]?.nodeName
                #expect(pod.node.map { snapshot.nodes[$0].name } == bound.flatMap { present.contains($0) ? $0 : nil })
                let owner = pods[String(pod.name.dropFirst("default/".count))]?.controller?.name
                guard pod.phase != .terminating else { continue }
                #expect(pod.service.map { snapshot.services[$0].name } == owner.map { "default/\($0.dropLast(4))" })
            }
        }
    }

    /// What Prometheus says of a service reaches the policy, and is missing once it is too old.
    @Test func requestsOfServicesAreThereWhileTheyAreFresh() throws {
        let seen = Box<Cluster.Service?>(nil)
        let clock = ManualClock()
        let policy = FunctionPolicy { _, _, snapshot in
            seen.value = snapshot.services.first
            return 1
        }
        let scorer = try makeScorer(policy: policy, clock: clock) { $0.telemetry.maximumAge = 60 }
        scorer.apply(.added(try makePod("web-1", node: "a", ready: true)))
        _ = scorer.score(try makePod("web-2"), on: ["a", "b"])
        #expect(seen.value?.arrivalRate == nil && seen.value?.latencyP99 == nil)
        let web = ServiceName(namespace: "default", name: "web")
        #expect(scorer.services == [web])
        for (time, rate) in [(clock.now - 20, 50.0), (clock.now, 100.0)] {
            var sample = RequestSample(time: time, seconds: 20, source: .service)
            (sample.arrivalRate, sample.errorShare, sample.latencyP99) = (rate, 0.01, 0.25)
            scorer.add(sample, of: web)
            scorer.add(sample, of: ServiceName(namespace: "default", name: "gone"))
        }
        _ = scorer.score(try makePod("web-2"), on: ["a", "b"])
        #expect(seen.value?.arrivalRate == Measured(100, at: clock.now, over: 20, by: .service))
        #expect(seen.value?.previousArrivalRate?.value == 50)
        #expect(seen.value?.errorShare?.value == 0.01 && seen.value?.latencyP99?.value == 0.25)
        #expect(seen.value?.throughput == nil)
        clock.advance(by: 61)
        _ = scorer.score(try makePod("web-2"), on: ["a", "b"])
        #expect(seen.value?.arrivalRate == nil && seen.value?.previousArrivalRate == nil)
        #expect(seen.value?.latencyP99 == nil)
    }

    // MARK: Filter

    @Test func filtersByMeasuredUse() throws {
        let clock = ManualClock()
        let scorer = try makeScorer(clock: clock) {
            $0.filter.cpuShare = 0.9
            $0.filter.memoryShare = 0.5
        }
        func measure(_ node: String, cpu: Double, memory: Double) {
            scorer.use(cpu, memory: memory, onNode: node, at: clock.now)
        }
        #expect(scorer.unfit(["a", "b", "c", "ghost"], for: try makePod("probe")).isEmpty)
        measure("a", cpu: 3.9, memory: 0)
        measure("b", cpu: 0, memory: 6 * 1_024 * 1_024 * 1_024)
        #expect(
            scorer.unfit(["ghost", "a", "b", "c"], for: try makePod("probe")) == [
                1: "measured cpu use is 98 % of what pods may request, more than 90 %",
                2: "measured memory use is 75 % of what pods may request, more than 50 %",
            ])
        // Where none would remain, all pass: a full cluster is for the scheduler to judge.
        #expect(scorer.unfit(["a", "b"], for: try makePod("probe")).isEmpty)
        clock.advance(by: 120)
        #expect(scorer.unfit(["ghost", "a", "b", "c"], for: try makePod("probe")).isEmpty)
    }

    /// p99 = 20 ms where the neighbours use little, 200 ms where they use more than half of the node.
    private func predictor(ignoring ignored: [String]) throws -> LatencyPredictor {
        var dataset = PredictionDataset(windowSeconds: 20)
        var generator = RandomGenerator(seed: 3)
        for episode in 0..<8 {
            for window in 0..<40 {
                var features = [Float](repeating: .nan, count: PredictionFeature.allCases.count)
                func set(_ feature: PredictionFeature, _ value: Double) {
                    features[PredictionFeature.allCases.firstIndex(of: feature) ?? 0] = Float(value)
                }
                let neighbour = generator.uniform()
                set(.neighbourCPU, neighbour)
                set(.cpuUsed, min(1, neighbour + 0.05))
                set(.replicaRate, 100 * generator.uniform())
                set(.replicas, Double(1 + generator.index(below: 3)))
                set(.replicaCPU, 0.1 + 0.1 * generator.uniform())
                let p99 = (neighbour > 0.5 ? 0.2 : 0.02) * (1 + 0.01 * generator.normal())
                dataset.append(
                    PredictionDataset.Row(
                        episode: episode, seed: UInt64(episode), window: window, node: "a", service: "web",
                        requests: 500, age: 5, objective: 0.1, p99: p99),
                    features: features)
            }
        }
        var settings = PredictorSettings()
        (settings.trees, settings.folds, settings.ignoredFeatures) = (60, 3, ignored)
        return try LatencyPredictor(training: dataset, settings)
    }

    @Test func filtersByPredictedRisk() throws {
        let unknown = RiskFilter.unknownFeatures.map(\.rawValue)
        #expect(throws: PredictionError.self) { try RiskFilter(predictor(ignoring: ["cpu_used_change"]), limit: 1) }
        let filter = try RiskFilter(predictor(ignoring: unknown), limit: 1)
        let clock = ManualClock()
        let scorer = try makeScorer(clock: clock, riskFilter: filter)
        // A replica of the service on each of two nodes of four cores.
        for node in ["a", "b"] {
            scorer.apply(.added(try makePod("web-\(node)", node: node, ready: true)))
        }
        func measure(_ node: String, cpu: Double) {
            scorer.use(cpu, memory: 1e9, pods: ["web-\(node)": 0.15], onNode: node, at: clock.now)
        }
        var pod = try makePod("probe")
        let nodes = ["ghost", "a", "b", "c"]
        // Nothing is measured: nothing is known to be risky.
        #expect(scorer.unfit(nodes, for: pod).isEmpty)
        measure("a", cpu: 3.5)
        measure("b", cpu: 0.3)
        let failed = scorer.unfit(nodes, for: pod)
        #expect(
            failed.keys.sorted() == [1] && failed[1]?.contains("times the objective of 100 ms") == true, "\(failed)")
        // Where none would remain, all pass.
        #expect(scorer.unfit(["a"], for: pod).isEmpty)
        // The pod's own objective counts; one that is no duration does not.
        pod.metadata.latencyObjective = "1s"
        #expect(scorer.unfit(nodes, for: pod).isEmpty)
        pod.metadata.latencyObjective = "10ms"
        #expect(scorer.unfit(nodes, for: pod).keys.sorted() == [1, 2])
        pod.metadata.latencyObjective = "soon"
        #expect(scorer.unfit(nodes, for: pod).keys.sorted() == [1])
        // Of a pod without a service nothing is known, nor of a service without replicas.
        #expect(scorer.unfit(nodes, for: try makePod("alone", service: nil)).isEmpty)
        #expect(scorer.unfit(nodes, for: try makePod("first", service: "new")).isEmpty)
        clock.advance(by: 120)
        #expect(scorer.unfit(nodes, for: pod).isEmpty)
    }
}
