import CHiredis
import Foundation

/// A connection to a Redis server. Not to be used by two threads at once.
final class RedisConnection: @unchecked Sendable {
    /// Why a command was not answered: the connection is of no use any more.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Why the server does not carry a command out.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private let context: UnsafeMutablePointer<redisContext>

    /// Connects; blocks for the settings' timeout, and for as long as the system takes to look up the host's name.
    /// - Throws: `Failure` or `Refusal` saying why there is no connection.
    init(_ settings: RedisSettings) throws {
        // A server that has gone away would otherwise end the process: hiredis writes to its sockets as to files.
        signal(SIGPIPE, SIG_IGN)
        let timeout = timeval(
            tv_sec: Int(settings.timeout), tv_usec: Int(settings.timeout.truncatingRemainder(dividingBy: 1) * 1e6))
        guard let context = redisConnectWithTimeout(settings.host, Int32(settings.port), timeout) else {
            throw Failure(description: "out of memory")
        }
        self.context = context
        guard context.pointee.err == 0 else { throw failure() }
        redisSetTimeout(context, timeout)
        if !settings.passwordFile.isEmpty {
            let password: String
            do {
                password = try String(contentsOfFile: settings.passwordFile, encoding: .utf8)
            } catch {
                throw Failure(description: "cannot read passwordFile \(settings.passwordFile): \(error)")
            }
            try command(["AUTH", password.trimmingCharacters(in: .whitespacesAndNewlines)].map { Array($0.utf8) })
        }
        if settings.database > 0 { try command(["SELECT", "\(settings.database)"].map { Array($0.utf8) }) }
        // A server that hangs still accepts connections, and so does one that wants a password.
        try command([Array("PING".utf8)])
    }

    deinit { redisFree(context) }

    /// Sends a command and waits for its reply.
    /// - Parameter arguments: the command's name and what follows it, any bytes.
    /// - Returns: the bytes of a string; `nil` for anything else.
    /// - Throws: `Failure` where there is no reply, `Refusal` where it is an error.
    @discardableResult
    func command(_ arguments: [[UInt8]]) throws -> [UInt8]? {
        let lengths = arguments.map(\.count)
        let reply = arguments.flatMap { $0 }.withUnsafeBytes { bytes in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for length in lengths {
                pointers.append(bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self))
                offset += length
            }
            return redisCommandArgv(context, Int32(lengths.count), &pointers, lengths)
        }
        guard let reply else { throw failure() }
        defer { freeReplyObject(reply) }
        let value = reply.assumingMemoryBound(to: redisReply.self).pointee
        guard let text = value.str else { return nil }
        let bytes = Array(UnsafeRawBufferPointer(start: text, count: Int(value.len)))
        switch value.type {
        case REDIS_REPLY_ERROR: throw Refusal(description: String(decoding: bytes, as: UTF8.self))
        case REDIS_REPLY_STRING: return bytes
        default: return nil
        }
    }

    private func failure() -> Failure {
        let message = withUnsafeBytes(of: context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return Failure(description: message.isEmpty ? "no reply" : message)
    }
}
