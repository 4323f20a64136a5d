import Foundation
import Kubernetes
import Logging
import Randomness
import Synchronization
import Testing

/// Runs a reflector for pods against a script and records what it does. Delays are recorded, not waited for.
private final class Harness: Sendable {
    struct Log {
        var changes: [String] = []
        var delays: [Double] = []
        var failures: [String] = []
        var listed = 0
        /// Versions that watches were asked for from.
        var watches: [String] = []
        /// Those of the watches that the reflector said were accepted.
        var accepted: [String] = []
    }

    let server: ScriptedServer
    let store: ObjectStore<Pod>
    private let log: SharedLog
    private let task: Task<Void, Never>

    final class SharedLog: Sendable {
        let contents = Mutex(Log())
    }

    init(
        pageSize: Int = 500, quickClose: Double = 0,
        _ script: @escaping @Sendable (ScriptedServer.Request, Int) -> [ScriptedServer.Step]
    ) throws {
        server = try ScriptedServer(script)
        let log = SharedLog()
        self.log = log
        store = ObjectStore { change in
            let text =
                switch change {
                case .added(let pod): "+\(pod.metadata.name)@\(pod.metadata.resourceVersion)"
                case .updated(_, let pod): "~\(pod.metadata.name)@\(pod.metadata.resourceVersion)"
                case .removed(let pod): "-\(pod.metadata.name)@\(pod.metadata.resourceVersion)"
                }
            log.contents.withLock { $0.changes.append(text) }
        }
        var timing = Reflector<Pod>.Timing()
        timing.pageSize = pageSize
        timing.quickClose = quickClose
        let reflector = Reflector(
            store: store, client: try APIClient(access: ClusterAccess(server: server.url)), timing: timing,
            generator: RandomGenerator(seed: 7), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            sleep: { seconds in
                log.contents.withLock { $0.delays.append(seconds) }
                try await Task.sleep(for: .milliseconds(1))
            },
            observe: { event in
                log.contents.withLock { log in
                    switch event {
                    case .listed: log.listed += 1
                    case .watching(let version): log.accepted.append(version)
                    case .failed(let error, _): log.failures.append("\(error)")
                    }
                }
            })
        task = Task { await reflector.run() }
    }

    deinit { task.cancel() }

    var record: Log {
        var record = log.contents.withLock { $0 }
        record.watches = server.requests.filter(\.isWatch).compactMap { $0.query["resourceVersion"] }
        return record
    }

    func finish() async -> Log {
        task.cancel()
        await task.value
        return record
    }
}

private func podJSON(_ name: String, _ version: Int, uid: String? = nil) -> String {
    #"{"metadata":{"name":"\#(name)","uid":"\#(uid ?? name)","resourceVersion":"\#(version)"}}"#
}

private func event(_ type: String, _ name: String, _ version: Int) -> String {
    #"{"type":"\#(type)","object":\#(podJSON(name, version))}"# + "\n"
}

