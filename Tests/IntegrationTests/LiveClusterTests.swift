import Windows
import Watching
import Baselines
import Cluster
import Foundation
import Live
import Randomness
import Testing
import Workloads

extension TestbedTests {
    /// The environment on real pods.
    @Suite struct LiveClusterTests {
        @Test("An episode places, scales and evicts real pods, and leaves nothing")
        func episode() async throws {
            try await withTemporaryFolder { folder in
                try await Testbed.borrow { testbed in
                    try await playEpisode(testbed, auditLog: "\(folder)/audit.jsonl")
                }
            }
        }

        @Test("Prometheus, the API server and a node go away in mid-episode")
        func faults() async throws {
            try await withTemporaryFolder { folder in
                try await Testbed.borrow { testbed in
                    let prometheus = try TestbedPrometheus(folder: folder)
                    let driver = try LiveEpisodeDriver(
                        testbed, namespace: "berth-faults", auditLog: "\(folder)/audit.jsonl"
                    ) { settings in
                        settings.usage.prometheus.url = prometheus.url
                        settings.usage.maximumAge = 30
                    }
                    try await driver.begin(seed: 2)
                    try await losePrometheus(prometheus, driver)
                    try await loseTheAPIServer(testbed, driver)
                    try await drainANode(testbed, driver)
                    try await driver.close()
                    try await expectNothingLeft(testbed, "berth-faults")
                }
            }
        }

        @Test("Training and evaluation run on a live cluster, and clean up after a kill")
        func commands() async throws {
            let policy = try await TestbedPolicy.trained(steps: 20_000)
            try await withTemporaryFolder { folder in
                try await Testbed.borrow { testbed in
                    try await train(testbed, policy, folder)
                    try await evaluate(testbed, policy, folder)
                    try await interrupt(testbed, policy, folder)
                    try await interfere(testbed, folder)
                }
            }
        }
    }
}

// MARK: An episode

private let web = "nginx-gzip"

private func playEpisode(_ testbed: Testbed, auditLog: String) async throws {
    let namespace = "berth-episode-test"
    var burner = InterferenceSpecification()
    (burner.level, burner.node, burner.start, burner.duration) = (1, "node0", 1, 300)
    let driver = try LiveEpisodeDriver(testbed, namespace: namespace, auditLog: auditLog) { [burner] settings in
        settings.interferencePlan.interference = [burner]
    }
    try await driver.begin(seed: 1)
    let first = try await pods(testbed, namespace)
    #expect(first.count == 2 && Set(first.map(\.node)).count == 2, "\(first)")
    #expect(first.allSatisfy { $0.scheduler == "berth-environment" && $0.phase == "Running" }, "\(first)")

    // Scale: the Deployment has one more, and its pod goes where the environment is told to place it.
    #expect(try await driver.take { $0 == .scale(service: 0, change: 1) } == nil)
    let desired = try await testbed.kubectl(
        "-n", namespace, "get", "deployment", web, "-o", "jsonpath={.spec.replicas}")
    #expect(desired == "3")
    let node1 = try #require(driver.snapshot.nodes.firstIndex { $0.name == "node1" })
    try await driver.placePending { $0.contains(node1) ? node1 : $0[0] }
    let scaled = try await pods(testbed, namespace)
    let added = scaled.filter { pod in !first.contains { $0.name == pod.name } }
    #expect(added.map(\.node) == ["node1"], "\(scaled)")
    try await driver.advance(most: 6) { $0.pods.count { $0.service == 0 && $0.phase == .ready } == 3 }
    try await driver.advance()
    let stress = try await testbed.kubectl(
        "-n", namespace, "get", "pod", "interference-0", "-o", "jsonpath={.spec.nodeName} {.status.phase}")
    #expect(stress == "node0 Running" || stress == "node0 Pending", "\(stress)")

    // Evict: the pod goes and another comes in its place.
    let victim = try #require(driver.snapshot.pods.first { $0.service == 0 && $0.phase == .ready })
    #expect(try await driver.take { $0 == .evict(pod: victim.id) } == nil)
    let evicted = try await pods(testbed, namespace)
    let name = victim.name.split(separator: "/").last.map(String.init) ?? ""
    #expect(evicted.first { $0.name == name }?.isEnding ?? true, "\(evicted)")
    // The guard applies to every caller, whatever the rules of the environment list.
    let other = try #require(driver.snapshot.pods.first { $0.service == 0 && $0.phase == .ready })
    let refusal = try await driver.refusal(of: .evict(pod: other.id))
    #expect(refusal?.contains("evicted in this interval already") == true, "\(refusal ?? "no refusal")")
    let beyond = try await driver.refusal(of: .scale(service: 0, change: 4))
    #expect(beyond?.contains("may have 1 to 5") == true, "\(beyond ?? "no refusal")")
    let report = try await driver.advance()
    #expect(report.evictions >= 1)
    // An ending pod holds what it requested, and cadvisor takes its time to measure a new one.
    try await driver.advance(most: 40) { snapshot in
        let replicas = snapshot.pods.filter { $0.service == 0 }
        return replicas.count == 3 && replicas.allSatisfy { $0.phase == .ready } && snapshot.services[0].cpuUsage != nil
    }
    let last = try await pods(testbed, namespace)
    #expect(!last.contains { $0.name == name } && last.count { !$0.isEnding } == 3, "\(last)")

    // What is measured is what runs.
    let measured = try await driver.advance()
    #expect(measured.services[0].arrived > 40 && measured.services[0].completed > 0.8 * measured.services[0].arrived)
    #expect((measured.services[0].latencyP99 ?? 0) > 0.002)
    let cores = measured.requestedCoreSeconds / measured.duration
    #expect(abs(cores - 0.45) < 0.02, "three replicas of 0.15 cores, found \(cores)")
    #expect(driver.snapshot.nodes.allSatisfy { ($0.cpuUsage?.value ?? 0) > 0 })
    #expect((driver.snapshot.services[0].cpuUsage?.value ?? 0) > 0.02)

    try await driver.close()
    try await expectNothingLeft(testbed, namespace)
    let actions = try log(auditLog)
    for action in ["deploy", "place", "scale", "evict", "interfere", "remove"] {
        #expect(actions.contains { $0.action == action && $0.outcome == .done }, "\(action) is not in the log")
    }
    #expect(actions.count { $0.outcome == .refused } == 2)
}

