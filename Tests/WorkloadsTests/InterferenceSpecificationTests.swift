import Foundation
import Settings
import Testing
import Workloads

private let stressNG = ["/usr/bin/stress-ng", "/usr/local/bin/stress-ng"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// What the tests look at of a v1 Pod.
private struct ReadPod: Decodable {
    struct Metadata: Decodable {
        var name: String
        var namespace: String
        var labels: [String: String]
    }
    struct Container: Decodable {
        var command: [String]
        var resources: [String: [String: String]]
    }
    struct Specification: Decodable {
        var nodeName: String?
        var nodeSelector: [String: String]?
        var restartPolicy: String
        var activeDeadlineSeconds: Int
        var containers: [Container]
    }
    var apiVersion: String
    var kind: String
    var metadata: Metadata
    var spec: Specification
}

/// Interference specifications, the command lines they become and the pods that run them.
@Suite struct InterferenceSpecificationTests {
    private func specification(
        _ source: StressSource, level: Double? = nil, amount: Double? = nil, workers: Int = 2
    ) -> InterferenceSpecification {
        var specification = InterferenceSpecification()
        (specification.source, specification.level, specification.amount) = (source, level, amount)
        (specification.workers, specification.node, specification.duration) = (workers, "node0", 1)
        return specification
    }

    @Test(arguments: [
        (StressSource.cpu, 0.4, "--cpu 2 --cpu-load 40 --cpu-load-slice 100"),
        (.lastLevelCache, 1, "--cache 2 --cache-level 3"),
        (.l1d, 1, "--l1cache 2"),
        (.l1i, 1, "--icache 2"),
        (.memoryBandwidth, 0.5, "--memrate 2 --memrate-bytes 256m --memrate-rd-mbs 2000 --memrate-wr-mbs 2000"),
        (.memoryCapacity, 1, "--vm 2 --vm-bytes 25% --vm-keep"),
        (.network, 1, "--sock 2"),
        (.disk, 1, "--iomix 2 --iomix-bytes 64m"),
    ])
    func levelsBecomeCommandLines(_ source: StressSource, _ level: Double, _ expected: String) {
        let arguments = specification(source, level: level).stressNGArguments
        #expect(arguments.joined(separator: " ") == expected + " --timeout 1s --temp-path /tmp --quiet")
    }

    @Test func amountsAreSharedAmongTheWorkers() {
        let cpu = specification(.cpu, amount: 1.5).stressNGArguments
        #expect(cpu[2...3] == ["--cpu-load", "75"])
        let memory = specification(.memoryCapacity, amount: 512).stressNGArguments
        #expect(memory[2...3] == ["--vm-bytes", "512m"])
        let bandwidth = specification(.memoryBandwidth, amount: 3000).stressNGArguments
        #expect(bandwidth[4...7] == ["--memrate-rd-mbs", "1500", "--memrate-wr-mbs", "1500"])
    }

    @Test func levelsOfSourcesWithoutASettingBecomeCPULimits() {
        for source in StressSource.allCases {
            let limit = specification(source, level: 0.3).cpuLimit
            let hasSetting = [.cpu, .memoryBandwidth, .memoryCapacity].contains(source)
            #expect(limit == (hasSetting ? nil : 0.6))
            #expect(specification(source, level: 1).cpuLimit == nil)
        }
    }

    /// stress-ng takes every option, and its workers do something until the time is over.
    @Test(.enabled(if: stressNG != nil), .serialized, arguments: StressSource.allCases)
    func stressNGTakesTheCommandLine(_ source: StressSource) throws {
        let process = Process()
        // A session of its own: stress-ng ends by killing its whole process group.
        process.executableURL = URL(filePath: "/usr/bin/setsid")
        var arguments = specification(source, level: 0.5, workers: 1).stressNGArguments
        if source == .memoryCapacity { arguments = specification(source, amount: 64).stressNGArguments }
        process.arguments = ["--wait", "timeout", "60", try #require(stressNG)] + arguments.filter { $0 != "--quiet" }
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        // Threads of the test's pool block signals, which children inherit, and stress-ng ends by SIGALRM.
        var (none, blocked) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &blocked)
        defer { pthread_sigmask(SIG_SETMASK, &blocked, nil) }
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("successful run completed"), "\(text)")
    }

    @Test func podsArePinnedLabelledAndEnd() throws {
        var specification = specification(.lastLevelCache, level: 0.25)
        specification.duration = 29.5
        let pod = try StressPod(
            specification, name: "stress-0", namespace: "berth-7", image: "localhost/bench:1",
            labels: ["berth.dev/episode": "7"])
        let text = try pod.manifest()
        let read = try JSONDecoder().decode(ReadPod.self, from: Data(text.utf8))
        #expect(read.kind == "Pod" && read.apiVersion == "v1")
        #expect(read.metadata.name == "stress-0" && read.metadata.namespace == "berth-7")
        #expect(
            read.metadata.labels == [
                "app.kubernetes.io/name": "stress-ng", "berth.dev/source": "lastLevelCache", "berth.dev/episode": "7",
            ])
        #expect(read.spec.nodeName == "node0" && read.spec.nodeSelector == nil)
        #expect(read.spec.restartPolicy == "Never" && read.spec.activeDeadlineSeconds == 60)
        let container = try #require(read.spec.containers.first)
        let command = "stress-ng --cache 2 --cache-level 3 --timeout 30s --temp-path /tmp --quiet"
        #expect(container.command.joined(separator: " ") == command)
        // A quarter of two cores; the smallest request, since none would become the limit.
        #expect(container.resources == ["limits": ["cpu": "500m"], "requests": ["cpu": "1m"]])
        #expect(try pod.manifest() == text)
    }

    @Test func podsRequestWhatIsSaidOrNothing() throws {
        var specification = specification(.cpu, level: 1)
        let silent = try StressPod(specification, name: "a", namespace: "b", image: "c").manifest()
        #expect(!silent.contains("requests") && !silent.contains("limits"))
        (specification.cpuRequest, specification.memoryRequest) = (0.25, 100)
        specification.node = ""
        specification.nodeSelector = ["berth.dev/role": "load"]
        let loud = try StressPod(specification, name: "a", namespace: "b", image: "c").manifest()
        #expect(loud.contains("\"cpu\" : \"250m\"") && loud.contains("\"memory\" : \"100Mi\""))
        #expect(loud.contains("\"berth.dev/role\" : \"load\"") && !loud.contains("nodeName"))
    }

    @Test func whatKubernetesWouldRefuseIsAnError() {
        let specification = specification(.cpu, level: 1)
        for name in ["", "Stress", "a_b", "-a", String(repeating: "a", count: 64)] {
            #expect(throws: SettingsError.self) {
                try StressPod(specification, name: name, namespace: "b", image: "c")
            }
        }
        for labels in [["berth.dev/source": "x"], ["a b": "x"], ["a": "x y"], ["a/b/c": "x"]] {
            #expect(throws: SettingsError.self) {
                try StressPod(specification, name: "a", namespace: "b", image: "c", labels: labels)
            }
        }
    }

    @Test(arguments: [
        ("{source: cpu, node: a}", "level"), ("{source: cpu, node: a, level: 1, amount: 1}", "level"),
        ("{source: cpu, node: a, level: 0}", "level"), ("{source: cpu, node: a, level: 1.1}", "level"),
        ("{source: l1d, node: a, amount: 3}", "amount"), ("{source: cpu, node: a, amount: 1.5}", "amount"),
        ("{source: llc, node: a, level: 1}", "source"), ("{source: cpu, level: 1}", "node"),
        ("{source: cpu, level: 1, node: a, nodeSelector: {b: c}}", "node"),
        ("{source: cpu, level: 1, node: a, duration: 0}", "duration"),
        ("{source: cpu, level: 1, node: a, start: -1}", "start"),
        ("{source: disk, level: 0.5, node: a, cpuRequest: 0.6}", "cpuRequest"),
        ("{source: cpu, level: 1, node: a, intensity: 2}", "intensity"),
    ])
    func specificationsThatMakeNoSenseAreRefused(_ text: String, _ key: String) {
        let error = #expect(throws: SettingsError.self) {
            try InterferencePlan.decode(yaml: "interference: [\(text)]", file: "plan.yaml")
        }
        #expect(error?.key == "interference[0].\(key)")
        #expect(error?.file == "plan.yaml" && error?.line == 1)
    }

    @Test func plansStartEachOnce() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../configs/interference/sweep.yaml").path
        let plan = try InterferencePlan.load(from: file)
        #expect(Set(plan.interference.map(\.source)) == Set(StressSource.allCases))
        var started: [Int] = []
        for step in 0..<60 { started += plan.starting(in: Double(step) * 10..<Double(step + 1) * 10) }
        #expect(started == Array(plan.interference.indices))
        #expect(plan.starting(in: 50..<51) == [1] && plan.starting(in: 49..<50) == [])
        for (index, specification) in plan.interference.enumerated() {
            let name = "stress-\(index)-\(specification.source.hyphenated)"
            #expect(try StressPod(specification, name: name, namespace: "a", image: plan.image).manifest().count > 100)
        }
    }
}

