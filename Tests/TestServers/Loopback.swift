import Foundation
import Glibc

/// Connections to servers on loopback.
public enum Loopback {
    /// Connects.
    /// - Returns: the socket, to be closed.
    static func connect(_ port: Int) throws -> Int32 {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(handle)
            throw POSIXError(.ECONNREFUSED)
        }
        return handle
    }

    /// Sends text and reads what is answered until the server closes the connection, at most ten seconds at a time. On a thread
    /// of its own: a blocked one of Swift's pool is one less for a server in this process.
    public static func exchange(_ text: String, port: Int) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        let handle = try connect(port)
                        defer { close(handle) }
                        var patience = timeval(tv_sec: 10, tv_usec: 0)
                        setsockopt(
                            handle, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
                        let bytes = Array(text.utf8)
                        guard send(handle, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                            throw POSIXError(.EPIPE)
                        }
                        var answer: [UInt8] = []
                        var part = [UInt8](repeating: 0, count: 65_536)
                        while case let count = recv(handle, &part, part.count, 0), count > 0 {
                            answer.append(contentsOf: part[..<count])
                        }
                        return String(decoding: answer, as: UTF8.self)
                    })
            }.start()
        }
    }

    /// How a server answers a POST whose chunk has a length that is no number, until it closes the connection.
    public static func answerToBrokenTransfer(of path: String, port: Int) async throws -> String {
        try await exchange(
            "POST \(path) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", port: port)
    }
}