// MARK: Faults

private func losePrometheus(_ prometheus: TestbedPrometheus, _ driver: LiveEpisodeDriver) async throws {
    func isMeasured(_ snapshot: ClusterSnapshot) -> Bool {
        snapshot.nodes.allSatisfy { $0.cpuUsage != nil } && snapshot.services[0].cpuUsage != nil
    }
    try await driver.advance(most: 12, until: isMeasured)
    prometheus.stop()
    try await driver.advance(most: 14) { snapshot in
        snapshot.nodes.allSatisfy { $0.cpuUsage == nil } && snapshot.services[0].cpuUsage == nil
    }
    let report = try await driver.advance()
    // Missing is not zero: requests are still counted, and the HPA holds still instead of scaling down because CPU is
    // missing.
    #expect(report.failure == nil && report.services[0].arrived > 40)
    let decision = try #require(driver.decision)
    var autoscaler: any Policy = HorizontalPodAutoscaler(HorizontalPodAutoscalerSettings())
    var generator = RandomGenerator(seed: 0)
    let choice = try autoscaler.choose(decision, in: driver.snapshot, using: &generator)
    #expect(decision.candidates[choice] == .advance)
}

private func loseTheAPIServer(_ testbed: Testbed, _ driver: LiveEpisodeDriver) async throws {
    let replicas = driver.snapshot.services[0].replicas
    try await Testbed.apiServer("stop")
    let start = ContinuousClock.now
    try await driver.advance()
    try await driver.advance()
    // Nothing is done on what is out of date.
    let refusal = try await driver.refusal(of: .scale(service: 0, change: 1))
    #expect(refusal?.contains("what is known is out of date") == true, "\(refusal ?? "no refusal")")
    while ContinuousClock.now - start < .seconds(30) {
        let report = try await driver.advance()
        #expect(report.failure == nil && report.services[0].completed > 0, "pods answer without the API server")
    }
    try await Testbed.apiServer("start")
    // What was asked for is still there, and actions are carried out again.
    var last: String? = "not tried"
    for _ in 0..<12 where last != nil {
        try await driver.advance()
        last = try await driver.take { $0 == .scale(service: 0, change: 1) }
    }
    #expect(last == nil, "\(last ?? "")")
    let desired = try await testbed.kubectl(
        "-n", driver.settings.namespace, "get", "deployment", web, "-o", "jsonpath={.spec.replicas}")
    #expect(desired == "\(replicas + 1)")
    try await driver.advance(most: 8) { snapshot in
        snapshot.pods.count { $0.service == 0 && $0.phase == .ready } == replicas + 1
    }
    let real = try await pods(testbed, driver.settings.namespace).filter { !$0.isEnding }.map(\.name)
    let known = driver.snapshot.pods.filter { $0.service == 0 && $0.phase != .terminating }
        .map { String($0.name.split(separator: "/").last ?? "") }
    #expect(Set(real) == Set(known))
}

