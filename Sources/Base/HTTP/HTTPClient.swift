import CCurl
import Foundation
import Synchronization

/// HTTP over libcurl's multi interface, on a thread of its own.
///
/// libcurl may block (name resolution, TLS), which must never happen on the cooperative pool. All transfers share the
/// thread and the connection cache. Over TLS a server that offers HTTP/2 is spoken to in it, with at most
/// `maximumStreams` requests to a connection; long-lived requests keep a connection to themselves. Proxies are used
/// only where `TransportSettings` names one: environment variables are not consulted.
public final class HTTPClient: Sendable {
    /// The most requests that share an HTTP/2 connection; more of them open another.
    public static let maximumStreams = 32

    private let mailbox: TransferMailbox
    private let settings: TransportSettings

    /// Starts the thread.
    /// - Parameter settings: what all requests of this client have in common.
    /// - Throws: `TransportError` where libcurl cannot be set up.
    public init(settings: TransportSettings = TransportSettings()) throws {
        guard Self.isLibraryReady, let multi = curl_multi_init() else {
            throw TransportError(code: -1, message: "libcurl cannot be initialised")
        }
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, Self.maximumStreams)
        self.settings = settings
        let mailbox = TransferMailbox(multi: multi)
        self.mailbox = mailbox
        let thread = Thread { TransferLoop(mailbox: mailbox).run() }
        thread.name = "http"
        thread.start()
    }

    deinit {
        mailbox.stop()
    }

    /// Sends `request`; what arrives is delivered as it arrives. Ending the iteration early aborts the transfer.
    /// - Parameters:
    ///   - request: what to send.
    ///   - settings: in place of the client's own.
    public func stream(_ request: HTTPRequest, settings: TransportSettings? = nil) -> HTTPStream {
        let buffer = StreamBuffer()
        let id = mailbox.submit(request, settings ?? self.settings, buffer)
        return HTTPStream(
            buffer, resume: { [mailbox] in mailbox.resume(id) }, abort: { [mailbox] in mailbox.cancel(id) })
    }

    /// Sends `request` and collects the reply.
    /// - Throws: `TransportError` where the transfer fails or the body exceeds `maximumBytes`; `CancellationError`.
    public func send(_ request: HTTPRequest, maximumBytes: Int) async throws -> HTTPResponse {
        var head = HTTPHead()
        var body: [UInt8] = []
        for try await event in stream(request) {
            switch event {
            case .head(let received): head = received
            case .data(let bytes):
                guard body.count + bytes.count <= maximumBytes else {
                    throw TransportError(code: -1, message: "the reply exceeds \(maximumBytes) bytes")
                }
                body.append(contentsOf: bytes)
            }
        }
        try Task.checkCancellation()
        return HTTPResponse(status: head.status, version: head.version, headers: head.headers, body: body)
    }

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}

/// What all transfers of a client have in common.
public struct TransportSettings: Sendable, Hashable {
    /// The only certificates that may sign the server's; the system's where `nil`.
    public var certificateAuthority: PEMSource?
    /// The folder of the system's certificates, by OpenSSL's hashes; libcurl's own default where `nil`. For tests.
    package var systemAuthorities: String?
    /// The client's certificate; none is shown where `nil`.
    public var clientCertificate: PEMSource?
    /// The key of the client's certificate.
    public var clientKey: PEMSource?
    /// Whether the server's certificate is checked.
    public var verifiesServer = true
    /// The proxy's URL; none where `nil`.
    public var proxy: String?
    /// "HOST:PORT" to connect to instead of the URL's, whose host is then only the name in the certificate.
    public var connectTo: String?
    /// Seconds to wait for a connection.
    public var connectTimeout = 10.0
    /// Direct connections that check servers against the system's certificates.
    public init() {}
}

/// Where a certificate or key in PEM form comes from. A file is read at each new connection, so that it can rotate.
public enum PEMSource: Sendable, Hashable {
    /// A file's path.
    case file(String)
    /// The bytes themselves.
    case inline([UInt8])
}

/// The way into the transfer thread.
final class TransferMailbox: Sendable {
    struct Contents {
        var submitted: [Transfer] = []
        var cancelled: [UInt64] = []
        var resumed: [UInt64] = []
        var nextID: UInt64 = 0
        var isStopped = false
    }

    // Invariant: only the transfer thread uses the handle, but for curl_multi_wakeup, which libcurl allows from any
    // thread and which is called under the lock and never after `isStopped`, so never after the handle is gone.
    nonisolated(unsafe) let multi: UnsafeMutableRawPointer
    private let contents = Mutex(Contents())

    init(multi: UnsafeMutableRawPointer) {
        self.multi = multi
    }

    func submit(_ request: HTTPRequest, _ settings: TransportSettings, _ buffer: StreamBuffer) -> UInt64 {
        contents.withLock { contents in
            contents.nextID += 1
            guard !contents.isStopped else {
                buffer.finish(Transfer.closed)
                return contents.nextID
            }
            contents.submitted.append(
                Transfer(id: contents.nextID, request: request, settings: settings, buffer: buffer))
            curl_multi_wakeup(multi)
            return contents.nextID
        }
    }

    func cancel(_ id: UInt64) {
        contents.withLock { contents in
            guard !contents.isStopped else { return }
            contents.cancelled.append(id)
            curl_multi_wakeup(multi)
        }
    }

    func resume(_ id: UInt64) {
        contents.withLock { contents in
            guard !contents.isStopped else { return }
            contents.resumed.append(id)
            curl_multi_wakeup(multi)
        }
    }

    func stop() {
        contents.withLock { contents in
            guard !contents.isStopped else { return }
            contents.isStopped = true
            curl_multi_wakeup(multi)
        }
    }

    func collect() -> Contents {
        contents.withLock { contents in
            let collected = contents
            contents.submitted = []
            contents.cancelled = []
            contents.resumed = []
            return collected
        }
    }
}