private func list(_ version: Int, _ pods: [String]) -> ScriptedServer.Step {
    .reply(200, #"{"metadata":{"resourceVersion":"\#(version)"},"items":[\#(pods.joined(separator: ","))]}"#)
}

@Suite struct ReflectorTests {
    /// A recorded stream, cut into chunks at every 1,000th byte, must leave what a straight reading of it leaves.
    @Test func followsARecordedStream() async throws {
        let recorded = try fixture("watch-pods.jsonl")
        var expected: [String: String] = [:]
        for line in recorded.split(separator: UInt8(ascii: "\n")) {
            let event = try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            let object = try #require(event["object"] as? [String: Any])
            let metadata = try #require(object["metadata"] as? [String: Any])
            let key = "\(metadata["namespace"] ?? "")/\(metadata["name"] ?? "")"
            expected[key] = event["type"] as? String == "DELETED" ? nil : metadata["resourceVersion"] as? String
        }
        let harness = try Harness { request, index in
            if !request.isWatch { return [list(256, [])] }
            if index > 1 { return [.hold] }
            let chunks = stride(from: 0, to: recorded.count, by: 1_000).map {
                ScriptedServer.Step.chunk(Array(recorded[$0..<min($0 + 1_000, recorded.count)]))
            }
            return [.streamHead] + chunks + [.streamEnd]
        }
        #expect(try await eventually { harness.server.requests.count == 3 })
        let log = await harness.finish()
        #expect(harness.store.objects.mapValues(\.metadata.resourceVersion) == expected)
        #expect(log.changes.count == 42)
        #expect(log.failures.isEmpty && log.listed == 1)
        #expect(log.watches == ["256", "329"])
        let watch = harness.server.requests[1].query
        #expect(watch["allowWatchBookmarks"] == "true")
        let life = try #require(watch["timeoutSeconds"].flatMap(Int.init))
        #expect((300...600).contains(life))
    }

    @Test func resumesWhereAConnectionWasCut() async throws {
        let half = event("ADDED", "b", 12)
        let harness = try Harness { request, index in
            guard request.isWatch else { return [list(10, [podJSON("a", 9)])] }
            switch request.query["resourceVersion"] {
            case "10":
                return [
                    .streamHead, .chunk(event("ADDED", "c", 11) + String(half.prefix(30))), .pause(milliseconds: 20),
                    .reset,
                ]
            case "11": return [.streamHead, .chunk(half + event("DELETED", "a", 13)), .hold]
            default: return [.hold]
            }
        }
        #expect(try await eventually { harness.record.changes.count == 4 })
        let log = await harness.finish()
        #expect(log.changes == ["+a@9", "+c@11", "+b@12", "-a@13"])
        #expect(log.listed == 1)
        #expect(log.watches == ["10", "11"])
        #expect(log.failures.count == 1)
    }

    /// Ends in order in the middle of a line: a proxy that gave up. What is half is not an event.
    @Test func doesNotTakeHalfAnEvent() async throws {
        let harness = try Harness { request, _ in
            guard request.isWatch else { return [list(10, [])] }
            return request.query["resourceVersion"] == "10"
                ? [.streamHead, .chunk(event("ADDED", "a", 11) + #"{"type":"DELETED","object":{"meta"#), .streamEnd]
                : [.hold]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        let log = await harness.finish()
        #expect(log.changes == ["+a@11"])
        #expect(log.watches == ["10", "11"])
        #expect(log.failures.first?.contains("in the middle of an event") == true)
    }

    @Test func bookmarksMoveTheVersionOn() async throws {
        let bookmark = #"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"99"}}}"# + "\n"
        let harness = try Harness { request, _ in
            guard request.isWatch else { return [list(10, [])] }
            return request.query["resourceVersion"] == "10" ? [.streamHead, .chunk(bookmark), .streamEnd] : [.hold]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        let log = await harness.finish()
        #expect(log.watches == ["10", "99"])
        #expect(log.changes.isEmpty && log.failures.isEmpty)
    }

    /// 410 as the reply's status and as an event: both mean a new list, whose difference tells what was deleted.
    @Test(arguments: [true, false])
    func listsAgainWhenTheVersionExpired(_ asEvent: Bool) async throws {
        let status = #"{"kind":"Status","status":"Failure","reason":"Expired","message":"too old","code":410}"#
        let harness = try Harness { request, index in
            if request.isWatch {
                guard request.query["resourceVersion"] == "10" else { return [.hold] }
                return asEvent
                    ? [.streamHead, .chunk(#"{"type":"ERROR","object":\#(status)}"# + "\n"), .hold]
                    : [.reply(410, status)]
            }
            return index == 0
                ? [
                    list(
                        10,
                        [podJSON("kept", 1), podJSON("gone", 2), podJSON("reborn", 3, uid: "x"), podJSON("same", 4)])
                ]
                : [
                    list(
                        20,
                        [podJSON("kept", 15), podJSON("new", 16), podJSON("reborn", 17, uid: "y"), podJSON("same", 4)])
                ]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        let log = await harness.finish()
        #expect(log.listed == 2)
        #expect(log.watches == ["10", "20"])
        #expect(
            log.changes.dropFirst(4) == ["-gone@2", "~kept@15", "+new@16", "-reborn@3", "+reborn@17"])
        #expect(Set(harness.store.objects.keys) == ["kept", "new", "reborn", "same"])
    }

    /// A recorded error event that is not about the version.
    @Test func listsAgainAfterAnotherErrorEvent() async throws {
        let recorded = try fixture("watch-error-in-stream.jsonl")
        let harness = try Harness { request, index in
            guard request.isWatch else { return [list(index == 0 ? 10 : 20, [])] }
            return request.query["resourceVersion"] == "10" ? [.streamHead, .chunk(recorded), .hold] : [.hold]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        let log = await harness.finish()
        #expect(log.watches == ["10", "20"])
        #expect(log.failures.first?.contains("RequestWatchProgress") == true)
    }

    @Test func waitsAsLongAsTheServerAsksAndResumes() async throws {
        let harness = try Harness { request, index in
            guard request.isWatch else {
                return index == 0 ? [.reply(429, "", headers: ["Retry-After": "45"])] : [list(10, [])]
            }
            return index == 2 ? [.reply(429, "", headers: ["Retry-After": "40"])] : [.hold]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        let log = await harness.finish()
        #expect(log.delays == [45, 40])
        #expect(log.listed == 1)
        #expect(log.watches == ["10", "10"])
    }

    /// A watch is reported once its status has arrived: neither when it is asked for nor when it is refused.
    @Test func reportsAWatchOnceTheServerHasAcceptedIt() async throws {
        let mayAnswer = Mutex(false)
        let harness = try Harness { request, index in
            guard request.isWatch else { return [list(10, [])] }
            if index == 1 { return [.reply(500, "boom")] }
            while !mayAnswer.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.001) }
            return [.streamHead, .hold]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        // Long enough for a report that does not wait for the answer to come.
        try await Task.sleep(for: .milliseconds(50))
        let before = harness.record
        mayAnswer.withLock { $0 = true }
        #expect(before.failures.count == 1 && before.accepted.isEmpty)
        // No event has come: the head alone counts.
        #expect(try await eventually { harness.record.accepted == ["10"] })
        #expect(await harness.finish().changes.isEmpty)
    }

    @Test func resumesAfterServerErrors() async throws {
        let harness = try Harness { request, index in
            guard request.isWatch else { return index < 2 ? [.reply(500, "boom")] : [list(10, [])] }
            if index < 5 { return [.reply(500, "boom")] }
            return request.query["resourceVersion"] == "10"
                ? [.streamHead, .chunk(event("ADDED", "a", 11)), .hold] : []
        }
        #expect(try await eventually { harness.record.changes == ["+a@11"] })
        let log = await harness.finish()
        #expect(log.listed == 1)
        #expect(log.watches == ["10", "10", "10"])
        // Doubling from 0.8 s, each delay between its base and twice that.
        for (delay, base) in zip(log.delays, [0.8, 1.6, 3.2, 6.4]) { #expect(delay >= base && delay <= 2 * base) }
        #expect(log.delays.count == 4)
    }

    @Test func listsAgainWhenForbidden() async throws {
        let harness = try Harness { request, index in
            if request.isWatch { return index == 1 ? [.reply(403, "no")] : [.hold] }
            return [list(index == 0 ? 10 : 20, [])]
        }
        #expect(try await eventually { harness.record.watches.count == 2 })
        #expect(await harness.finish().watches == ["10", "20"])
    }

    /// Garbage once is taken for damage under way and resumed; twice for the same place, the objects are listed.
    @Test func recoversFromGarbage() async throws {
        let harness = try Harness { request, index in
            guard request.isWatch else { return [list(index == 0 ? 10 : 20, [podJSON("b", 20)])] }
            switch (request.query["resourceVersion"], index) {
            case ("10", 1): return [.streamHead, .chunk("<html>gateway</html>\n"), .hold]
            case ("10", 2): return [.streamHead, .chunk(event("ADDED", "a", 11) + "{\"type\":\"WHAT\"}\n"), .hold]
            case ("11", 3): return [.streamHead, .chunk("\u{0}\u{1}\u{2}\n"), .hold]
            default: return [.hold]
            }
        }
        #expect(try await eventually { harness.record.watches.count == 4 })
        let log = await harness.finish()
        #expect(log.watches == ["10", "10", "11", "20"])
        #expect(log.changes == ["+b@20", "+a@11", "-a@11"])
    }

    @Test func aWatchThatClosesAtOnceIsAFailure() async throws {
        let harness = try Harness(quickClose: 60) { request, index in
            guard request.isWatch else { return [list(10, [])] }
            return index < 4 ? [.streamHead, .streamEnd] : [.hold]
        }
        #expect(try await eventually { harness.record.watches.count == 4 })
        let log = await harness.finish()
        #expect(log.failures.count == 3)
        #expect(log.failures.allSatisfy { $0.contains("closed at once") })
        #expect(log.listed == 1)
    }

    @Test func aSlowBodyIsReadByteByByte() async throws {
        let text = Array(event("ADDED", "a", 11).utf8)
        let harness = try Harness { request, _ in
            guard request.isWatch else { return [list(10, [])] }
            return [.streamHead] + text.flatMap { [.chunk([$0]), .pause(milliseconds: 1)] } + [.hold]
        }
        #expect(try await eventually { harness.record.changes == ["+a@11"] })
        #expect(await harness.finish().failures.isEmpty)
    }
}

@Suite struct BackoffTests {
    @Test func growsToItsCapWithJitter() {
        var backoff = Backoff(generator: RandomGenerator(seed: 1))
        for base in [0.8, 1.6, 3.2, 6.4, 12.8] {
            let delay = backoff.next()
            #expect(delay >= base && delay <= min(2 * base, 30))
        }
        var capped: Set<Double> = []
        for _ in 0..<20 { capped.insert(backoff.next()) }
        #expect(capped.allSatisfy { $0 >= 15 && $0 <= 30 } && capped.count == 20)
        backoff.reset()
        #expect(backoff.next() <= 1.6)
    }

    @Test func repeatsWithItsSeed() {
        var first = Backoff(generator: RandomGenerator(seed: 3))
        var second = Backoff(generator: RandomGenerator(seed: 3))
        for _ in 0..<10 { #expect(first.next() == second.next()) }
    }
}
