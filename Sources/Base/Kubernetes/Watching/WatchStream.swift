import HTTP
import JSON

/// One event of a watch.
enum WatchEvent<Object: APIObject>: Sendable {
    /// The server has accepted the request: its status is 200. The first event, and once only.
    case accepted
    case added(Object)
    case modified(Object)
    case deleted(Object)
    /// Nothing but a newer version to resume from.
    case bookmark(resourceVersion: String)
    /// The server gives up on the watch.
    case error(APIStatus)

    /// Parses one line of a watch.
    init(parsing line: UnsafeRawBufferPointer) throws {
        self = try JSONReader.reading(buffer: line) { reader in
            var type: String?
            var event: Self?
            var pending: JSONReader?
            try reader.readObject { reader, key in
                switch key {
                case "type": type = try reader.readString()
                case "object":
                    if let type {
                        event = try Self(type: type, reading: reader)
                    } else {
                        pending = reader
                    }
                default: break
                }
            }
            if let event { return event }
            guard let type, let object = pending else { throw reader.error("a watch event needs a type and an object") }
            return try Self(type: type, reading: object)
        }
    }

    private init(type: String, reading reader: JSONReader) throws {
        switch type {
        case "ADDED": self = .added(try Object(reading: reader))
        case "MODIFIED": self = .modified(try Object(reading: reader))
        case "DELETED": self = .deleted(try Object(reading: reader))
        case "ERROR": self = .error(try APIStatus(reading: reader))
        case "BOOKMARK":
            var version = ""
            try reader.readObject { reader, key in
                if key == "metadata" {
                    version = try ObjectMetadata(reading: reader).resourceVersion
                }
            }
            guard !version.isEmpty else { throw reader.error("a bookmark without a resourceVersion") }
            self = .bookmark(resourceVersion: version)
        default: throw reader.error("unknown type of watch event \"\(type)\"")
        }
    }
}

/// The events of one watch request, decoded line by line.
struct WatchStream<Object: APIObject>: AsyncSequence {
    typealias Element = WatchEvent<Object>

    let events: HTTPStream
    let request: String
    /// Called when the server refuses the credentials, before iterating throws.
    let onUnauthorized: @Sendable () async -> Void

    func makeAsyncIterator() -> Iterator {
        Iterator(events: events.makeAsyncIterator(), request: request, onUnauthorized: onUnauthorized)
    }

    struct Iterator: AsyncIteratorProtocol {
        var events: HTTPStream.Iterator
        let request: String
        let onUnauthorized: @Sendable () async -> Void
        private var lines = LineBuffer()
        private var refusal: HTTPHead?
        private var body: [UInt8] = []

        init(events: HTTPStream.Iterator, request: String, onUnauthorized: @escaping @Sendable () async -> Void) {
            self.events = events
            self.request = request
            self.onUnauthorized = onUnauthorized
        }

        mutating func next() async throws -> WatchEvent<Object>? {
            while true {
                do {
                    if let event = try lines.next({ try WatchEvent<Object>(parsing: $0) }) { return event }
                } catch {
                    throw APIError(kind: .malformed, request: request, message: "unreadable watch event: \(error)")
                }
                let received: HTTPEvent?
                do {
                    received = try await events.next()
                } catch let error as TransportError {
                    throw APIError(kind: .transport, request: request, message: "\(error)")
                }
                switch received {
                case .head(let head):
                    if head.status == 200 { return .accepted }
                    refusal = head
                case .data(let bytes):
                    if refusal == nil {
                        try append(bytes)
                    } else if body.count < APIClient.maximumRefusalBytes {
                        body += bytes
                    }
                case nil: return try await end()
                }
            }
        }

        private mutating func append(_ bytes: [UInt8]) throws {
            lines.append(bytes)
            guard lines.pending <= APIClient.maximumLineBytes else {
                throw APIError(
                    kind: .malformed, request: request,
                    message: "a watch event exceeds \(APIClient.maximumLineBytes) bytes")
            }
        }

        private func end() async throws -> WatchEvent<Object>? {
            if let refusal {
                if refusal.status == 401 { await onUnauthorized() }
                throw APIError(
                    request: request,
                    response: HTTPResponse(status: refusal.status, headers: refusal.headers, body: body))
            }
            try Task.checkCancellation()
            guard lines.pending == 0 else {
                throw APIError(kind: .transport, request: request, message: "the watch ended in the middle of an event")
            }
            return nil
        }
    }
}

/// Cuts a stream of bytes into lines.
struct LineBuffer {
    private var bytes: [UInt8] = []
    private var start = 0
    private var searched = 0

    /// Bytes that no line has taken.
    var pending: Int { bytes.count - start }

    mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            start = 0
        }
        bytes += more
    }

    /// Passes the next whole, non-empty line to `parse`; `nil` where there is none. The line is used up even where
    /// `parse` throws.
    mutating func next<Value>(_ parse: (UnsafeRawBufferPointer) throws -> Value) throws -> Value? {
        while let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = start..<end
            start = end + 1
            searched = start
            if line.isEmpty || bytes[line].elementsEqual([UInt8(ascii: "\r")]) { continue }
            return try bytes.withUnsafeBytes { try parse(UnsafeRawBufferPointer(rebasing: $0[line])) }
        }
        searched = bytes.count
        return nil
    }
}