private func drainANode(_ testbed: Testbed, _ driver: LiveEpisodeDriver) async throws {
    let wanted = driver.snapshot.services[0].replicas
    async let drained: Void = {
        _ = try await testbed.kubectl(
            "drain", "node1", "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s")
    }()
    var evictions = 0
    for _ in 0..<10 {
        let report = try await driver.advance()
        #expect(report.failure == nil)
        evictions += report.evictions
        let nodes = driver.snapshot.pods.filter { $0.service == 0 && $0.phase == .ready }
            .map { $0.node.map { driver.snapshot.nodes[$0].name } }
        if nodes.count == wanted, nodes.allSatisfy({ $0 == "node0" }) { break }
    }
    try await drained
    #expect(evictions >= 1, "what someone else evicts is part of the report")
    let left = try await pods(testbed, driver.settings.namespace).filter { !$0.isEnding }
    #expect(left.count == wanted && left.allSatisfy { $0.node == "node0" }, "\(left)")
    #expect(driver.snapshot.nodes.first { $0.name == "node1" }?.isSchedulable == false)
    try await testbed.kubectl("uncordon", "node1")
}

// MARK: Commands

/// A short episode, the same for training and evaluation.
private func short(_ prefix: String, _ auditLog: String) -> [String] {
    [
        "interval=4", "warmup=1", "usage.nodeCgroup=/testbed-{node}/kubepods", "usage.interval=2",
        "services[0].load.rate=15", "auditLog=\(auditLog)",
    ].flatMap { ["--set", "\(prefix).\($0)"] }
}

private func train(_ testbed: Testbed, _ policy: String, _ folder: String) async throws {
    let out = "\(folder)/live-run"
    let text = try await testbed.run(
        [
            Testbed.berth, "train", "--config",
            Testbed.repository.appendingPathComponent("configs/train/live.yaml").path, "--out", out,
            "--set", "environment.policy=\(policy)", "--set", "environment.episode.intervals=3",
            "--set", "ppo.totalSteps=8", "--set", "ppo.rolloutSteps=8", "--set", "ppo.batchSize=8",
            // As the policy that it begins with was trained.
            "--set", "ppo.normalizesObservations=false",
        ] + short("environment.cluster", "\(folder)/train.jsonl"), seconds: 400)
    #expect(text.contains("trained 8 steps"), "\(text)")
    let checkpoints = try FileManager.default.contentsOfDirectory(atPath: "\(out)/checkpoints")
    #expect(checkpoints.contains("step-000000000008.h5"), "\(checkpoints)")
    try await expectNothingLeft(testbed, "berth-train")
    let actions = try log("\(folder)/train.jsonl")
    #expect(actions.contains { $0.action == "place" && $0.outcome == .done })
}

private func evaluation(_ policy: String, _ folder: String) -> [String] {
    [
        Testbed.berth, "evaluate", "--policy", policy, "--config",
        Testbed.repository.appendingPathComponent("configs/evaluate/live.yaml").path,
        "--set", "episode.intervals=3",
    ] + short("live", "\(folder)/evaluate.jsonl")
}

private func evaluate(_ testbed: Testbed, _ policy: String, _ folder: String) async throws {
    let text = try await testbed.run(
        evaluation(policy, folder) + ["--seeds", "1", "--json", "\(folder)/evaluation.json"], seconds: 500)
    for row in ["policy ", "policy places, hpa scales", "default+hpa", "- default+hpa"] {
        #expect(text.contains(row), "no row '\(row)' in \(text)")
    }
    struct Report: Decodable {
        struct Comparison: Decodable { var episodes: [Episode] }
        struct Episode: Decodable { var policy: String; var figures: Figures }
        struct Figures: Decodable { var throughput: Double; var cores: Double; var p99: Double? }
        var comparison: Comparison
    }
    let report = try JSONDecoder().decode(
        Report.self, from: Data(contentsOf: URL(filePath: "\(folder)/evaluation.json")))
    #expect(report.comparison.episodes.count == 3)
    for episode in report.comparison.episodes {
        #expect(episode.figures.throughput > 3 && episode.figures.cores > 0.1 && (episode.figures.p99 ?? 0) > 0.002)
    }
    // The rows of the default scheduler are placed by it, the others by the environment.
    let actions = try log("\(folder)/evaluate.jsonl")
    #expect(actions.contains { $0.action == "place" && $0.outcome == .done })
    try await expectNothingLeft(testbed, "berth-evaluate")
}

