import Foundation
import Glibc
import Synchronization

/// An HTTP server on loopback that answers each request with what `answer` makes of it, on a thread of its own.
final class TextServer: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        var query: [String: String]
        var accept: String
        var body: String
    }

    struct Answer: Sendable {
        var status = 200
        var type: String?
        var body: String
        /// Keeps the client waiting until it gives up.
        var neverComes = false
    }

    let port: Int
    private let listener: Int32
    private let log = Mutex<[Request]>([])

    init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        let (listener, port) = try Self.listen()
        self.listener = listener
        self.port = port
        Thread { [weak self] in
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                guard let self else {
                    close(connection)
                    return
                }
                Thread { self.serve(connection, answer) }.start()
            }
        }.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { log.withLock { $0 } }

    /// A port that was free a moment ago.
    static func freePort() throws -> Int {
        let (socket, port) = try listen()
        close(socket)
        return port
    }

    private static func listen() throws -> (socket: Int32, port: Int) {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isReady = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, length) == 0 && Glibc.listen(handle, 16) == 0 && getsockname(handle, $0, &length) == 0
            }
        }
        guard handle >= 0, isReady else { throw POSIXError(.EADDRNOTAVAIL) }
        return (handle, Int(UInt16(bigEndian: address.sin_port)))
    }

    private func serve(_ connection: Int32, _ answer: (Request) -> Answer) {
        guard let stream = fdopen(connection, "r+") else {
            close(connection)
            return
        }
        defer { fclose(stream) }
        guard let request = Self.read(stream) else { return }
        log.withLock { $0.append(request) }
        let answer = answer(request)
        if answer.neverComes {
            _ = fgetc(stream)
            return
        }
        let type = answer.type.map { "Content-Type: \($0)\r\n" } ?? ""
        fputs(
            "HTTP/1.1 \(answer.status) X\r\n\(type)Content-Length: \(answer.body.utf8.count)\r\nConnection: close\r\n\r\n"
                + answer.body, stream)
    }

    private static func read(_ stream: UnsafeMutablePointer<FILE>) -> Request? {
        func line() -> String? {
            var text = ""
            while case let byte = fgetc(stream), byte >= 0 {
                if byte == 0x0A { return text }
                if byte != 0x0D { text.unicodeScalars.append(Unicode.Scalar(UInt8(byte))) }
            }
            return nil
        }
        guard let first = line()?.components(separatedBy: " "), first.count == 3,
            let url = URLComponents(string: first[1])
        else { return nil }
        var headers: [String: String] = [:]
        while let header = line(), let colon = header.firstIndex(of: ":") {
            headers[header[..<colon].lowercased()] = String(header[header.index(after: colon)...].dropFirst())
        }
        var body = ""
        for _ in 0..<(Int(headers["content-length"] ?? "") ?? 0) {
            guard case let byte = fgetc(stream), byte >= 0 else { return nil }
            body.unicodeScalars.append(Unicode.Scalar(UInt8(byte)))
        }
        let query = (url.queryItems ?? []).map { ($0.name, $0.value ?? "") }
        return Request(
            method: first[0], path: url.path, query: Dictionary(query) { $1 }, accept: headers["accept"] ?? "",
            body: body)
    }
}

/// A file of the fixtures folder.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    return Array(try Data(contentsOf: folder.appendingPathComponent(name)))
}

/// What `work` returns once it returns something; `nil` where it does not within a minute.
func eventually<Value>(_ work: () async throws -> Value?) async throws -> Value? {
    for _ in 0..<600 {
        if let value = try await work() { return value }
        try await Task.sleep(for: .milliseconds(100))
    }
    return nil
}
