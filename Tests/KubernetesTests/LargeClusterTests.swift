import Foundation
import Synchronization
import Testing

/// A server of many nodes and pods whose texts are made as they are sent.
private final class LargeCluster: Sendable {
    let nodes: Int
    let pods: Int
    /// Changes that the first watch of the pods brings before it expires, and again the second.
    let changes: Int
    private let parts: [[UInt8]]
    private let watches = Atomic(0)

    init(nodes: Int, pods: Int, changes: Int) throws {
        self.nodes = nodes
        self.pods = pods
        self.changes = changes
        parts = try Self.template()
    }

    /// A recorded pod of 1.36, with what a kubelet adds once it runs, cut where its name, uid, version and node belong.
    private static func template() throws -> [[UInt8]] {
        let line = try #require(try fixture("watch-pods.jsonl").split(separator: UInt8(ascii: "\n")).first)
        let event = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        var pod = try #require(event["object"] as? [String: Any])
        var metadata = try #require(pod["metadata"] as? [String: Any])
        metadata["name"] = "CUTname"
        metadata["uid"] = "CUTuid"
        metadata["resourceVersion"] = "CUTversion"
        metadata["labels"] = [
            "app.kubernetes.io/name": "web-frontend", "app.kubernetes.io/instance": "web-frontend-production",
            "app.kubernetes.io/managed-by": "continuous-delivery", "pod-template-hash": "CUTset",
            "topology.kubernetes.io/zone": "eu-central-1a",
        ]
        metadata["ownerReferences"] = [
            [
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-frontend-CUTset",
                "uid": "07dfef69-f74c-4ca8-a52b-7640705ff977", "controller": true, "blockOwnerDeletion": true,
            ]
        ]
        var status: [String: Any] = ["f:phase": [String: String](), "f:podIP": [String: String]()]
        for condition in ["Initialized", "Ready", "ContainersReady", "PodScheduled"] {
            status["k:{\"type\":\"\(condition)\"}"] =
                [
                    ".": [:], "f:lastProbeTime": [:], "f:lastTransitionTime": [:], "f:status": [:], "f:type": [:],
                ] as [String: [String: String]]
        }
        let kubelet: [String: Any] = [
            "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-11-21T01:29:34Z",
            "fieldsType": "FieldsV1", "fieldsV1": ["f:status": status], "subresource": "status",
        ]
        metadata["managedFields"] = (metadata["managedFields"] as? [Any] ?? []) + [kubelet]
        pod["metadata"] = metadata
        var specification = try #require(pod["spec"] as? [String: Any])
        specification["nodeName"] = "node-CUTnode"
        pod["spec"] = specification
        pod["status"] =
            [
                "phase": "Running", "podIP": "10.244.17.33", "startTime": "2026-11-21T01:29:25Z",
                "qosClass": "Burstable",
                "conditions": ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map {
                    ["type": $0, "status": "True", "lastTransitionTime": "2026-11-21T01:29:34Z"]
                },
                "containerStatuses": ["nginx", "wrk"].map { name in
                    [
                        "name": name, "ready": true, "restartCount": 0, "image": "registry.example.org/\(name):1.21",
                        "imageID": "registry.example.org/\(name)@sha256:" + String(repeating: "0f", count: 32),
                        "containerID": "containerd://" + String(repeating: "a7", count: 32),
                        "state": ["running": ["startedAt": "2026-11-21T01:29:33Z"]],
                    ] as [String: Any]
                },
            ] as [String: Any]
        let text = String(
            decoding: try JSONSerialization.data(withJSONObject: pod, options: .sortedKeys), as: UTF8.self)
        return text.components(separatedBy: "CUT").map { Array($0.utf8) }
    }

    /// Bytes of one pod.
    var podBytes: Int { pod(0, version: 1).count }

    func pod(_ index: Int, version: Int, name: String? = nil) -> [UInt8] {
        let values: [(word: String, value: String)] = [
            ("name", name ?? "web-frontend-\(index / 10)-\(index)"),
            ("uid", "948c5654-c0b8-4027-a983-\(String(1_000_000_000_000 + index))"), ("version", "\(version)"),
            ("set", "\(index / 10)"), ("node", "\(index % nodes)"),
        ]
        var text = parts[0]
        for part in parts.dropFirst() {
            for (word, value) in values where part.starts(with: word.utf8) {
                text += value.utf8
                text += part.dropFirst(word.utf8.count)
            }
        }
        return text
    }

