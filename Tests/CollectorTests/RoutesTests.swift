import Windows
import Collector
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import Telemetry
import TestServers
import Testing

@Suite struct RoutesTests {
    private func collect(
        _ client: some TestClientProtocol, _ body: String
    ) async throws -> (status: HTTPResponse.Status, reply: [String: Any]) {
        let response = try await client.execute(uri: "/collect", method: .post, body: ByteBuffer(string: body))
        return (response.status, try object(response.body))
    }

    private func window(
        _ client: some TestClientProtocol, _ query: String
    ) async throws -> (status: HTTPResponse.Status, reply: [String: Any], retryAfter: String?) {
        let response = try await client.execute(uri: "/metrics/window\(query)", method: .get)
        return (response.status, try object(response.body), response.headers[.retryAfter])
    }

    @Test func aBrokenTransferIsRefusedOnce() async throws {
        let server = makeServer([ScriptedSource.quarter], clock: ManualClock().clock)
        try await server.application().test(.live) { client in
            let answer = try await Loopback.answerToBrokenTransfer(of: "/collect", port: try #require(client.port))
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.ranges(of: "HTTP/1.1").count == 1, "\(answer)")
        }
    }

    @Test func measuresANodeOverAWindow() async throws {
        let clock = ManualClock()
        var broken = ScriptedSource(name: "broken")
        broken.answer = { _, _ in throw CollectorError("no answer") }
        let server = makeServer([ScriptedSource.quarter, broken], clock: clock.clock)
        try await server.application().test(.router) { client async throws in
            let begun = try await collect(client, #"{"node":"a"}"#)
            #expect(begun.status == .accepted)
            #expect(begun.reply["id"] as? String == "a-1")
            #expect(begun.reply["node"] as? String == "a")
            #expect(begun.reply["start"] as? Double == 1_700_000_000)
            #expect(begun.reply["end"] as? Double == 1_700_000_020)

            // While it is under way it is handed out again, and there is no result yet.
            #expect(try await eventually { clock.sleeperCount == 1 })
            clock.advance(by: 12.5)
            let again = try await collect(client, #"{"node":"a"}"#)
            #expect(again.status == .accepted)
            #expect(again.reply["id"] as? String == "a-1")
            let early = try await window(client, "?node=a")
            #expect(early.status == .notFound)
            #expect(early.retryAfter == "8")

            clock.advance(by: 7.5)
            #expect(try await eventually { try await window(client, "?node=a").status == .ok })
            clock.advance(by: 3)
            let (status, reply, _) = try await window(client, "?node=a")
            #expect(status == .ok)
            #expect(reply["id"] as? String == "a-1")
            #expect(reply["start"] as? Double == 1_700_000_000)
            #expect(reply["end"] as? Double == 1_700_000_020)
            #expect(reply["errors"] as? [String: String] == ["broken": "no answer"])
            let fields = try #require(reply["fields"] as? [String: Any])
            #expect(Set(fields.keys) == Set(NodeWindow.Field.allCases.map(\.rawValue)))
            let cpu = try #require(fields["cpu"] as? [String: Any])
            #expect(cpu["value"] as? Double == 0.25)
            #expect(cpu["unit"] as? String == "cores")
            #expect(cpu["source"] as? String == "proc")
            #expect(cpu["age"] as? Double == 3)
            #expect(cpu["seconds"] as? Double == 20)
            let memory = try #require(fields["memory"] as? [String: Any])
            #expect(memory["value"] as? Double == 1e9)
            #expect(memory["seconds"] as? Double == 0)
            // Missing is null, never 0.
            for field in fields.keys where !["cpu", "memory"].contains(field) {
                #expect(fields[field] is NSNull, "\(field)")
            }

            // The next window is a new one; the last result stays until it is there.
            #expect(try await collect(client, #"{"node":"a"}"#).reply["id"] as? String == "a-2")
            #expect(try await window(client, "?node=a").reply["id"] as? String == "a-1")
        }
    }

    @Test(arguments: [
        ("", HTTPResponse.Status.badRequest, "JSON"), ("{", .badRequest, "JSON"), ("[]", .badRequest, "an object"),
        ("{}", .badRequest, "no \"node\""), (#"{"node":null}"#, .badRequest, "a string"),
        (#"{"node":7}"#, .badRequest, "a string"), (#"{"node":""}"#, .badRequest, "no node's name"),
        (#"{"node":"../a"}"#, .badRequest, "no node's name"), (#"{"node":"A"}"#, .badRequest, "no node's name"),
        (#"{"node":"a\"}"}"#, .badRequest, "no node's name"), (#"{"node":"a","x":1}"#, .badRequest, "unknown key"),
        (#"{"node":"b"}"#, .notFound, "no source measures"),
        (#"{"node":""# + String(repeating: "a", count: 5_000) + #""}"#, .contentTooLarge, "4096 bytes"),
    ])
    func refusesBadRequests(body: String, status: HTTPResponse.Status, reason: String) async throws {
        let server = makeServer([ScriptedSource.quarter], clock: ManualClock().clock)
        try await server.application().test(.router) { client async throws in
            let answer = try await collect(client, body)
            #expect(answer.status == status)
            let message = try #require(answer.reply["error"] as? String)
            #expect(message.contains(reason), "\(message)")
        }
    }

    @Test func tellsWhyThereIsNoWindow() async throws {
        let server = makeServer([ScriptedSource.quarter], clock: ManualClock().clock)
        try await server.application().test(.router) { client async throws in
            #expect(try await window(client, "?node=a").status == .notFound)
            #expect(try await window(client, "").status == .badRequest)
            #expect(try await window(client, "?node=a%2Fb").status == .badRequest)
        }
    }

    /// A source that cannot say whether it knows the node is no reason to say that nobody does.
    @Test func isUnavailableWhereNoSourceCanSay() async throws {
        let server = makeServer(
            [ScriptedSource(name: "x", nodes: ["b"]), ScriptedSource(name: "y", problem: "refused")],
            clock: ManualClock().clock)
        try await server.application().test(.router) { client async throws in
            let answer = try await collect(client, #"{"node":"a"}"#)
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.reply["error"] as? String == "y: refused")
            #expect(try await collect(client, #"{"node":"b"}"#).status == .accepted)
        }
    }

    @Test func forgetsOldWindows() async throws {
        let clock = ManualClock()
        let server = makeServer([ScriptedSource.quarter], clock: clock.clock) { $0.keepSeconds = 100 }
        try await server.application().test(.router) { client async throws in
            #expect(try await collect(client, #"{"node":"a"}"#).status == .accepted)
            #expect(try await eventually { clock.sleeperCount == 1 })
            clock.advance(by: 20)
            #expect(try await eventually { try await window(client, "?node=a").status == .ok })
            clock.advance(by: 100)
            #expect(try await window(client, "?node=a").status == .ok)
            clock.advance(by: 1)
            #expect(try await window(client, "?node=a").status == .notFound)
        }
    }

    @Test func healthAndReadiness() async throws {
        func readiness(_ sources: [any WindowSource]) async throws -> (HTTPResponse.Status, String) {
            try await makeServer(sources, clock: ManualClock().clock).application().test(.router) {
                client async throws in
                try await client.execute(uri: "/healthz", method: .get) { #expect($0.status == .ok) }
                let response = try await client.execute(uri: "/readyz", method: .get)
                return (response.status, String(buffer: response.body))
            }
        }
        let broken = ScriptedSource(name: "broken", problem: "refused")
        #expect(try await readiness([ScriptedSource.quarter]) == (.ok, "ok\n"))
        #expect(try await readiness([ScriptedSource.quarter, broken]) == (.ok, "ok\nbroken: refused\n"))
        #expect(try await readiness([broken]) == (.serviceUnavailable, "broken: refused\n"))
    }
}
