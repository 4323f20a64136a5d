import Foundation
import HTTP
import JSON
import Kubernetes
import Logging
import Randomness
import Synchronization
import Testing

/// A cluster whose objects come, change and go by a random script, behind a server that misbehaves at random.
private final class TroubledCluster: Sendable {
    struct Change: Sendable {
        var type = "ADDED"
        var name = ""
        var uid = ""
    }

    /// Change i has version i + 1.
    let changes: [Change]
    private let tokenFile: String

    private struct State {
        var generator: RandomGenerator
        /// Changes that have happened.
        var now: Int
        /// Versions up to this one have been forgotten.
        var compacted = 0
        var token = 0
        var faults: [String: Int] = [:]
    }

    private let state: Mutex<State>

    init(seed: UInt64, count: Int, tokenFile: String) {
        var generator = RandomGenerator(seed: seed)
        var alive: [String: String] = [:]
        var changes: [Change] = []
        while changes.count < count {
            let name = "p\(Int.random(in: 0..<12, using: &generator))"
            if let uid = alive[name] {
                let isDeleted = Int.random(in: 0..<3, using: &generator) == 0
                changes.append(Change(type: isDeleted ? "DELETED" : "MODIFIED", name: name, uid: uid))
                if isDeleted { alive[name] = nil }
            } else {
                alive[name] = "u\(changes.count)"
                changes.append(Change(type: "ADDED", name: name, uid: "u\(changes.count)"))
            }
        }
        self.changes = changes
        self.tokenFile = tokenFile
        state = Mutex(State(generator: generator, now: count / 10))
    }

    /// Name, uid and version of what there is as of a version.
    func truth(at version: Int) -> [String: String] {
        var objects: [String: String] = [:]
        for (index, change) in changes.prefix(version).enumerated() {
            objects[change.name] = change.type == "DELETED" ? nil : "\(change.uid)@\(index + 1)"
        }
        return objects
    }

    var faults: [String: Int] { state.withLock { $0.faults } }

    private func object(_ index: Int) -> String {
        let change = changes[index]
        return #"{"metadata":{"name":"\#(change.name)","uid":"\#(change.uid)","resourceVersion":"\#(index + 1)"}}"#
    }