    private func node(_ index: Int) -> [UInt8] {
        let images = (0..<40).map {
            #"{"names":["registry.example.org/service-\#($0)@sha256:0f0f","registry.example.org/service-\#($0):1.\#($0)"],"sizeBytes":123456}"#
        }
        return Array(
            """
            {"metadata":{"name":"node-\(index)","uid":"n\(index)","resourceVersion":"\(index + 1)","labels":{
            "kubernetes.io/hostname":"node-\(index)","node.kubernetes.io/instance-type":"m6i.4xlarge",
            "topology.kubernetes.io/zone":"eu-central-1\(index % 3)","kubernetes.io/arch":"amd64"}},
            "spec":{"podCIDR":"10.244.0.0/24"},"status":{"allocatable":{"cpu":"15890m","memory":"61847Mi","pods":"110"},
            "conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True"}],
            "images":[\(images.joined(separator: ","))]}}
            """.utf8)
    }

    func answer(_ request: ScriptedServer.Request) -> [ScriptedServer.Step] {
        let isNodes = request.path == "/api/v1/nodes"
        if !request.isWatch {
            return isNodes
                ? list(request, nodes) { self.node($0) } : list(request, pods) { self.pod($0, version: 1) }
        }
        if isNodes { return [.hold] }
        let round = watches.add(1, ordering: .relaxed).newValue
        let next = Atomic(0)
        let events: ScriptedServer.Step = .generate { [self] in
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < changes else { return nil }
            let number = (index &* 7_919) % pods
            return Array(#"{"type":"MODIFIED","object":"#.utf8) + pod(number, version: 2 + index) + Array("}\n".utf8)
        }
        let head = ScriptedServer.Step.send(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
        // The first watch ends as expired, so that everything is listed again beside what is held.
        let expired = #"{"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410}}"#
        var last = Array((expired + "\n").utf8)
        if round > 1 {
            last = Array(#"{"type":"ADDED","object":"#.utf8) + pod(0, version: 9_999_999, name: "the-end")
            last += "}\n".utf8
        }
        return [head, events, .send(last), .hold]
    }

    private func list(
        _ request: ScriptedServer.Request, _ count: Int, _ object: @escaping @Sendable (Int) -> [UInt8]
    ) -> [ScriptedServer.Step] {
        let start = request.query["continue"].flatMap(Int.init) ?? 0
        let end = min(start + (request.query["limit"].flatMap(Int.init) ?? count), count)
        let next = Atomic(start)
        let rest = end < count ? #","continue":"\#(end)""# : ""
        return [
            .send(Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8)),
            .send(Array(#"{"metadata":{"resourceVersion":"1"\#(rest)},"items":["#.utf8)),
            .generate {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < end else { return nil }
                return object(index) + (index + 1 < end ? [UInt8(ascii: ",")] : [])
            },
            .send(Array("]}".utf8)),
        ]
    }
}

@Suite struct LargeClusterTests {
    private struct Figures: Decodable {
        var nodes: Int
        var pods: Int
        var changes: Int
        var lists: Int
        var peakKB: Int
        var residentKB: Int
    }

    /// 5,000 nodes and 50,000 pods are followed through a list, a watch and a second list within 500 MB of memory.
    /// The follower is a program of its own, so that its memory is not that of the tests.
    @Test func followsALargeClusterInLittleMemory() async throws {
        let cluster = try LargeCluster(nodes: 5_000, pods: 50_000, changes: 50_000)
        #expect((3_000...6_000).contains(cluster.podBytes))
        let server = try ScriptedServer { request, _ in cluster.answer(request) }
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "FollowCluster")
        let output: Data = try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        let pipe = Pipe()
                        process.executableURL = program
                        process.arguments = [server.url]
                        process.standardOutput = pipe
                        process.standardError = FileHandle.nullDevice
                        try process.run()
                        let output = pipe.fileHandleForReading.readDataToEndOfFile()
                        process.waitUntilExit()
                        return output
                    })
            }.start()
        }
        let figures = try JSONDecoder().decode(Figures.self, from: output)
        print(
            "5,000 nodes and 50,000 pods of \(cluster.podBytes) bytes: \(figures.peakKB / 1_000) MB at the peak, "
                + "\(figures.residentKB / 1_000) MB in the end")
        #expect(figures.nodes == 5_000 && figures.pods == 50_001 && figures.lists == 2)
        #expect(figures.changes >= 150_000)
        #expect((10_000...500_000).contains(figures.peakKB))
    }
}
