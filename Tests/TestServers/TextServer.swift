import Foundation
import Glibc
import Synchronization

/// An HTTP server on loopback that answers each request with what `answer` makes of it, on a thread of its own.
public final class TextServer: Sendable {
    /// What was asked for.
    public struct Request: Sendable {
        /// Such as GET.
        public var method: String
        /// The path without the query.
        public var path: String
        /// The query's items.
        public var query: [String: String]
        /// The header Accept; empty without.
        public var accept: String
        /// The body.
        public var body: String
    }

    /// What is answered.
    public struct Answer: Sendable {
        var status: Int
        var type: String?
        var body: [UInt8]
        var neverComes: Bool

        /// An answer.
        /// - Parameter neverComes: keeps the client waiting until it gives up.
        public init(status: Int = 200, type: String? = nil, body: String, neverComes: Bool = false) {
            (self.status, self.type, self.body, self.neverComes) = (status, type, Array(body.utf8), neverComes)
        }

        /// An answer that is no text.
        public init(type: String, bytes: [UInt8]) {
            (status, self.type, body, neverComes) = (200, type, bytes, false)
        }
    }

    /// The port that it listens on.
    public let port: Int
    private let listener: Int32
    private let log = Mutex<[Request]>([])

    /// A server that listens on a port of its own until it is released.
    public init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
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

    /// Its address without a slash at its end.
    public var url: String { "http://127.0.0.1:\(port)" }
    /// What was asked for, in order.
    public var requests: [Request] { log.withLock { $0 } }

    /// A port that was free a moment ago.
    public static func freePort() throws -> Int {
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
            "HTTP/1.1 \(answer.status) X\r\n\(type)Content-Length: \(answer.body.count)\r\nConnection: close\r\n\r\n",
            stream)
        fwrite(answer.body, 1, answer.body.count, stream)
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
