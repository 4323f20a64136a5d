import Cluster
import Foundation
import Randomness
import TestClusters
import Testing
import Windows

/// What is kept up change by change must equal a count from scratch; what was read, the values that follow from it.
@Suite struct SnapshotBuilderTests {
    /// A builder beside plain dictionaries that say by name what it should hold.
    private struct Model {
        struct Entry {
            var node: String?
            var service: String?
            var requests: Resources
            var phase: Pod.Phase
        }

        var builder = SnapshotBuilder(interval: 20, maximumAge: 60)
        var pods: [Int: Entry] = [:]
        var nodes: Set<String> = []
        var services: Set<String> = []
        var generator: RandomGenerator
        var nextID = 0

        init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

        mutating func index(of count: Int) -> Int? { count > 0 ? generator.index(below: count) : nil }

        mutating func requests() -> Resources {
            Resources(cpu: generator.uniform(in: 0...2), memory: Double(generator.index(below: 1000)) * 1e6)
        }

        mutating func changeObjects() {
            nextID += 1
            switch generator.index(below: 10) {
            case 0 where nodes.count < 8:
                builder.addNode(Node(name: "n\(nextID)", allocatable: Resources(cpu: 8, memory: 8e9)))
                nodes.insert("n\(nextID)")
            case 1 where nodes.count > 4:
                guard let index = index(of: nodes.count) else { return }
                let name = builder.snapshot.nodes[index].name
                builder.removeNode(index)
                nodes.remove(name)
                for id in pods.keys where pods[id]?.node == name { pods[id]?.node = nil }
            case 2 where services.count < 5:
                builder.addService(
                    Service(
                        name: "s\(nextID)", replicas: 1, maximumReplicas: 9, requests: Resources(), latencyObjective: 1)
                )
                services.insert("s\(nextID)")
            case 3 where services.count > 2:
                guard let index = index(of: services.count) else { return }
                let name = builder.snapshot.services[index].name
                builder.removeService(index)
                services.remove(name)
                for id in pods.keys where pods[id]?.service == name { pods[id]?.service = nil }
            default: changePods()
            }
        }

