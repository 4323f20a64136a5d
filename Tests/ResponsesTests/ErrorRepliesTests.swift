import Hummingbird
import HummingbirdTesting
import JSON
import Logging
import NIOCore
import Responses
import Synchronization
import Testing

/// What a server of its own kind would be the only one to know.
private struct Secret: Error, CustomStringConvertible {
    let description = "the password is opensesame"
}

/// Keeps what is logged.
private struct Keeper: LogHandler {
    final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.all.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
}

@Suite struct ErrorRepliesTests {
    private struct Outcome {
        var status = HTTPResponse.Status.ok
        var body = ""
        var logged: [String] = []
        var ends: [String] = []
    }

    /// The reply of a server with the route POST /work/NAME, which throws `error`.
    private func outcome(of error: any Error, path: String = "/work/a", body: String = "") async throws -> Outcome {
        let lines = Keeper.Lines()
        let ends = Mutex<[String]>([])
        let router = Router()
        router.add(
            middleware: ErrorReplies(
                paths: "POST /work/NAME", logger: Logger(label: "test", factory: { _ in Keeper(lines: lines) })
            ) { endpoint, status, nanoseconds in
                #expect(nanoseconds > 0)
                ends.withLock { $0.append("\(endpoint) \(status)") }
            })
        router.post("work/:name") { request, _ -> Response in
            _ = try await request.wholeBody(upTo: 10)
            throw error
        }
        var outcome = Outcome()
        (outcome.status, outcome.body) = try await Application(router: router).test(.router) { client in
            try await client.execute(uri: path, method: .post, body: ByteBuffer(string: body)) {
                ($0.status, String(buffer: $0.body))
            }
        }
        outcome.logged = lines.all.withLock { $0 }
        outcome.ends = ends.withLock { $0 }
        return outcome
    }

    @Test(arguments: [
        (RequestError.Code.malformed, HTTPResponse.Status.badRequest), (.notFound, .notFound),
        (.tooLarge, .contentTooLarge), (.unavailable, .serviceUnavailable),
    ])
    func aRequestErrorSaysWhichStatus(_ code: RequestError.Code, _ status: HTTPResponse.Status) async throws {
        let outcome = try await outcome(of: RequestError("no \"a\"", code: code))
        #expect(outcome.status == status && outcome.body == #"{"error":"no \"a\""}"#)
        #expect(outcome.ends == ["/work/{name} \(status.code)"])
        let level = code == .notFound ? "debug" : "warning"
        #expect(outcome.logged.count == 1 && outcome.logged.first?.hasPrefix("\(level) request refused") == true)
    }

    @Test func aBodyThatCannotBeReadIsTheClientsFault() async throws {
        let broken = try #require(throws: JSONError.self) { try JSONValue(parsing: Array("{".utf8)) }
        let outcome = try await outcome(of: broken)
        #expect(outcome.status == .badRequest && outcome.body.contains("JSON"))
    }

    @Test func aBodyThatIsTooLongIsRefused() async throws {
        let outcome = try await outcome(of: Secret(), body: "12345678901")
        #expect(outcome.status == .contentTooLarge && outcome.body == #"{"error":"the body exceeds 10 bytes"}"#)
    }

    @Test func theServersOwnErrorsAreLoggedAndNotShown() async throws {
        let outcome = try await outcome(of: Secret())
        #expect(outcome.status == .internalServerError)
        #expect(outcome.body == #"{"error":"the request failed; the server's log says why"}"#)
        #expect(outcome.ends == ["/work/{name} 500"])
        let line = try #require(outcome.logged.first)
        #expect(line.hasPrefix("error ") && line.contains("opensesame") && line.contains("/work/a"))
    }

    @Test func anUnknownPathIsAnsweredWithThoseThereAre() async throws {
        let outcome = try await outcome(of: Secret(), path: "/play")
        #expect(outcome.status == .notFound)
        #expect(outcome.body == #"{"error":"there is no POST /play; there are POST /work/NAME"}"#)
    }
}
