import Foundation
import Testing

/// The scripts of scripts/minikube with docker, minikube and kubectl replaced by replies from files.
@Suite struct MinikubeTests {
    private struct Run {
        var status: Int32
        var output: String
        var errors: String
        /// The calls, in order, each followed by what it was given on standard input.
        var log: [String]

        /// What the first call that contains `text` was given on standard input.
        func input(of text: String) -> [String] {
            guard let call = log.firstIndex(where: { $0.contains(text) }) else { return [] }
            return log[(call + 1)...].prefix { $0.hasPrefix("  | ") }.map { String($0.dropFirst(4)) }
        }
    }

    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    private static let scripts = tests.appending(path: "../../scripts/minikube")

    /// Runs a script with the replies of a file, those of `overrides` before them.
    private func run(
        _ script: String, replies: String, overrides: String = "", without missing: String? = nil
    ) throws -> Run {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-minikube-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let fixtures = Self.tests.appending(path: "Fixtures")
        for command in ["docker", "minikube", "kubectl"] where command != missing {
            let file = folder.appending(path: command)
            try FileManager.default.copyItem(at: fixtures.appending(path: "replay.sh"), to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
        // Only what the scripts are meant to use, so that no docker of the machine's own is ever called.
        let tools = "awk basename bash comm cut dirname env grep head sed seq sleep sort tail tr wc"
        for tool in tools.split(separator: " ") {
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: String(tool)).path, withDestinationPath: "/usr/bin/\(tool)")
        }
        let recorded = try String(contentsOf: fixtures.appending(path: "minikube/\(replies).txt"), encoding: .utf8)
        let replyFile = folder.appending(path: "replies")
        try (overrides + recorded).write(to: replyFile, atomically: true, encoding: .utf8)
        let log = folder.appending(path: "log")
        try Data().write(to: log)

        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [Self.scripts.appending(path: script).path]
        process.environment = [
            "PATH": folder.path, "REPLAY_LOG": log.path, "REPLAY_REPLIES": replyFile.path, "BERTH_MINIKUBE_PAUSE": "0",
            "BERTH_MINIKUBE_TRIES": "3",
        ]
        let (output, errors) = (folder.appending(path: "output"), folder.appending(path: "errors"))
        for file in [output, errors] { try Data().write(to: file) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Run(
            status: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8),
            log: try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init))
    }

    @Test func upStartsTwoPinnedNodes() throws {
        let run = try run("up.sh", replies: "fresh")
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.log.contains(
                "minikube --profile berth start --driver docker --nodes 2 --cpus 3 --memory 3072"
                    + " --container-runtime containerd --extra-config kube-proxy.mode=ipvs"))
        #expect(run.log.contains("docker update --cpuset-cpus 0-2 berth"))
        #expect(run.log.contains("docker update --cpuset-cpus 3-5 berth-m02"))
        #expect(run.log.contains("minikube --profile berth addons enable metrics-server"))
        for (index, node) in ["berth", "berth-m02"].enumerated() {
            let label = "kubectl --context berth label --overwrite node \(node) berth.dev/node=node\(index) nginx=true"
            #expect(run.log.contains(label))
        }
    }

    /// The reserved CPUs are the complement of the node's own; the rest of the kubelet's file stays.
    @Test func upReservesAllButTheNodesOwnCPUs() throws {
        let run = try run("up.sh", replies: "fresh")
        for (node, reserved) in [("berth", "3-7"), ("berth-m02", "0-2,6-7")] {
            let written = run.input(of: "docker exec -i \(node) tee /var/lib/kubelet/config.yaml")
            #expect(written.suffix(2) == ["cpuManagerPolicy: static", "reservedSystemCPUs: \"\(reserved)\""])
            #expect(written.contains("cpuManagerReconcilePeriod: 0s") && written.contains("  webhook:"))
            #expect(written.count == 19 + 2)
            // A kubelet that runs would write its old state again.
            let order = ["stop kubelet", "tee", "rm -f /var/lib/kubelet/cpu_manager_state", "start kubelet"]
            let calls = run.log.filter { $0.contains("exec") && $0.contains(" \(node) ") }
            let positions = order.compactMap { step in calls.firstIndex { $0.contains(step) } }
            #expect(positions.count == 4 && positions == positions.sorted())
        }
    }

    @Test func upLeavesAPinnedKubeletAlone() throws {
        let pinned = """
            ### 0 docker exec berth cat /var/lib/kubelet/config.yaml
            kind: KubeletConfiguration
            cpuManagerPolicy: static
            reservedSystemCPUs: "3-7"

            """
        let run = try run("up.sh", replies: "fresh", overrides: pinned)
        #expect(run.status == 0, "\(run.errors)")
        #expect(!run.log.contains { $0.contains("exec berth systemctl") || $0.contains("-i berth tee") })
        #expect(run.log.contains("docker exec berth-m02 systemctl start kubelet"))
    }

    @Test func upReplacesOtherReservations() throws {
        let other = """
            ### 0 docker exec berth cat /var/lib/kubelet/config.yaml
            kind: KubeletConfiguration
            cpuManagerPolicy: none
            reservedSystemCPUs: 6-7

            """
        let run = try run("up.sh", replies: "fresh", overrides: other)
        #expect(
            run.input(of: "-i berth tee") == [
                "kind: KubeletConfiguration", "cpuManagerPolicy: static", "reservedSystemCPUs: \"3-7\"",
            ])
    }

    @Test func upFailsWhereAKubeletKeepsOfferingAllCPUs() throws {
        let offer = "### 0 kubectl --context berth get node berth-m02 -o jsonpath=*\n8\n"
        let run = try run("up.sh", replies: "fresh", overrides: offer)
        #expect(run.status == 1)
        #expect(run.errors.contains("berth-m02 still offers 8 CPUs"))
    }

    @Test(arguments: [
        ("### 0 docker info *\n4 33560846336 2\n", "2 nodes of 3 CPUs need 6, docker has 4"),
        ("### 0 docker info *\n8 4294967296 2\n", "need more memory than docker's 4096 MB"),
        ("### 0 docker info *\n8 33560846336 1\n", "it needs cgroup v2, docker uses v1"),
        (
            "### 1 docker info *\nCannot connect to the Docker daemon. Is the docker daemon running?\n",
            "Is the docker daemon running?"
        ),
    ])
    func machinesThatCannotRunItAreRefused(_ reply: String, _ reason: String) throws {
        for script in ["up.sh", "verify.sh"] {
            let run = try run(script, replies: "fresh", overrides: reply)
            #expect(run.status == 3)
            #expect(run.errors.contains(reason))
            #expect(run.log.count == 1)
        }
    }

    @Test func missingCommandsAreNamed() throws {
        let run = try run("up.sh", replies: "fresh", without: "minikube")
        #expect(run.status == 3)
        #expect(run.errors.contains("there is no minikube on the PATH"))
    }

    @Test func downDeletesTheProfile() throws {
        let run = try run("down.sh", replies: "fresh")
        #expect(run.status == 0 && run.log == ["minikube --profile berth delete"])
    }

    @Test func verifyAcceptsWhatUpMade() throws {
        let run = try run("verify.sh", replies: "pinned")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        let lines = run.output.split(separator: "\n")
        #expect(lines.count == 28 && lines.allSatisfy { $0.hasPrefix("ok    ") }, "\(run.output)")
        // The pod that checks is Guaranteed by its limits, with one whole CPU, and is gone afterwards.
        let pod = run.input(of: "apply -f -")
        #expect(pod.contains("      resources: {limits: {cpu: \"1\", memory: 32Mi}}"))
        #expect(pod.contains("  nodeSelector: {kubernetes.io/hostname: berth}"))
        #expect(run.log.contains("kubectl --context berth delete pod cpu-check-berth-m02 --now"))
    }

    /// What goes wrong, and the checks that see it.
    @Test(arguments: [
        // Both nodes reserve 6-7 only: each may then hand out the other's CPUs.
        (
            "### 0 docker exec berth cat /var/lib/kubelet/config.yaml\ncpuManagerPolicy: static\n"
                + "reservedSystemCPUs: 6-7\n"
                + "### 0 kubectl --context berth get --raw /api/v1/nodes/berth/proxy/configz\n"
                + "{\"kubeletconfig\":{\"cpuManagerPolicy\":\"static\",\"reservedSystemCPUs\":\"6-7\"}}\n"
                + "### 0 kubectl --context berth get node berth -o jsonpath={.status.allocatable.cpu}\n6\n"
                + "### 0 kubectl --context berth logs cpu-check-berth\nCpus_allowed_list:\t4\n",
            [
                "berth: reserved CPUs in the kubelet's file: expected 3-7, found 6-7",
                "berth: reserved CPUs of the running kubelet: expected 3-7, found 6-7",
                "berth: allocatable CPUs: expected 3, found 6",
                "berth: CPU of a pod with an exclusive one: expected 1 of 0-2, found 4",
            ]
        ),
        (
            "### 0 docker inspect --format {{.HostConfig.CpusetCpus}} berth-m02\n\n",
            ["berth-m02: CPUs of its container: expected 3-5, found nothing"]
        ),
        (
            "### 0 docker exec berth* curl *\niptables\n",
            [
                "berth: mode of kube-proxy: expected ipvs, found iptables",
                "berth-m02: mode of kube-proxy: expected ipvs, found iptables",
            ]
        ),
        // The kubelet without the static policy lets a Guaranteed pod run on all of the node's CPUs.
        (
            "### 0 kubectl --context berth logs cpu-check-berth-m02\nCpus_allowed_list:\t3-5\n",
            ["berth-m02: CPU of a pod with an exclusive one: expected 1 of 3-5, found 3-5"]
        ),
        (
            "### 1 kubectl --context berth wait *\nerror: timed out waiting for the condition\n",
            [
                "berth: CPU of a pod with an exclusive one: expected 1 of 0-2, found nothing",
                "berth-m02: CPU of a pod with an exclusive one: expected 1 of 3-5, found nothing",
            ]
        ),
        (
            "### 1 kubectl --context berth get --raw /apis/metrics.k8s.io/*\nError from server (NotFound)\n",
            ["metrics-server: nodes: expected 2, found 0"]
        ),
        (
            "### 1 kubectl --context berth get --raw /api/v1/namespaces/*\nError from server (ServiceUnavailable)\n",
            ["Prometheus: targets that answer: expected cadvisor=2 node-exporter=2, found nothing"]
        ),
    ])
    func verifyNamesWhatIsWrong(_ replies: String, _ failures: [String]) throws {
        let run = try run("verify.sh", replies: "pinned", overrides: replies)
        #expect(run.status == 1)
        let found = run.output.split(separator: "\n").filter { !$0.hasPrefix("ok    ") }.map { $0.dropFirst(6) }
        #expect(found == failures.map { $0[...] })
    }
}
