import Windows
import Watching
import Cluster
import Extender
import Foundation
import Hummingbird
import HummingbirdTesting
import Kubernetes
import NIOCore
import TestServers
import Testing

/// An API server on loopback with two nodes, one pod, one event and cadvisor; beside it, under /machine/NODE, what the
/// nodes' node-exporter says, and a count of what was asked of their machines.
private func makeAPIServer(
    scrapes: Box<Int>, isOver: Box<Bool>, machineRequests: Box<Int>
) throws -> some ApplicationProtocol {
    let nodes = try fixture("list-nodes-limit-2.json")
    let pods = ByteBuffer(
        string: """
            {"metadata":{"resourceVersion":"5"},"items":[
            {"metadata":{"name":"old","namespace":"default","uid":"old","resourceVersion":"4"},
            "spec":{"nodeName":"worker-1","containers":[]}}]}
            """)
    let event = ByteBuffer(
        string: #"{"type":"ADDED","object":{"metadata":{"name":"new","namespace":"default","uid":"new","#
            + #""resourceVersion":"6"},"spec":{"nodeName":"worker-0","containers":[]}}}"# + "\n")

    /// A watch that sends one event, if any, and then nothing until the test is over.
    @Sendable func watch(_ event: ByteBuffer?) -> Response {
        Response(
            status: .ok,
            body: ResponseBody { writer in
                if let event { try await writer.write(event) }
                while !isOver.value { try await Task.sleep(for: .milliseconds(20)) }
                try await writer.finish(nil)
            })
    }

    let start = Int(Date().timeIntervalSince1970 * 1_000) - 100_000
    let router = Router()
    router.get("api/v1/nodes") { request, _ -> Response in
        if request.uri.queryParameters["watch"] != nil { return watch(nil) }
        // The recorded list is the first of two pages.
        if request.uri.queryParameters["continue"] != nil {
            return Response(
                status: .ok,
                body: ResponseBody(
                    byteBuffer: ByteBuffer(string: #"{"metadata":{"resourceVersion":"330"},"items":[]}"#)))
        }
        return Response(status: .ok, body: ResponseBody(byteBuffer: nodes))
    }
    router.get("api/v1/pods") { request, _ -> Response in
        request.uri.queryParameters["watch"] != nil
            ? watch(event) : Response(status: .ok, body: ResponseBody(byteBuffer: pods))
    }
    router.get("api/v1/nodes/:node/proxy/metrics/cadvisor") { _, context -> Response in
        guard context.parameters.get("node") == "worker-0" else { return Response(status: .forbidden) }
        scrapes.value += 1
        // A quarter of a core, by cadvisor's own clock, which knows nothing of how long the scrapes take.
        let time = start + 10_000 * scrapes.value
        let text = """
            container_cpu_usage_seconds_total{cpu="total",id="/testbed-worker-0",pod=""} \(2.5 * Double(scrapes.value)) \(time)
            container_cpu_usage_seconds_total{cpu="total",id="/",pod=""} 99999 \(time)

            """
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
    router.get("machine/:node/metrics") { _, _ -> Response in
        machineRequests.value += 1
        let text = """
            node_cpu_seconds_total{cpu="0",mode="user"} \(machineRequests.value)
            node_memory_MemAvailable_bytes 1000
            node_memory_MemTotal_bytes 4000

            """
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
    router.get("machine/:node/persecond/20") { _, _ -> Response in
        machineRequests.value += 1
        return Response(status: .ok)
    }
    return Application(
        router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)))
}

@Suite struct WatchingTests {
    /// The whole way: lists, watches and scrapes an API server, becomes ready, and answers by what it saw.
    @Test func watchesAClusterAndAnswers() async throws {
        let scrapes = Box(0)
        let isOver = Box(false)
        let seen = Box<ClusterSnapshot?>(nil)
        let policy = FunctionPolicy { node, _, snapshot in
            seen.value = snapshot
            return node.name == "worker-1" ? 1 : 0.5
        }
        let machineRequests = Box(0)
        let change: @Sendable (inout ExtenderSettings) -> Void = {
            $0.telemetry.interval = 0.05
            $0.telemetry.maximumAge = 3_600
            $0.telemetry.nodeCgroup = "/testbed-{node}"
        }
        let scorer = try makeScorer(nodes: [], policy: policy, settings: change, isListed: false)
        try await makeAPIServer(scrapes: scrapes, isOver: isOver, machineRequests: machineRequests).test(.live) { api in
            let port = try #require(api.port)
            let client = try APIClient(access: ClusterAccess(server: "http://127.0.0.1:\(port)"))
            let server = makeServer(scorer) {
                change(&$0)
                $0.telemetry.pcm.url = "http://127.0.0.1:\(port)/machine/{node}"
                $0.telemetry.nodeExporter.url = "http://127.0.0.1:\(port)/machine/{node}/metrics"
            }
            try await server.application(watching: client).test(.live) { extender in
                var isReady = false
                for _ in 0..<1_500 where !isReady {
                    isReady = try await extender.execute(uri: "/readyz", method: .get) { $0.status == .ok }
                    if isReady, scorer.size.pods < 2 || scorer.size.measured < 1 { isReady = false }
                    if !isReady { try await Task.sleep(for: .milliseconds(20)) }
                }
                #expect(isReady)
                let body = request("p", ["worker-0", "worker-1", "worker-9"])
                try await extender.execute(uri: "/prioritize", method: .post, body: body) { response in
                    let found = try scores(response.body)
                    #expect(found == ["worker-0": 5, "worker-1": 10, "worker-9": 9])
                }
                try await extender.execute(uri: "/metrics", method: .get) { response in
                    let text = String(buffer: response.body)
                    #expect(text.contains("berth_reflector_lists_total{kind=\"Node\"} 1\n"))
                    #expect(text.contains("berth_extender_ready 1\n"))
                    #expect(!text.contains("berth_telemetry_scrapes_total{result=\"failed\"} 0\n"))
                }
            }
            isOver.value = true
        }
        let snapshot = try #require(seen.value)
        #expect(snapshot.nodes.map(\.name) == ["worker-0", "worker-1"])
        #expect(snapshot.nodes.map(\.podCount) == [1, 1])
        let usage = try #require(snapshot.nodes[0].cpuUsage)
        #expect(abs(usage.value - 0.25) < 0.01)
        // The kubelet of the other could not be asked: missing, not idle. And since both share a machine, what it does
        // was not asked for: it would not be a node's.
        #expect(snapshot.nodes[1].cpuUsage == nil && snapshot.nodes[1].memoryUsage == nil)
        #expect(machineRequests.value == 0)
    }

    /// A node whose kubelet does not answer is measured by its node-exporter.
    @Test func aNodeExporterStandsInForAKubelet() async throws {
        let isOver = Box(false)
        let machineRequests = Box(0)
        let seen = Box<ClusterSnapshot?>(nil)
        let policy = FunctionPolicy { _, _, snapshot in
            seen.value = snapshot
            return 1
        }
        let api = try makeAPIServer(scrapes: Box(0), isOver: isOver, machineRequests: machineRequests)
        try await api.test(.live) { api in
            let port = try #require(api.port)
            let address = "http://127.0.0.1:\(port)"
            let change: @Sendable (inout ExtenderSettings) -> Void = {
                $0.telemetry.interval = 0.05
                $0.telemetry.maximumAge = 3_600
                $0.telemetry.nodeExporter.url = "\(address)/machine/{node}/metrics"
            }
            let scorer = try makeScorer(nodes: [], policy: policy, settings: change, isListed: false)
            let client = try APIClient(access: ClusterAccess(server: address))
            let server = makeServer(scorer, settings: change)
            try await server.application(watching: client).test(.live) { _ in
                var isMeasured = false
                for _ in 0..<1_500 where !isMeasured {
                    isMeasured = scorer.hasSynced && scorer.size.measured == 2
                    if !isMeasured { try await Task.sleep(for: .milliseconds(20)) }
                }
                #expect(isMeasured)
                _ = scorer.score(try makePod("p"), on: ["worker-0", "worker-1"])
            }
            isOver.value = true
        }
        let snapshot = try #require(seen.value)
        #expect(snapshot.nodes.map(\.name) == ["worker-0", "worker-1"])
        #expect(snapshot.nodes[1].memoryUsage?.value == 3_000)
        #expect((snapshot.nodes[1].cpuUsage?.value ?? 0) > 0)
    }
}
