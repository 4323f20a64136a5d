import CCurl

/// Drives the transfers of one client. Lives on the client's thread and nowhere else.
struct TransferLoop {
    let mailbox: TransferMailbox
    private var running: [UInt64: Transfer] = [:]
    private var identifiers: [UnsafeMutableRawPointer: UInt64] = [:]

    init(mailbox: TransferMailbox) {
        self.mailbox = mailbox
    }

    /// Runs until the client is closed.
    consuming func run() {
        let multi = mailbox.multi
        while true {
            let mail = mailbox.collect()
            if mail.isStopped {
                for transfer in mail.submitted { transfer.finish(Transfer.closed) }
                break
            }
            for transfer in mail.submitted { start(transfer) }
            for id in mail.resumed { resume(id) }
            for id in mail.cancelled { end(id, nil) }
            var active: Int32 = 0
            curl_multi_perform(multi, &active)
            reap()
            // Wakes for traffic, for timers of libcurl and for new mail.
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        for id in Array(running.keys) { end(id, Transfer.closed) }
        curl_multi_cleanup(multi)
    }

    private mutating func start(_ transfer: Transfer) {
        guard let easy = transfer.configure() else {
            transfer.finish(TransportError(code: -1, message: "libcurl refuses the request"))
            return
        }
        running[transfer.id] = transfer
        identifiers[easy] = transfer.id
        let code = curl_multi_add_handle(mailbox.multi, easy)
        if code != CURLM_OK {
            end(transfer.id, TransportError(code: Int(code.rawValue), message: "libcurl cannot start the transfer"))
        }
    }

    /// Lets a paused transfer go on. libcurl hands over what it held back within the call.
    private func resume(_ id: UInt64) {
        if let easy = running[id]?.easy { curl_easy_pause(easy, CURLPAUSE_CONT) }
    }

    private mutating func end(_ id: UInt64, _ error: TransportError?) {
        guard let transfer = running.removeValue(forKey: id) else { return }
        if let easy = transfer.easy {
            identifiers[easy] = nil
            curl_multi_remove_handle(mailbox.multi, easy)
        }
        transfer.finish(error)
    }

    private mutating func reap() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(mailbox.multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let id = identifiers[easy]
            else { continue }
            // The message is gone once its handle is removed.
            let result = ccurl_message_result(message)
            end(id, result == CURLE_OK ? nil : running[id]?.error(for: result))
        }
    }
}

/// One exchange. Made anywhere, then used by the transfer thread alone.
final class Transfer: @unchecked Sendable {
    // Invariant behind @unchecked Sendable: until it is submitted a transfer is only held by its maker, under the
    // mailbox's lock; afterwards only the transfer thread touches it.
    static let closed = TransportError(code: -1, message: "the client was closed")

    let id: UInt64
    private(set) var easy: UnsafeMutableRawPointer?
    private let request: HTTPRequest
    private let settings: TransportSettings
    private let buffer: StreamBuffer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var connectTo: UnsafeMutablePointer<curl_slist>?
    private var head = HTTPHead()
    private let errorText: UnsafeMutableBufferPointer<CChar>