/// Ctrl-C removes what was made; after a kill, `berth clean` does.
private func interrupt(_ testbed: Testbed, _ policy: String, _ folder: String) async throws {
    for signal in [SIGINT, SIGKILL] {
        let process = try BerthProcess(
            executable: "/usr/bin/env",
            ["KUBECONFIG=\(testbed.kubeconfig)", "NO_PROXY=*"] + evaluation(policy, folder) + ["--seeds", "2"])
        for _ in 0..<300 {
            let names = try await testbed.kubectl("get", "namespaces", "-o", "name")
            if names.contains("namespace/berth-evaluate") { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        process.send(signal)
        let result = try await process.result()
        if signal == SIGINT {
            #expect(result.status == 130, "\(result.errors)")
            #expect(result.errors.contains("what it had made is removed"), "\(result.errors)")
        } else {
            let config = Testbed.repository.appendingPathComponent("configs/evaluate/live.yaml").path
            let auditLog = "\(folder)/evaluate.jsonl"
            let text = try await testbed.run(
                [Testbed.berth, "clean", "--config", config, "--audit", auditLog], seconds: 240)
            #expect(text.contains("removed namespace berth-evaluate"), "\(text)")
            let last = try #require(try log(auditLog).last)
            #expect(last.action == "remove" && last.outcome == .done && last.episode == nil)
        }
        try await expectNothingLeft(testbed, "berth-evaluate")
    }
}

/// A plan by itself: its pods come at their times, and go.
private func interfere(_ testbed: Testbed, _ folder: String) async throws {
    let plan = "\(folder)/plan.yaml"
    try """
    interference:
    - {source: cpu, level: 0.5, node: node1, duration: 20}
    - {source: lastLevelCache, level: 1, nodeSelector: {kubernetes.io/hostname: node0}, start: 2, duration: 18}
    """.write(toFile: plan, atomically: true, encoding: .utf8)
    let process = try BerthProcess(
        executable: "/usr/bin/env",
        ["KUBECONFIG=\(testbed.kubeconfig)", "NO_PROXY=*", Testbed.berth, "interfere", "--config", plan])
    var running: Set<String> = []
    while process.isRunning {
        let text = try await testbed.kubectl(
            "get", "pods", "--all-namespaces", "-l", "app.kubernetes.io/name=stress-ng", "-o",
            "jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.phase}{\"\\n\"}{end}")
        for line in text.split(separator: "\n") where line.hasSuffix("Running") { running.insert(String(line)) }
        try await Task.sleep(for: .milliseconds(300))
    }
    let result = try await process.result()
    #expect(result.status == 0, "\(result.errors)")
    #expect(running == ["interference-0 node1 Running", "interference-1 node0 Running"], "\(running)")
    try await expectNothingLeft(testbed, "berth-interference")
}

// MARK: What kubectl shows

private struct RealPod: CustomStringConvertible {
    var name: String
    var node: String
    var scheduler: String
    var phase: String
    var isEnding: Bool
    var description: String { "\(name) \(phase)\(isEnding ? " ending" : "") on \(node) by \(scheduler)" }
}

private func pods(_ testbed: Testbed, _ namespace: String) async throws -> [RealPod] {
    struct List: Decodable {
        struct Item: Decodable {
            struct Metadata: Decodable { var name: String; var deletionTimestamp: String? }
            struct Spec: Decodable { var nodeName: String?; var schedulerName: String }
            struct Status: Decodable { var phase: String }
            var metadata: Metadata
            var spec: Spec
            var status: Status
        }
        var items: [Item]
    }
    let text = try await testbed.kubectl("-n", namespace, "get", "pods", "-l", "app=\(web)", "-o", "json")
    return try JSONDecoder().decode(List.self, from: Data(text.utf8)).items.map {
        RealPod(
            name: $0.metadata.name, node: $0.spec.nodeName ?? "", scheduler: $0.spec.schedulerName,
            phase: $0.status.phase, isEnding: $0.metadata.deletionTimestamp != nil)
    }
}

private func expectNothingLeft(_ testbed: Testbed, _ namespace: String) async throws {
    let namespaces = try await testbed.kubectl("get", "namespaces", "-o", "name")
    #expect(!namespaces.contains("namespace/\(namespace)\n"), "\(namespaces)")
    let labelled = try await testbed.kubectl(
        "get", "namespaces,all,configmaps", "--all-namespaces", "-l", "berth.dev/environment", "-o", "name")
    #expect(labelled.isEmpty, "\(labelled)")
}

private func log(_ path: String) throws -> [AuditLog.Entry] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
        try JSONDecoder().decode(AuditLog.Entry.self, from: Data($0.utf8))
    }
}
