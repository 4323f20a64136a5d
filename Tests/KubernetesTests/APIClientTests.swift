import Foundation
import HTTP
import Kubernetes
import Synchronization
import Testing

@Suite struct APIClientTests {
    @Test func sendsWhatWasAskedAndReturnsTheReply() async throws {
        let server = try ScriptedServer { _, _ in [.reply(201, "created", headers: ["X-Test": "yes"])] }
        var access = ClusterAccess(server: server.url)
        access.token = .fixed("secret")
        let client = try APIClient(access: access)
        let response = try await client.request(
            .post, "/api/v1/x", query: [("labelSelector", "a=b,c in (d)")], body: Array(#"{"a":1}"#.utf8))
        #expect(response.status == 201)
        #expect(response.body == Array("created".utf8))
        #expect(response.headers["x-test"] == "yes")
        let request = try #require(server.requests.first)
        #expect(request.method == "POST" && request.path == "/api/v1/x")
        #expect(request.query == ["labelSelector": "a=b,c in (d)"])
        #expect(request.body == Array(#"{"a":1}"#.utf8))
        #expect(request.headers["authorization"] == "Bearer secret")
        #expect(request.headers["content-type"] == "application/json")
    }

    @Test func readsTheTokenFileAgainForEachRequest() async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, "{}")] }
        let folder = try TemporaryFolder()
        var access = ClusterAccess(server: server.url)
        access.token = .file(try folder.write("one\n", to: "token"))
        let client = try APIClient(access: access)
        _ = try await client.request(.get, "/version")
        _ = try folder.write("two\n", to: "token")
        _ = try await client.request(.get, "/version")
        #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer one", "Bearer two"])
        _ = try folder.write("", to: "token")
        do {
            _ = try await client.request(.get, "/version")
            Issue.record("an empty token was sent")
        } catch let error as APIError {
            #expect(error.kind == .access)
        }
    }

    /// A recorded reply to an eviction that a disruption budget blocks.
    @Test func decodesTheStatusOfARefusal() async throws {
        let recorded = String(decoding: try fixture("evict-blocked-by-budget.txt"), as: UTF8.self)
        let body = recorded.replacingOccurrences(of: "\n429\n", with: "")
        let server = try ScriptedServer { _, _ in [.reply(429, body)] }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        do {
            _ = try await client.request(.post, "/api/v1/namespaces/default/pods/web/eviction", body: [])
            Issue.record("status 429 was taken for success")
        } catch let error as APIError {
            #expect(error.kind == .refused && error.code == 429)
            #expect(error.status?.reason == "TooManyRequests")
            #expect(error.status?.causes == ["DisruptionBudget"])
            #expect(error.retryAfter == 10)
            #expect(error.request == "POST \(server.url)/api/v1/namespaces/default/pods/web/eviction")
            #expect("\(error)".contains("Cannot evict pod as it would violate the pod's disruption budget."))
        }
    }

    @Test func keepsTheTextOfARefusalThatIsNoStatus() async throws {
        let server = try ScriptedServer { _, _ in
            [.reply(503, "<html>overloaded</html>", headers: ["Retry-After": "7"])]
        }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        do {
            _ = try await client.request(.get, "/")
            Issue.record("status 503 was taken for success")
        } catch let error as APIError {
            #expect(error.code == 503 && error.retryAfter == 7)
            #expect(error.status?.message == "<html>overloaded</html>")
        }
    }

    @Test func reportsTransportErrors() async throws {
        let partial = Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".utf8)
        let server = try ScriptedServer { request, _ in
            switch request.path {
            case "/cut": [.send(partial)]
            case "/reset": [.reset]
            case "/garbage": [.send(Array("SSH-2.0-OpenSSH\r\n".utf8))]
            default: [.hold]
            }
        }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        for path in ["/cut", "/reset", "/garbage", "/hold"] {
            do {
                _ = try await client.request(.get, path, timeout: path == "/hold" ? 0.2 : nil)
                Issue.record("\(path) was taken for success")
            } catch let error as APIError {
                #expect(error.kind == .transport, "\(path): \(error)")
            }
        }
    }

    @Test func stopsWhenTheTaskIsCancelled() async throws {
        let server = try ScriptedServer { _, _ in [.hold] }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        let task = Task { try await client.request(.get, "/slow") }
        #expect(try await eventually { server.requests.count == 1 })
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func manyRequestsAtOnce() async throws {
        let server = try ScriptedServer { request, _ in
            [.pause(milliseconds: 5), .reply(200, String(repeating: request.path, count: 5_000))]
        }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<50 {
                group.addTask {
                    let reply = try await client.request(.get, "/\(index)")
                    return reply.body == Array(String(repeating: "/\(index)", count: 5_000).utf8)
                }
            }
            for try await isWhole in group { #expect(isWhole) }
        }
    }

    /// Two pages; the first as recorded.
    @Test func listsPageByPage() async throws {
        let first = String(decoding: try fixture("list-nodes-limit-2.json"), as: UTF8.self)
        let server = try ScriptedServer { request, _ in
            request.query["continue"] == nil
                ? [.reply(200, first)]
                : [.reply(200, #"{"metadata":{"resourceVersion":"330"},"items":[{"metadata":{"name":"worker-2"}}]}"#)]
        }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        let list = try await client.list(Node.self, pageSize: 2)
        #expect(list.items.map(\.key) == ["worker-0", "worker-1", "worker-2"])
        #expect(list.items[0].allocatableMemory?.roundedUp == 8 << 30)
        #expect(list.items[1].metadata.labels["topology.kubernetes.io/zone"] == "zone-1")
        #expect(list.resourceVersion == "330")
        #expect(server.requests.map { $0.query["limit"] } == ["2", "2"])
        #expect(
            server.requests[1].query["continue"]
                == "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MzMwLCJzdGFydCI6Indvcmtlci0xXHUwMDAwIn0")
    }

    @Test func listsInOnePieceWhenThePagesExpire() async throws {
        let first = String(decoding: try fixture("list-nodes-limit-2.json"), as: UTF8.self)
        let server = try ScriptedServer { request, _ in
            if request.query["continue"] != nil {
                return [.reply(410, #"{"kind":"Status","code":410,"reason":"Expired"}"#)]
            }
            return request.query["limit"] != nil
                ? [.reply(200, first)]
                : [.reply(200, #"{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"only"}}]}"#)]
        }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        let list = try await client.list(Node.self, pageSize: 2)
        #expect(list.items.map(\.key) == ["only"])
        #expect(list.resourceVersion == "9")
    }

    /// Objects are cut out of the text while it arrives: wherever the pieces end, the list is the same.
    @Test(arguments: [1, 2, 3, 7, 100, 4_096]) func listsWhateverThePieces(_ size: Int) async throws {
        let text = """
            {"kind":"NodeList","note":"items [{\\"a\\":\\"}]\\\\\"},"nested":{"items":[{"metadata":{"name":"no"}}]},
             "items" : [ {"metadata":{"name":"a","labels":{"x":"}],{[\\"\\\\","items":"["}},"spec":{"taints":[]}} ,
             {"metadata":{"name":"b"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}],
             "metadata":{"resourceVersion":"8","continue":""}}
            """.replacingOccurrences(of: #"\\"},"nested"#, with: #"\\","nested"#)
        let bytes = Array(text.utf8)
        let server = try ScriptedServer { _, _ in
            [.streamHead]
                + stride(from: 0, to: bytes.count, by: size).map {
                    .chunk(Array(bytes[$0..<min($0 + size, bytes.count)]))
                } + [.streamEnd]
        }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        let list = try await client.list(Node.self)
        #expect(list.items.map(\.key) == ["a", "b"])
        #expect(list.items[0].metadata.labels == ["x": "}],{[\"\\", "items": "["])
        #expect(list.items[1].ready == .true)
        #expect(list.resourceVersion == "8")
    }

    /// A reader that lags makes the server wait, and loses nothing.
    @Test func aSlowReaderHoldsTheServerBack() async throws {
        let total = 96 << 20
        let left = Mutex(total)
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n"
        let server = try ScriptedServer { _, _ in
            [
                .send(Array(head.utf8)),
                .generate {
                    let count = left.withLock { left in
                        let count = min(left, 1 << 16)
                        left -= count
                        return count
                    }
                    return count > 0 ? (0..<count).map { UInt8(truncatingIfNeeded: $0) } : nil
                },
            ]
        }
        let client = try HTTPClient()
        var iterator = client.stream(HTTPRequest(url: server.url, timeout: 600)).makeAsyncIterator()
        _ = try await iterator.next()
        // The server stops when the buffers of both ends and the stream's own are full.
        var before = -1
        while server.sentBytes != before || before == 0 {
            before = server.sentBytes
            try await Task.sleep(for: .milliseconds(300))
        }
        #expect(before < total / 2)
        var read = 0
        var isRight = true
        while case .data(let bytes)? = try await iterator.next() {
            for (index, byte) in bytes.enumerated() where byte != UInt8(truncatingIfNeeded: read + index) {
                isRight = false
            }
            read += bytes.count
        }
        #expect(read == total && isRight)
    }

    @Test(arguments: [
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[5]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[0]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[\"x\"]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[[{}]]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":{\"a\":1}}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}} {}]}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}]}}", "}",
        "", "[]", "{}", "{\"items\":[]}", "<html>", "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{}]}",
    ])
    func refusesListsThatAreNone(_ body: String) async throws {
        let server = try ScriptedServer { _, _ in [.reply(200, body)] }
        let client = try APIClient(access: ClusterAccess(server: server.url))
        do {
            _ = try await client.list(Node.self)
            Issue.record("\"\(body)\" was taken for a list")
        } catch let error as APIError {
            #expect(error.kind == .malformed)
        }
    }
}
