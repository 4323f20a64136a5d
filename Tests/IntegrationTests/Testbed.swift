import Foundation

/// The two-node Kubernetes of scripts/testbed.
struct Testbed {
    /// The repository's root.
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// `berth`, built beside the test bundle that is running.
    static let berth = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("berth").path

    private static let script = repository.appendingPathComponent("scripts/testbed/testbed.sh").path

    /// Why this machine cannot run the testbed; `nil` when it can, or when that itself could not be found out.
    static let obstacle: String? = {
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: script)
        process.arguments = ["check"]
        process.standardError = errors
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 3 ? text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }()

    /// Path of the administrator's kubeconfig.
    let kubeconfig: String

    /// Starts the testbed for `body` and takes it down after it, whatever happens. What runs is printed on a failure.
    static func borrow(_ body: (Testbed) async throws -> Void) async throws {
        let lease = try await TestbedLease.acquire()
        do {
            try await body(try await start())
        } catch {
            print(await report())
            try? await stop()
            try? lease.release()
            throw error
        }
        try await stop()
        try lease.release()
    }

    /// Starts it, from a clean state. The first time on a machine this builds Kubernetes, for about 10 minutes.
    static func start() async throws -> Testbed {
        try await Shell.run([script, "down"])
        try await Shell.run([script, "build"], seconds: 3600)
        let path = try await Shell.run([script, "up"], seconds: 240)
        return Testbed(kubeconfig: path.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Stops it and removes all it made.
    static func stop() async throws {
        try await Shell.run([script, "down"])
    }

    /// Takes the API server away for good, or brings it back.
    static func apiServer(_ verb: String) async throws {
        try await Shell.run([script, "api-server", verb])
    }

    /// What runs, and the last words of the extender and of the one before it, for a failure's report.
    static func report() async -> String {
        let path = try? await Shell.run([script, "kubeconfig"])
        let testbed = Testbed(kubeconfig: (path ?? "").trimmingCharacters(in: .whitespacesAndNewlines))
        let pods = ["get", "pods", "--all-namespaces", "-o", "wide"]
        let logs = ["-n", "berth-system", "logs", "deployment/berth", "--tail=40"]
        let events = ["get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"]
        var text = ""
        for arguments in [pods, logs, logs + ["--previous"], events] {
            text += (try? await testbed.run(["kubectl"] + arguments, seconds: 20).suffix(6000)) ?? ""
        }
        return text
    }

    /// Runs a program against the cluster and returns what it printed.
    @discardableResult
    func run(_ command: [String], seconds: Int = 120) async throws -> String {
        try await Shell.run(command, environment: ["KUBECONFIG": kubeconfig, "NO_PROXY": "*"], seconds: seconds)
    }

    /// Runs `kubectl` and returns what it printed.
    @discardableResult
    func kubectl(_ arguments: String...) async throws -> String {
        try await run(["kubectl"] + arguments)
    }

    /// Applies manifests given as text.
    func apply(_ manifests: String) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("berth-\(UUID().uuidString).yaml")
        try manifests.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try await kubectl("apply", "-f", file.path)
    }

    /// Packs the built `berth` with a policy into localhost/berth:dev on every node.
    func importImage(policy: String) async throws {
        let script = Self.repository.appendingPathComponent("scripts/testbed/image.sh").path
        let archive = FileManager.default.temporaryDirectory.appendingPathComponent("berth-\(UUID().uuidString).tar")
        defer { try? FileManager.default.removeItem(at: archive) }
        try await run([script, policy, "--binary", Self.berth, "--out", archive.path])
    }

    /// The node of every pod with this label that is not being deleted, and its address.
    func placements(of label: String) async throws -> [Placement] {
        struct List: Decodable {
            struct Item: Decodable {
                struct Metadata: Decodable { var name: String; var deletionTimestamp: String? }
                struct Spec: Decodable { var nodeName: String?; var schedulerName: String }
                struct Status: Decodable { var podIP: String? }
                var metadata: Metadata
                var spec: Spec
                var status: Status
            }
            var items: [Item]
        }
        let text = try await kubectl("get", "pods", "--all-namespaces", "-l", label, "-o", "json")
        return try JSONDecoder().decode(List.self, from: Data(text.utf8)).items
            .filter { $0.metadata.deletionTimestamp == nil }
            .map {
                Placement(
                    pod: $0.metadata.name, node: $0.spec.nodeName, scheduler: $0.spec.schedulerName,
                    address: $0.status.podIP)
            }
    }

    /// Waits until no pod with this label is left, for at most 60 s.
    func waitUntilGone(_ label: String) async throws {
        for _ in 0..<120 {
            let names = try await kubectl("get", "pods", "--all-namespaces", "-l", label, "-o", "name")
            if names.isEmpty { return }
            try await Task.sleep(for: .milliseconds(500))
        }
        throw Lingering(label: label)
    }

    /// Pods that do not end.
    struct Lingering: Error, CustomStringConvertible {
        var label: String
        var description: String { "pods with the label \(label) are still there after 60 s" }
    }

    /// Where a pod is.
    struct Placement {
        var pod: String
        var node: String?
        var scheduler: String
        var address: String?
    }
}
