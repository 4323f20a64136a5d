import Foundation
import Glibc
import Synchronization

/// An HTTP/1.1 server on loopback with a thread per connection, which does what a test tells it for each request.
final class TestServer: Sendable {
    /// What a request is answered with.
    enum Reply: Sendable {
        case status(Int)
        /// The connection is closed in mid-answer.
        case broken
        /// No answer until the server is released.
        case held
    }

    let port: UInt16
    private let listener: Int32
    private let log = Mutex<[(path: String, head: String)]>([])
    private let connectionCount = Mutex(0)
    private let gate = Gate()
    private let answer: @Sendable (Int, String) -> Reply

    /// Listens; `answer` gets the request's index over all requests, from 0, and its path. It may block.
    init(_ answer: @escaping @Sendable (Int, String) -> Reply = { _, _ in .status(200) }) throws {
        self.answer = answer
        (listener, port) = try Self.listen()
        Thread { [weak self, listener] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else {
                    if connection >= 0 { close(connection) }
                    return
                }
                self.connectionCount.withLock { $0 += 1 }
                Thread { self.serve(connection) }.start()
            }
        }.start()
    }

    deinit {
        gate.open()
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// A port of loopback that nobody listens on.
    static func closedPort() throws -> UInt16 {
        let (listener, port) = try listen()
        close(listener)
        return port
    }

    private static func listen() throws -> (Int32, UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && Glibc.listen(listener, 1024) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard listener >= 0, bound else { throw POSIXError(.EADDRNOTAVAIL) }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// Paths of all requests so far, in the order in which they came in.
    var paths: [String] { log.withLock { $0.map(\.path) } }

    /// Request lines and headers of all requests so far.
    var heads: [String] { log.withLock { $0.map(\.head) } }

    /// Connections so far.
    var connections: Int { connectionCount.withLock { $0 } }

    /// Answers what is held, now and from now on, with status 200.
    func release() { gate.open() }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        let blank = Array("\r\n\r\n".utf8)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            received += buffer[..<count]
            guard received.suffix(4) == blank[...] else { continue }
            let head = String(decoding: received, as: UTF8.self)
            let words = head.split(separator: " ")
            received = []
            let path = words.count > 1 ? String(words[1]) : ""
            let index = log.withLock { log in
                log.append((path, head))
                return log.count - 1
            }
            var text = "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nhello"
            switch answer(index, path) {
            case .status(let status): text = "HTTP/1.1 \(status) X\r\nContent-Length: 5\r\n\r\nhello"
            case .held: gate.wait()
            case .broken: text.removeLast(3)
            }
            let bytes = Array(text.utf8)
            guard send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count, !text.hasSuffix("he") else {
                return
            }
        }
    }
}

/// Holds threads until it is opened.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    func wait() {
        while !isOpen.withLock({ $0 }) { usleep(2000) }
    }
}

/// Waits until `condition` holds; false where it does not within a minute.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<12_000 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}