        private mutating func changePods() {
            let (node, service) = (index(of: nodes.count), index(of: services.count))
            let (nodeName, serviceName) = (
                node.map { builder.snapshot.nodes[$0].name }, service.map { builder.snapshot.services[$0].name }
            )
            let requests = requests()
            let pod = index(of: pods.count)
            let id = pod.map { builder.snapshot.pods[$0].id } ?? 0
            switch generator.index(below: 8) {
            case 0 where pods.count > 10:
                guard let pod else { return }
                builder.removePod(pod)
                pods[id] = nil
            case 1:
                guard let pod else { return }
                builder.movePod(pod, to: node)
                pods[id]?.node = nodeName
            case 2:
                guard let pod else { return }
                builder.movePod(pod, to: nil)
                pods[id]?.node = nil
            case 3:
                guard let pod else { return }
                builder.resizePod(pod, requests)
                pods[id]?.requests = requests
            case 4:
                guard let pod else { return }
                builder.setService(ofPod: pod, service)
                pods[id]?.service = serviceName
            case 5:
                guard let pod else { return }
                let phase: Pod.Phase = generator.chance(0.6) ? .ready : .starting
                builder.setPhase(pod, phase)
                pods[id]?.phase = phase
            default:
                guard pods.count < 40 else { return }
                builder.addPod(
                    Pod(
                        id: nextID, name: "p\(nextID)", service: service, node: node, phase: .ready,
                        requests: requests, created: 0))
                pods[nextID] = Entry(node: nodeName, service: serviceName, requests: requests, phase: .ready)
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func staysTrueUnderChanges(_ seed: UInt64) {
        var model = Model(seed: seed)
        var mostOnANode = 0
        for step in 0..<4000 {
            model.changeObjects()
            if step % 7 == 0 { model.builder.prepare(at: Double(step)) }
            let snapshot = model.builder.snapshot
            var counted = snapshot
            counted.recountNodes()
            for (kept, fresh) in zip(snapshot.nodes, counted.nodes) {
                #expect(kept.podCount == fresh.podCount)
                #expect(abs(kept.requested.cpu - fresh.requested.cpu) < 1e-9)
                #expect(kept.requested.memory == fresh.requested.memory)
                if kept.podCount == 0 { #expect(kept.requested == Resources()) }
                mostOnANode = max(mostOnANode, kept.podCount)
            }
            #expect(Set(snapshot.nodes.map(\.name)) == model.nodes)
            #expect(Set(snapshot.services.map(\.name)) == model.services)
            #expect(Set(snapshot.pods.map(\.id)) == Set(model.pods.keys))
            for pod in snapshot.pods {
                let expected = model.pods[pod.id]
                #expect(pod.node.map { snapshot.nodes[$0].name } == expected?.node)
                #expect(pod.service.map { snapshot.services[$0].name } == expected?.service)
                #expect(pod.requests == expected?.requests && pod.phase == expected?.phase)
            }
            guard step % 7 == 0 else { continue }
            for service in snapshot.services {
                let ready = model.pods.values.count { $0.service == service.name && $0.phase == .ready }
                #expect(service.disruptionsAllowed == ready)
            }
        }
        #expect(mostOnANode > 5)
    }

    @Test func whatANodeRequestsBesidePodsIsKept() {
        var builder = SnapshotBuilder(interval: 20, maximumAge: 60)
        var node = Node(name: "a", allocatable: Resources(cpu: 4, memory: 8e9))
        (node.requested, node.podCount) = (Resources(cpu: 0.5, memory: 1e9), 3)
        builder.addNode(node)
        let pod = builder.addPod(
            Pod(id: 1, name: "p", node: 0, requests: Resources(cpu: 1, memory: 2e9), created: 0))
        #expect(builder.snapshot.nodes[0].requested == Resources(cpu: 1.5, memory: 3e9))
        #expect(builder.snapshot.nodes[0].podCount == 4)
        builder.removePod(pod)
        #expect(builder.snapshot.nodes[0].requested == node.requested && builder.snapshot.nodes[0].podCount == 3)
    }

    // MARK: Measured values

    /// One node, one service with `replicas` ready replicas on it.
    private func cluster(replicas: Int = 0) -> SnapshotBuilder {
        var builder = SnapshotBuilder(interval: 20, maximumAge: 60)
        builder.addNode(Node(name: "a", allocatable: Resources(cpu: 8, memory: 8e9)))
        builder.addService(
            Service(
                name: "web", replicas: replicas, maximumReplicas: 9, requests: Resources(cpu: 1),
                latencyObjective: 0.1, disruptionsAllowed: 7))
        for id in 0..<replicas { builder.addPod(replica(id, .ready)) }
        return builder
    }

    private func replica(_ id: Int, _ phase: Pod.Phase) -> Pod {
        Pod(id: id, name: "web-\(id)", service: 0, node: 0, phase: phase, requests: Resources(cpu: 1), created: 0)
    }

    /// A reading of a cgroup that has used `cores` since time 0.
    private func reading(_ cores: Double, at time: Double) -> UsageReading {
        UsageReading(cpuSeconds: Reading(value: cores * time, time: time))
    }

    private func use(_ cores: Double, pod: Int, _ builder: inout SnapshotBuilder, at time: Double) {
        for time in [time - 20, time] { builder.add(reading(cores, at: time), ofPod: pod) }
    }

    @Test func cpuOfAServiceIsThatOfItsMeasuredReadyReplicasTimesTheReadyOnes() throws {
        var builder = cluster(replicas: 3)
        builder.addPod(replica(3, .starting))
        builder.prepare(at: 40)
        #expect(builder.snapshot.services[0].cpuUsage == nil)
        use(0.2, pod: 0, &builder, at: 40)
        use(0.6, pod: 2, &builder, at: 36)
        // One that is starting burns its start-up, which is no request's.
        use(5, pod: 3, &builder, at: 40)
        // Read once only: nothing is known of it.
        builder.add(reading(9, at: 40), ofPod: 1)
        builder.prepare(at: 40)
        let cpu = try #require(builder.snapshot.services[0].cpuUsage)
        #expect(abs(cpu.value - 3 * 0.4) < 1e-9)
        // As old as the oldest of what it is made of.
        #expect(cpu.time == 36 && cpu.seconds == 20 && cpu.source == .cadvisor)
        #expect(builder.snapshot.pods.map { $0.cpuUsage != nil } == [true, false, true, true])
        builder.setPhase(3, .ready)
        builder.prepare(at: 40)
        let all = try #require(builder.snapshot.services[0].cpuUsage)
        #expect(abs(all.value - 4 * (0.2 + 0.6 + 5) / 3) < 1e-9)
        // Of replicas that wait or go nothing counts.
        for pod in 0..<4 { builder.setPhase(pod, .terminating) }
        builder.prepare(at: 40)
        #expect(builder.snapshot.services[0].cpuUsage == nil)
    }

    @Test func theRateBeforeIsThatOfTheWindowBefore() {
        var builder = cluster()
        func sample(_ time: Double, rate: Double?) -> RequestSample {
            var sample = RequestSample(time: time, seconds: 20, source: .loadGenerator)
            (sample.arrivalRate, sample.latencyP99) = (rate, 0.1)
            return sample
        }
        func rates(_ builder: inout SnapshotBuilder, at now: Double) -> [Double?] {
            builder.prepare(at: now)
            let service = builder.snapshot.services[0]
            return [service.arrivalRate?.value, service.previousArrivalRate?.value]
        }
        #expect(rates(&builder, at: 0) == [nil, nil])
        builder.add(sample(20, rate: 10), ofService: 0)
        #expect(rates(&builder, at: 20) == [10, nil])
        builder.add(sample(40, rate: 14), ofService: 0)
        #expect(rates(&builder, at: 40) == [14, 10])
        // Windows that overlap: the one that ended where this one begins, not the last.
        builder.add(sample(50, rate: 20), ofService: 0)
        builder.add(sample(60, rate: 30), ofService: 0)
        #expect(rates(&builder, at: 60) == [30, 14])
        // Told twice, and told late: neither changes anything.
        builder.add(sample(60, rate: 99), ofService: 0)
        builder.add(sample(55, rate: 99), ofService: 0)
        #expect(rates(&builder, at: 60) == [30, 14])
        // Of a window without a rate nothing new is known.
        builder.add(sample(80, rate: nil), ofService: 0)
        #expect(rates(&builder, at: 80) == [30, 14])
        // No window ended where this one begins.
        builder.add(sample(120, rate: 40), ofService: 0)
        #expect(rates(&builder, at: 120) == [40, nil])
        builder.add(sample(140, rate: 50), ofService: 0)
        #expect(rates(&builder, at: 200) == [50, 40])
        // A trend of what is too old is none.
        #expect(rates(&builder, at: 200.5) == [nil, nil])
    }

    /// Also where neither says how many requests arrived.
    @Test func whatWasSeenEarlierChangesNothing() {
        var builder = cluster()
        for (time, p99) in [(40.0, 0.2), (20.0, 0.9)] {
            var sample = RequestSample(time: time, seconds: 20, source: .service)
            sample.latencyP99 = p99
            builder.add(sample, ofService: 0)
        }
        builder.prepare(at: 40)
        #expect(builder.snapshot.services[0].latencyP99 == Measured(0.2, at: 40, over: 20, by: .service))
    }

    @Test func whatIsTooOldIsMissing() throws {
        var builder = cluster(replicas: 1)
        var figures = PCMFigures(time: 40, seconds: 20)
        (figures.memoryBandwidth, figures.cacheMissRatio, figures.instructionsPerCycle) = (1e9, 0.2, 1.5)
        builder.add(.pcm(figures), ofNode: 0)
        for time in [20.0, 40] {
            var usage = reading(2, at: time)
            usage.workingSetBytes = Reading(value: 1e9, time: time)
            builder.add(usage, ofNode: 0)
        }
        use(0.5, pod: 0, &builder, at: 40)
        var sample = RequestSample(
            time: 40, seconds: 20, source: .loadGenerator, arrived: 100, completed: 90, failed: 10)
        (sample.latencyP50, sample.latencyP95, sample.latencyP99) = (0.01, 0.02, 0.03)
        builder.add(sample, ofService: 0)

        func values() -> [Double?] {
            let (node, pod, service) = (
                builder.snapshot.nodes[0], builder.snapshot.pods[0], builder.snapshot.services[0]
            )
            return [
                node.cpuUsage, node.memoryUsage, node.memoryBandwidth, node.cacheMissRatio,
                node.instructionsPerCycle, pod.cpuUsage, service.arrivalRate, service.throughput, service.errorShare,
                service.latencyP50, service.latencyP95, service.latencyP99, service.cpuUsage,
            ].map { $0?.value }
        }
        let expected: [Double?] = [2, 1e9, 1e9, 0.2, 1.5, 0.5, 5, 4.5, 0.1, 0.01, 0.02, 0.03, 0.5]
        builder.prepare(at: 40)
        #expect(values() == expected)
        builder.prepare(at: 100)
        #expect(values() == expected)
        builder.prepare(at: 100.5)
        #expect(values().allSatisfy { $0 == nil })
        // A clock that was set back brings nothing back that is not there, and hides nothing that is.
        builder.prepare(at: 30)
        #expect(values() == expected)
        builder.forgetReadings(ofNode: 0)
        builder.prepare(at: 40)
        #expect(values().prefix(5).allSatisfy { $0 == nil } && values()[5] == 0.5)
    }

    @Test func withoutABudgetAllReadyReplicasMayGo() {
        var builder = cluster(replicas: 3)
        builder.addPod(replica(3, .starting))
        #expect(builder.snapshot.services[0].disruptionsAllowed == 7)
        builder.prepare(at: 0)
        #expect(builder.snapshot.services[0].disruptionsAllowed == 3)
        builder.setDisruptionsAllowed(0, 1)
        #expect(builder.snapshot.services[0].disruptionsAllowed == 1)
        builder.setPhase(3, .ready)
        builder.prepare(at: 1)
        #expect(builder.snapshot.services[0].disruptionsAllowed == 1)
        // The budget stays with its service when another takes its index.
        builder.addService(
            Service(name: "api", replicas: 0, maximumReplicas: 9, requests: Resources(), latencyObjective: 1))
        builder.setDisruptionsAllowed(1, 5)
        builder.removeService(0)
        builder.prepare(at: 2)
        #expect(builder.snapshot.services.map(\.name) == ["api"])
        #expect(builder.snapshot.services[0].disruptionsAllowed == 5)
        builder.setDisruptionsAllowed(0, nil)
        builder.prepare(at: 3)
        #expect(builder.snapshot.services[0].disruptionsAllowed == 0)
    }

    // MARK: Storage

    @Test(arguments: [4, 5] as [UInt64])
    func aDecodedBuilderGoesOnEqually(_ seed: UInt64) throws {
        var model = Model(seed: seed)
        func read(_ time: Double) {
            for node in model.builder.snapshot.nodes.indices {
                model.builder.add(reading(model.generator.uniform(), at: time), ofNode: node)
            }
            for pod in model.builder.snapshot.pods.indices {
                model.builder.add(reading(model.generator.uniform(), at: time), ofPod: pod)
            }
            for service in model.builder.snapshot.services.indices {
                let arrived = 100 * model.generator.uniform()
                model.builder.add(
                    RequestSample(
                        time: time, seconds: 20, source: .loadGenerator, arrived: arrived, completed: arrived, failed: 0
                    ), ofService: service)
                model.builder.setDisruptionsAllowed(service, model.generator.chance(0.5) ? 1 : nil)
            }
            model.builder.prepare(at: time)
        }
        for step in 1...100 {
            model.changeObjects()
            if step % 5 == 0 { read(Double(4 * step)) }
        }
        let bytes = try JSONEncoder().encode(model.builder)
        var copy = model
        copy.builder = try JSONDecoder().decode(SnapshotBuilder.self, from: bytes)
        #expect(copy.builder.snapshot == model.builder.snapshot)
        #expect(model.builder.snapshot.pods.contains { $0.cpuUsage != nil })
        #expect(model.builder.snapshot.services.contains { $0.previousArrivalRate != nil })
        let original = model
        var snapshots: [[ClusterSnapshot]] = []
        for start in [original, copy] {
            model = start
            snapshots.append([])
            for step in 101...200 {
                model.changeObjects()
                if step % 5 == 0 { read(Double(4 * step)) }
                snapshots[snapshots.count - 1].append(model.builder.snapshot)
            }
        }
        #expect(snapshots[0] == snapshots[1])
    }
}
