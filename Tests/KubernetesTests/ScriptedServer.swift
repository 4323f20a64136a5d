import Foundation
import Glibc
import Synchronization

/// An HTTP server on loopback that does exactly what a test tells it, down to breaking connections in mid-word.
/// Every connection serves one request on a thread of its own.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        var method = ""
        var path = ""
        var query: [String: String] = [:]
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        var isWatch: Bool { query["watch"] == "true" }
    }

    enum Step: Sendable {
        case send([UInt8])
        /// One chunk of chunked transfer coding.
        case chunk([UInt8])
        case pause(milliseconds: Int)
        /// Bytes that are made when their turn comes; nothing ends the sequence.
        case generate(@Sendable () -> [UInt8]?)
        /// Keeps the connection open until the client closes it.
        case hold
        /// Ends the connection with RST instead of FIN.
        case reset
    }

    let port: UInt16
    private let listener: Int32
    private let requestLog = Mutex<[Request]>([])
    private let sent = Mutex(0)
    private let script: @Sendable (Request, Int) -> [Step]

    /// Starts to listen.
    /// - Parameter script: what to do for a request; its index counts all requests from 0.
    init(_ script: @escaping @Sendable (Request, Int) -> [Step]) throws {
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { [listener] in
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard listener >= 0, bound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        let thread = Thread { [weak self, listener] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else {
                    if connection >= 0 { close(connection) }
                    return
                }
                Thread { self.serve(connection) }.start()
            }
        }
        thread.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { requestLog.withLock { $0 } }
    /// Bytes that the system took from this server so far.
    var sentBytes: Int { sent.withLock { $0 } }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        guard let request = Self.readRequest(connection) else { return }
        let index = requestLog.withLock { log in
            log.append(request)
            return log.count - 1
        }
        for step in script(request, index) {
            switch step {
            case .send(let bytes): guard write(connection, bytes) else { return }
            case .generate(let next):
                while let bytes = next() { guard write(connection, bytes) else { return } }
            case .chunk(let bytes):
                let framed = Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + Array("\r\n".utf8)
                guard write(connection, framed) else { return }
            case .pause(let milliseconds): usleep(UInt32(milliseconds) * 1_000)
            case .hold:
                var byte: UInt8 = 0
                _ = recv(connection, &byte, 1, 0)
            case .reset:
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(
                    connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
                return
            }
        }
    }

    private func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress.map { $0 + position }, bytes.count - position, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            position += count
            self.sent.withLock { $0 += count }
        }
        return true
    }

    private static func readRequest(_ connection: Int32) -> Request? {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let blank = Array("\r\n\r\n".utf8)
        var headEnd: Int?
        while headEnd == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            received += buffer[..<count]
            headEnd = received.indices.first { received[$0...].starts(with: blank) }
        }
        guard let headEnd else { return nil }
        let lines = String(decoding: received[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let parts = lines[0].components(separatedBy: " ")
        guard parts.count == 3, let url = URLComponents(string: parts[1]) else { return nil }
        var request = Request(method: parts[0], path: url.path)
        for item in url.queryItems ?? [] { request.query[item.name] = item.value }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            request.headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
        request.body = Array(received[(headEnd + 4)...])
        let length = Int(request.headers["content-length"] ?? "0") ?? 0
        while request.body.count < length {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            request.body += buffer[..<count]
        }
        return request
    }
}

extension ScriptedServer.Step {
    /// A whole reply with a body.
    static func reply(_ status: Int, _ body: String, headers: [String: String] = [:]) -> Self {
        var head = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        return .send(Array((head + "\r\n" + body).utf8))
    }

    /// The head of a reply whose body comes in chunks.
    static let streamHead = Self.send(
        Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))

    /// The last chunk.
    static let streamEnd = Self.send(Array("0\r\n\r\n".utf8))

    static func chunk(_ text: String) -> Self { .chunk(Array(text.utf8)) }
}

/// A file of the fixtures folder.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    return Array(try Data(contentsOf: folder.appendingPathComponent(name)))
}

/// Waits until `condition` holds; false where it does not within half a minute.
func eventually(_ condition: @Sendable () async -> Bool) async throws -> Bool {
    for _ in 0..<3_000 {
        if await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return await condition()
}

/// A folder that is removed when the test ends.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        let file = path + "/" + name
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