/// What stress pods take, as the simulator plays them.
@Suite struct StressCostTests {
    private func job(_ source: StressSource, level: Double? = nil, amount: Double? = nil) -> BatchJob? {
        var specification = InterferenceSpecification()
        (specification.source, specification.level, specification.amount) = (source, level, amount)
        (specification.workers, specification.cpuRequest, specification.duration) = (2, 0.1, 60)
        var cost = StressCost()
        (cost.cacheMiB, cost.bandwidthCores) = (20, 0.4)
        return cost.job(specification, nodeMemory: 8e9)
    }

    @Test func levelsAndAmountsBecomeJobs() throws {
        #expect(try #require(job(.cpu, level: 0.5)).cores == 1)
        #expect(try #require(job(.cpu, amount: 1.5)).cores == 1.5)
        let cache = try #require(job(.lastLevelCache, level: 0.25))
        #expect(cache.cores == 0.5 && cache.cache == 20 * 1_048_576)
        // Two workers of 4,000 MB/s each at level 1.
        let stream = try #require(job(.memoryBandwidth, level: 0.5))
        #expect(stream.memoryBandwidth == 4e9 && abs(stream.cores - 0.4) < 1e-12)
        #expect(try #require(job(.memoryBandwidth, amount: 2000)).memoryBandwidth == 2e9)
        #expect(try #require(job(.memoryCapacity, level: 0.5)).memory == 1e9)
        #expect(try #require(job(.memoryCapacity, amount: 512)).memory == 512 * 1_048_576)
        for job in [cache, stream] { #expect(job.requestedCores == 0.1 && job.duration == 60) }
        for source in [StressSource.l1d, .l1i, .network, .disk] { #expect(job(source, level: 1) == nil) }
    }
}
