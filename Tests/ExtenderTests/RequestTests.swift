import Cluster
import Extender
import Foundation
import Hummingbird
import HummingbirdTesting
import Kubernetes
import NIOCore
import TestServers
import Testing

@Suite struct RequestTests {
    static let recorded = ["worker-0", "worker-1", "worker-2"]

    /// Requests recorded from a kube-scheduler 1.36, in both forms.
    @Test(arguments: ["prioritize-nodeCacheCapable-true.json", "prioritize-nodeCacheCapable-false.json"])
    func prioritizesRecordedRequests(_ file: String) async throws {
        let scorer = try makeScorer(nodes: Self.recorded, policy: FunctionPolicy.only("worker-1"))
        try await makeServer(scorer).application().test(.router) { client in
            try await client.execute(uri: "/prioritize", method: .post, body: fixture(file)) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json")
                let found = try scores(response.body)
                #expect(found == ["worker-0": 3, "worker-1": 10, "worker-2": 3])
            }
        }
    }

    @Test func aBrokenTransferIsRefusedOnce() async throws {
        try await makeServer(try makeScorer()).application().test(.live) { client in
            let answer = try await Loopback.answerToBrokenTransfer(of: "/filter", port: try #require(client.port))
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.ranges(of: "HTTP/1.1").count == 1, "\(answer)")
        }
    }

    @Test func filterHandsNamesBack() async throws {
        let scorer = try makeScorer(nodes: Self.recorded)
        try await makeServer(scorer).application().test(.router) { client in
            let body = try fixture("filter-nodeCacheCapable-true.json")
            try await client.execute(uri: "/filter", method: .post, body: body) { response in
                let reply = try object(response.body)
                #expect(reply["NodeNames"] as? [String] == Self.recorded)
                #expect(reply["Nodes"] is NSNull)
                #expect((reply["FailedNodes"] as? [String: String])?.isEmpty == true)
                #expect((reply["FailedAndUnresolvableNodes"] as? [String: String])?.isEmpty == true)
                #expect(reply["Error"] as? String == "")
            }
        }
    }

    /// Full nodes come back as they were sent, field by field.
    @Test func filterHandsFullNodesBack() async throws {
        let scorer = try makeScorer(nodes: Self.recorded)
        let body = try fixture("filter-nodeCacheCapable-false.json")
        try await makeServer(scorer).application().test(.router) { client in
            try await client.execute(uri: "/filter", method: .post, body: body) { response in
                let sent = try #require(object(body)["Nodes"] as? [String: Any])
                let items = try #require(sent["items"] as? [[String: Any]])
                let reply = try object(response.body)
                #expect(reply["NodeNames"] is NSNull)
                let list = try #require(reply["Nodes"] as? [String: Any])
                let returned = try #require(list["items"] as? [[String: Any]])
                #expect(returned.count == 3)
                #expect(NSArray(array: returned).isEqual(to: items))
            }
        }
    }

    @Test func acceptsLowerCaseAndNull() async throws {
        let body = ByteBuffer(
            string: """
                {"pod":{"metadata":{"name":"p","namespace":"d","uid":"u"}},"nodes":null,"nodenames":["a","b"],"x":[{}]}
                """)
        let empty = ByteBuffer(string: #"{"Pod":{"metadata":{"name":"p"}},"Nodes":null,"NodeNames":[]}"#)
        let list = ByteBuffer(string: #"{"Pod":{"metadata":{"name":"p"}},"Nodes":{"items":null},"NodeNames":null}"#)
        try await makeServer(makeScorer()).application().test(.router) { client in
            try await client.execute(uri: "/prioritize", method: .post, body: body) { response in
                let found = try scores(response.body)
                #expect(Set(found.keys) == ["a", "b"])
            }
            try await client.execute(uri: "/filter", method: .post, body: body) { response in
                let reply = try object(response.body)
                #expect(reply["NodeNames"] as? [String] == ["a", "b"])
            }
            for body in [empty, list] {
                try await client.execute(uri: "/prioritize", method: .post, body: body) { response in
                    #expect(String(buffer: response.body) == "[]")
                }
            }
        }
    }

    @Test(arguments: [
        "", "null", "[]", "5", "\"Pod\"", "{", "{}", "{\"Pod\":", "not json", "\u{0}", "{\"Pod\":{}}",
        #"{"NodeNames":["a"]}"#, #"{"Pod":null,"NodeNames":["a"]}"#, #"{"Pod":{"metadata":{"name":"p"}}}"#,
        #"{"Pod":{"metadata":{}},"NodeNames":["a"]}"#, #"{"Pod":[],"NodeNames":["a"]}"#,
        #"{"Pod":{"metadata":{"name":"p"}},"NodeNames":"a"}"#, #"{"Pod":{"metadata":{"name":"p"}},"NodeNames":[1]}"#,
        #"{"Pod":{"metadata":{"name":"p"}},"NodeNames":[null]}"#,
        #"{"Pod":{"metadata":{"name":"p"}},"Nodes":{"items":[{}]}}"#,
        #"{"Pod":{"metadata":{"name":"p"}},"Nodes":{"items":[{"metadata":{"name":7}}]}}"#,
        #"{"Pod":{"metadata":{"name":"p"},"spec":{"containers":[{"resources":{"requests":{"cpu":"x"}}}]}},"NodeNames":[]}"#,
        #"{"Pod":{"metadata":{"name":"p"}},"NodeNames":["a"]} trailing"#,
    ])
    func refusesBadBodiesWithAReason(_ text: String) async throws {
        try await makeServer(makeScorer()).application().test(.router) { client in
            for path in ["/filter", "/prioritize"] {
                try await client.execute(uri: path, method: .post, body: ByteBuffer(string: text)) { response in
                    #expect(response.status == .badRequest)
                    let reply = try object(response.body)
                    #expect((reply["Error"] as? String)?.isEmpty == false)
                }
            }
        }
    }

    @Test func refusesInvalidUTF8AndDeepNesting() async throws {
        let invalid = ByteBuffer(
            bytes: Array(#"{"Pod":{"metadata":{"name":""#.utf8) + [0xC3, 0x28] + Array(#""}},"NodeNames":["a"]}"#.utf8))
        let deep = ByteBuffer(string: String(repeating: "[", count: 100_000))
        try await makeServer(makeScorer()).application().test(.router) { client in
            for body in [invalid, deep] {
                try await client.execute(uri: "/prioritize", method: .post, body: body) { response in
                    #expect(response.status == .badRequest)
                }
            }
        }
    }

    @Test func refusesBodiesThatAreTooLarge() async throws {
        let server = try makeServer(makeScorer()) { $0.maximumBodyBytes = 2_000 }
        try await server.application().test(.router) { client in
            let body = request("p", (0..<500).map { "node-\($0)" })
            try await client.execute(uri: "/prioritize", method: .post, body: body) { response in
                #expect(response.status == .contentTooLarge)
                let reply = try object(response.body)
                #expect(reply["Error"] as? String == "the body exceeds 2000 bytes")
            }
            try await client.execute(uri: "/prioritize", method: .post, body: request("p", ["a"])) { response in
                #expect(response.status == .ok)
            }
        }
    }

    /// Truncated anywhere, a recorded request is refused; with any byte changed, it is answered or refused.
    @Test func survivesDamage() async throws {
        let body = Array(try fixture("prioritize-nodeCacheCapable-true.json").readableBytesView)
        let server = try makeServer(makeScorer(nodes: Self.recorded))
        try await server.application().test(.router) { client in
            for length in stride(from: 0, to: body.count, by: 53) {
                try await client.execute(
                    uri: "/prioritize", method: .post, body: ByteBuffer(bytes: body[..<length])
                ) { response in #expect(response.status == .badRequest) }
            }
            for index in stride(from: 0, to: body.count, by: 31) {
                var damaged = body
                damaged[index] ^= 0x15
                try await client.execute(
                    uri: "/prioritize", method: .post, body: ByteBuffer(bytes: damaged)
                ) { response in #expect([.ok, .badRequest].contains(response.status)) }
            }
        }
    }

    @Test func escapesNamesInReplies() async throws {
        let name = "a\"b\\c\nd\u{1}é"
        let body = ByteBuffer(
            string: #"{"Pod":{"metadata":{"name":"p"}},"NodeNames":["a\"b\\c\nd\u0001é"]}"#)
        try await makeServer(makeScorer()).application().test(.router) { client in
            try await client.execute(uri: "/prioritize", method: .post, body: body) { response in
                let found = try scores(response.body)
                #expect(found.keys.first == name)
            }
            try await client.execute(uri: "/filter", method: .post, body: body) { response in
                let reply = try object(response.body)
                #expect(reply["NodeNames"] as? [String] == [name])
            }
        }
    }

    @Test func saysWhetherItIsReady() async throws {
        let settings = ExtenderSettings()
        let scorer = PlacementScorer(
            settings: settings, policy: FunctionPolicy.emptiest, fallback: FunctionPolicy.emptiest)
        let without = PlacementScorer(settings: settings, policy: nil, fallback: FunctionPolicy.emptiest)
        without.markNodesListed()
        without.markPodsListed()
        try await makeServer(scorer).application().test(.router) { client in
            try await client.execute(uri: "/healthz", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/readyz", method: .get) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(String(buffer: response.body) == "nodes and pods are not listed yet\n")
            }
            scorer.markNodesListed()
            try await client.execute(uri: "/readyz", method: .get) { #expect($0.status == .serviceUnavailable) }
            scorer.markPodsListed()
            try await client.execute(uri: "/readyz", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/nowhere", method: .get) { #expect($0.status == .notFound) }
        }
        try await makeServer(without).application().test(.router) { client in
            try await client.execute(uri: "/readyz", method: .get) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(String(buffer: response.body) == "no policy is loaded\n")
            }
        }
    }
}
