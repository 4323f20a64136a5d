import Foundation
import Kubernetes
import Logging
import Randomness
import Synchronization

/// Lists and watches the nodes and pods of a cluster and says how much memory that takes.
///
///     FollowCluster SERVER
///
/// Follows until a pod named "the-end" appears, then prints one line of JSON: how many nodes and pods are in the
/// stores, how many changes came, how often the pods were listed, and the process' resident memory in kB, at its peak
/// and now (`VmHWM` and `VmRSS` of /proc/self/status).
@main
struct FollowCluster {
    static func main() async throws {
        guard CommandLine.arguments.count == 2 else {
            FileHandle.standardError.write(Data("usage: FollowCluster SERVER\n".utf8))
            exit(2)
        }
        let client = try APIClient(access: ClusterAccess(server: CommandLine.arguments[1]))
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let counts = Counts()
        let nodes = ObjectStore<Kubernetes.Node>()
        let pods = ObjectStore<Pod> { change in
            counts.changes.add(1, ordering: .relaxed)
            if case .added(let pod) = change, pod.metadata.name == "the-end" { end.yield() }
        }
        let logger = Logger(label: "follow-cluster", factory: { StreamLogHandler.standardError(label: $0) })
        let followNodes = Reflector(
            store: nodes, client: client, generator: RandomGenerator(seed: 1), logger: logger)
        let followPods = Reflector(
            store: pods, client: client, generator: RandomGenerator(seed: 2), logger: logger,
            observe: { if case .listed = $0 { counts.lists.add(1, ordering: .relaxed) } })
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await followNodes.run() }
            group.addTask { await followPods.run() }
            for await _ in ends {
                if nodes.hasSynced { break }
            }
            group.cancelAll()
        }
        let memory = try memory()
        print(
            #"{"nodes":\#(nodes.count),"pods":\#(pods.count),"changes":\#(counts.changes.load(ordering: .relaxed)),"#
                + #""lists":\#(counts.lists.load(ordering: .relaxed)),"peakKB":\#(memory.peak),"residentKB":\#(memory.now)}"#
        )
    }

    private static func memory() throws -> (peak: Int, now: Int) {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        func figure(_ name: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? -1
        }
        return (figure("VmHWM"), figure("VmRSS"))
    }
}

/// What was seen, counted on the reflectors' tasks.
private final class Counts: Sendable {
    let changes = Atomic(0)
    let lists = Atomic(0)
}