    func answer(_ request: ScriptedServer.Request) -> [ScriptedServer.Step] {
        state.withLock { state in
            func random(_ range: Range<Int>) -> Int { Int.random(in: range, using: &state.generator) }
            func fault(_ name: String, _ steps: [ScriptedServer.Step]) -> [ScriptedServer.Step] {
                state.faults[name, default: 0] += 1
                return steps
            }
            state.now = min(state.now + random(0..<changes.count / 12), changes.count)
            // Credentials expire now and then; the file has the next ones by the time the client hears of it.
            if random(0..<10) == 0 {
                state.token += 1
                try? "token-\(state.token)".write(toFile: tokenFile, atomically: true, encoding: .utf8)
                return fault("401", [.reply(401, #"{"kind":"Status","code":401,"reason":"Unauthorized"}"#)])
            }
            let kind = random(0..<14)
            switch kind {
            case 0: return fault("429", [.reply(429, "", headers: ["Retry-After": "3"])])
            case 1: return fault("500", [.reply(500, "boom")])
            case 2: return fault("reset", [.reset])
            case 3: return fault("garbage", [.reply(200, "<html>\n")])
            case 4: return fault("silence", [])
            default: break
            }
            let body = request.isWatch ? watch(request, kind, &state) : list(request, kind, &state)
            return body
        }
    }

    private func expired(_ asEvent: Bool) -> [ScriptedServer.Step] {
        let status = #"{"kind":"Status","reason":"Expired","message":"too old","code":410}"#
        return asEvent ? [.streamHead, .chunk(#"{"type":"ERROR","object":\#(status)}"# + "\n")] : [.reply(410, status)]
    }

    private func list(
        _ request: ScriptedServer.Request, _ kind: Int, _ state: inout State
    ) -> [ScriptedServer.Step] {
        var version = state.now
        var offset = 0
        if let token = request.query["continue"]?.split(separator: "-").compactMap({ Int($0) }), token.count == 2 {
            (version, offset) = (token[0], token[1])
            guard version > state.compacted else {
                state.faults["410 of a page", default: 0] += 1
                return expired(false)
            }
        }
        let objects = truth(at: version).sorted { $0.key < $1.key }
        let limit = request.query["limit"].flatMap(Int.init) ?? .max
        let end = limit == .max ? objects.count : min(offset + limit, objects.count)
        let items = objects[min(offset, end)..<end].map { object((Int($0.value.split(separator: "@")[1]) ?? 0) - 1) }
        let next = end < objects.count ? #","continue":"\#(version)-\#(end)""# : ""
        let text = #"{"metadata":{"resourceVersion":"\#(version)"\#(next)},"items":[\#(items.joined(separator: ","))]}"#
        switch kind {
        case 5:
            state.faults["list cut", default: 0] += 1
            return [.streamHead, .chunk(String(text.prefix(text.utf8.count / 2))), .reset]
        case 6: return [.streamHead] + text.utf8.map { .chunk([$0]) } + [.streamEnd]
        default: return [.reply(200, text)]
        }
    }

    private func watch(
        _ request: ScriptedServer.Request, _ kind: Int, _ state: inout State
    ) -> [ScriptedServer.Step] {
        let version = request.query["resourceVersion"].flatMap(Int.init) ?? 0
        if version < state.compacted {
            state.faults["410", default: 0] += 1
            return expired(kind % 2 == 0)
        }
        guard version < changes.count else { return [.streamHead, .hold] }
        let count = Int.random(in: 0..<25, using: &state.generator)
        let end = min(version + count, state.now)
        var text = ""
        for index in version..<max(end, version) {
            text += #"{"type":"\#(changes[index].type)","object":\#(object(index))}"# + "\n"
            if index % 7 == 0 {
                text += #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"\#(index + 1)"}}}"# + "\n"
            }
        }
        let half = end < changes.count ? #"{"type":"\#(changes[end].type)","object":\#(object(end).dropLast(9))"# : ""
        // What a lagging client has not seen is forgotten now and then.
        if Int.random(in: 0..<6, using: &state.generator) == 0 {
            state.compacted = Int.random(in: 0...min(end + 10, state.now), using: &state.generator)
        }
        switch kind {
        case 5:
            state.faults["event cut", default: 0] += 1
            return [.streamHead, .chunk(text + half), .pause(milliseconds: 2), .reset]
        case 6:
            state.faults["event half", default: 0] += 1
            return [.streamHead, .chunk(text + half), .streamEnd]
        case 7:
            state.faults["garbage event", default: 0] += 1
            return [.streamHead, .chunk(text + "\u{0}{]\n"), .hold]
        case 8:
            state.faults["410 event", default: 0] += 1
            return [.streamHead, .chunk(text)] + expired(true).dropFirst() + [.hold]
        case 9:
            state.faults["slow", default: 0] += 1
            return [.streamHead] + text.utf8.prefix(400).map { .chunk([$0]) }
                + [.pause(milliseconds: 3), .chunk(Array(text.utf8.dropFirst(400))), .streamEnd]
        default: return [.streamHead, .chunk(text), .streamEnd]
        }
    }
}

/// What a reflector did, in order.
private enum Deed: Sendable {
    case change(ObjectChange<Pod>)
    case listed
    case watching(Int)
    case failed(String)
}

@Suite struct HistoryTests {
    /// Whatever happens under way, the store ends up with what the server has; at the start of every watch the changes
    /// that were reported add up to the server's truth of that very version; and between two watches without a list
    /// every single change was reported, once and in order.
    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func losesNoEvent(_ seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let token = try folder.write("token-0", to: "token")
        let cluster = TroubledCluster(seed: seed, count: 240, tokenFile: token)
        let server = try ScriptedServer { request, _ in cluster.answer(request) }
        let deeds = SharedDeeds()
        let store = ObjectStore<Pod> { change in deeds.add(.change(change)) }
        var access = ClusterAccess(server: server.url)
        access.token = .file(token)
        var timing = Reflector<Pod>.Timing()
        timing.pageSize = Int(seed % 4) * 2
        timing.quickClose = 0
        let reflector = Reflector(
            store: store, client: try APIClient(access: access), timing: timing,
            generator: RandomGenerator(seed: seed), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            sleep: { _ in try await Task.sleep(for: .milliseconds(1)) },
            observe: { event in
                switch event {
                case .listed: deeds.add(.listed)
                case .watching(let version): deeds.add(.watching(Int(version) ?? -1))
                case .failed(let error, _): deeds.add(.failed("\(error)"))
                }
            })
        let task = Task { await reflector.run() }
        let total = cluster.changes.count
        let isDone = try await eventually {
            deeds.all.contains { if case .watching(let version) = $0 { version == total } else { false } }
        }
        task.cancel()
        await task.value
        #expect(isDone)
        let stored = store.objects.mapValues { "\($0.metadata.uid)@\($0.metadata.resourceVersion)" }
        #expect(stored == cluster.truth(at: total))
        try check(deeds.all, cluster)
        let failures = deeds.all.count { if case .failed = $0 { true } else { false } }
        #expect(failures > 0 && cluster.faults.count >= 5, "\(cluster.faults)")
    }

    private func check(_ deeds: [Deed], _ cluster: TroubledCluster) throws {
        var model: [String: String] = [:]
        var wasListed = false
        var start = 0
        var seen: [Int] = []
        func text(_ pod: Pod) -> String { "\(pod.metadata.uid)@\(pod.metadata.resourceVersion)" }
        for deed in deeds {
            switch deed {
            case .change(.added(let pod)):
                #expect(model[pod.metadata.name] == nil)
                model[pod.metadata.name] = text(pod)
                seen.append(Int(pod.metadata.resourceVersion) ?? 0)
            case .change(.updated(let old, let new)):
                #expect(model[new.metadata.name] == text(old))
                model[new.metadata.name] = text(new)
                seen.append(Int(new.metadata.resourceVersion) ?? 0)
            case .change(.removed(let pod)):
                #expect(model.removeValue(forKey: pod.metadata.name)?.hasPrefix(pod.metadata.uid) == true)
                seen.append(Int(pod.metadata.resourceVersion) ?? 0)
            case .listed: wasListed = true
            case .watching(let version):
                #expect(model == cluster.truth(at: version), "at version \(version)")
                if !wasListed {
                    #expect(version >= start && seen == Array(stride(from: start + 1, through: version, by: 1)))
                }
                start = version
                seen = []
                wasListed = false
            case .failed: break
            }
        }
    }

    private final class SharedDeeds: Sendable {
        private let contents = Mutex<[Deed]>([])
        func add(_ deed: Deed) { contents.withLock { $0.append(deed) } }
        var all: [Deed] { contents.withLock { $0 } }
    }
}