    init(id: UInt64, request: HTTPRequest, settings: TransportSettings, buffer: StreamBuffer) {
        self.id = id
        self.request = request
        self.settings = settings
        self.buffer = buffer
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0)
    }

    deinit {
        if let easy { curl_easy_cleanup(easy) }
        curl_slist_free_all(headers)
        curl_slist_free_all(connectTo)
        errorText.deallocate()
    }

    func finish(_ error: TransportError?) {
        buffer.finish(error)
    }

    func error(for result: CURLcode) -> TransportError {
        let detail = errorText.baseAddress.map { String(cString: $0) } ?? ""
        return TransportError(
            code: Int(result.rawValue), message: detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail)
    }

    /// Makes the libcurl handle; `nil` where libcurl refuses an option. Context pointers are unretained: the loop
    /// keeps the transfer until its handle is out of the multi handle.
    func configure() -> UnsafeMutableRawPointer? {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        let context = Unmanaged.passUnretained(self).toOpaque()
        var ok = true
        func set(_ code: CURLcode) { ok = ok && code == CURLE_OK }

        set(ccurl_set_string(easy, CURLOPT_URL, request.url))
        set(ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"))
        // Requests that share an HTTP/2 connection share its flow control, and a watch must not wait for a list.
        let version = request.isLongLived ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS
        set(ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(version)))
        set(ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1))
        set(ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1))
        set(ccurl_set_long(easy, CURLOPT_TCP_KEEPIDLE, 30))
        set(ccurl_set_long(easy, CURLOPT_TCP_KEEPINTVL, 10))
        set(ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectTimeout * 1_000)))
        set(ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(request.timeout * 1_000)))
        set(ccurl_set_long(easy, CURLOPT_BUFFERSIZE, 128 * 1_024))
        set(ccurl_set_string(easy, CURLOPT_USERAGENT, "berth"))
        // An empty string, unlike a missing one, keeps libcurl from reading proxies out of the environment.
        set(ccurl_set_string(easy, CURLOPT_PROXY, settings.proxy ?? ""))
        // The head of a reply is the server's, not that of a proxy which lets the connection through.
        set(ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1))
        set(ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText.baseAddress))
        set(ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context))
        set(ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION, receiveData))
        set(ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context))
        set(ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION, receiveHeader))
        setSecurity(easy, set)
        setContent(easy, set)
        return ok ? easy : nil
    }

    private func setSecurity(_ easy: UnsafeMutableRawPointer, _ set: (CURLcode) -> Void) {
        func source(_ source: PEMSource?, file: CURLoption, blob: CURLoption) {
            switch source {
            case .file(let path): set(ccurl_set_string(easy, file, path))
            case .inline(let bytes):
                bytes.withUnsafeBytes { set(ccurl_set_blob(easy, blob, $0.baseAddress, $0.count)) }
            case nil: break
            }
        }
        source(settings.certificateAuthority, file: CURLOPT_CAINFO, blob: CURLOPT_CAINFO_BLOB)
        // libcurl trusts the folder of the system's authorities beside a file or bytes, unless CURLOPT_CAPATH is cleared.
        if settings.certificateAuthority != nil || settings.systemAuthorities != nil {
            let folder = settings.certificateAuthority == nil ? settings.systemAuthorities : nil
            set(ccurl_set_string(easy, CURLOPT_CAPATH, folder))
        }
        source(settings.clientCertificate, file: CURLOPT_SSLCERT, blob: CURLOPT_SSLCERT_BLOB)
        source(settings.clientKey, file: CURLOPT_SSLKEY, blob: CURLOPT_SSLKEY_BLOB)
        if !settings.verifiesServer {
            set(ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0))
            set(ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0))
        }
        if let target = settings.connectTo {
            connectTo = curl_slist_append(nil, "::\(target)")
            set(ccurl_set_list(easy, CURLOPT_CONNECT_TO, connectTo))
        }
    }

    private func setContent(_ easy: UnsafeMutableRawPointer, _ set: (CURLcode) -> Void) {
        if let body = request.body {
            set(ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(body.count)))
            body.withUnsafeBytes {
                set(ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress)))
            }
        }
        set(ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue))
        // Without this libcurl holds back bodies over 1 MB until the server says "100 Continue".
        headers = curl_slist_append(nil, "Expect:")
        for header in request.headers { headers = curl_slist_append(headers, "\(header.name): \(header.value)") }
        set(ccurl_set_list(easy, CURLOPT_HTTPHEADER, headers))
    }

    /// False pauses the transfer; the same bytes come again when it goes on.
    fileprivate func receive(_ bytes: UnsafeRawBufferPointer) -> Bool { buffer.put(bytes) }

    /// One line of the head. A status line starts it over ("100 Continue" comes before the real one); an empty line
    /// ends it.
    fileprivate func receive(headerLine line: Substring) {
        let line = line.trimmed
        if line.hasPrefix("HTTP/") {
            head = HTTPHead()
            let parts = line.split(separator: " ", maxSplits: 2)
            head.version = String(parts.first?.dropFirst(5) ?? "")
            head.status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        } else if line.isEmpty {
            if head.status >= 200 { buffer.put(head) }
        } else if let colon = line.firstIndex(of: ":") {
            head.headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].trimmed)
        }
    }
}

private let receiveData: ccurl_data_callback = { data, size, count, context in
    guard let data, let context else { return 0 }
    let isTaken = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        .receive(UnsafeRawBufferPointer(start: data, count: size * count))
    return isTaken ? size * count : Int(CURL_WRITEFUNC_PAUSE)
}

private let receiveHeader: ccurl_data_callback = { data, size, count, context in
    guard let data, let context else { return 0 }
    let line = String(decoding: UnsafeRawBufferPointer(start: data, count: size * count), as: UTF8.self)
    Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().receive(headerLine: line[...])
    return size * count
}

extension Substring {
    /// Without white space at both ends.
    package var trimmed: Substring {
        var text = self
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
