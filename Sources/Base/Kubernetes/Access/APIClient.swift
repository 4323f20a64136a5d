import HTTP

/// A client of one cluster's API server.
///
/// Safe to share between tasks. But for a 401 answered with fresh credentials, nothing is retried here: `Reflector` is
/// what keeps trying.
public final class APIClient: Sendable {
    /// The cluster this client talks to.
    public let access: ClusterAccess
    /// Seconds that an ordinary request may take.
    public let timeout: Double
    /// What the server offers, as far as it was asked.
    let discovered = DiscoveryCache()
    private let http: HTTPClient
    private let credentials: CredentialSource

    /// The most bytes of a reply that is collected whole.
    public static let maximumReplyBytes = 512 << 20
    /// The longest line of a watch and the longest item of a list; the API server's own storage refuses objects a fifth
    /// of this size.
    static let maximumLineBytes = 8 << 20
    /// How much of a refusal's text is read.
    static let maximumRefusalBytes = 1 << 20

    /// Makes a client; no connection is opened yet.
    /// - Parameters:
    ///   - access: the server and credentials.
    ///   - timeout: seconds that an ordinary request may take.
    /// - Throws: `APIError` where libcurl cannot be set up.
    public init(access: ClusterAccess, timeout: Double = 30) throws {
        self.access = access
        self.timeout = timeout
        credentials = CredentialSource(access: access)
        do {
            http = try HTTPClient(settings: access.transportSettings)
        } catch {
            throw APIError(kind: .transport, request: access.server, message: "\(error)")
        }
    }

    /// Sends a request and returns the reply to it.
    /// - Parameters:
    ///   - method: what to do.
    ///   - path: the absolute path, already percent-encoded.
    ///   - query: names and values, encoded here.
    ///   - body: the body, or `nil`.
    ///   - contentType: the body's type.
    ///   - timeout: seconds for the whole exchange; the client's own where `nil`.
    /// - Returns: the reply, whose status is below 300.
    /// - Throws: `APIError`, or `CancellationError` when the task is cancelled.
    public func request(
        _ method: HTTPMethod, _ path: String, query: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        contentType: String = "application/json", timeout: Double? = nil
    ) async throws -> HTTPResponse {
        var request = makeRequest(method, path, query, accept: "application/json, */*")
        request.body = body
        request.timeout = timeout ?? self.timeout
        if body != nil { request.headers.append(("Content-Type", contentType)) }
        var collected: [UInt8] = []
        let head = try await exchange(request) { bytes in
            guard collected.count + bytes.count <= Self.maximumReplyBytes else {
                throw TransportError(code: -1, message: "the reply exceeds \(Self.maximumReplyBytes) bytes")
            }
            collected += bytes
        }
        return HTTPResponse(status: head.status, version: head.version, headers: head.headers, body: collected)
    }

    /// Lists all objects of a kind, page by page, each object being decoded as it arrives.
    ///
    /// Should the pages' snapshot expire under way (410), the list is taken again in one piece.
    /// - Parameters:
    ///   - kind: the objects' type.
    ///   - path: the collection; by default that of all namespaces.
    ///   - query: selectors: `labelSelector`, `fieldSelector`.
    ///   - pageSize: objects per page; 0 for one piece.
    /// - Throws: `APIError`, or `CancellationError` when the task is cancelled.
    public func list<Object: APIObject>(
        _ kind: Object.Type, path: String = Object.collectionPath, query: [(name: String, value: String)] = [],
        pageSize: Int = 500
    ) async throws -> ObjectList<Object> {
        var items: [Object] = []
        var next: String?
        var limit = pageSize
        while true {
            var pageQuery = query
            if limit > 0 { pageQuery.append(("limit", "\(limit)")) }
            if let next { pageQuery.append(("continue", next)) }
            let page: ObjectList<Object>
            do {
                page = try await self.page(kind, path, pageQuery)
            } catch let error as APIError where error.code == 410 && next != nil {
                items = []
                next = nil
                limit = 0
                continue
            }
            if items.isEmpty { items = page.items } else { items += page.items }
            guard let token = page.continuation, !token.isEmpty else {
                return ObjectList(items: items, resourceVersion: page.resourceVersion, continuation: nil)
            }
            next = token
        }
    }

    private func page<Object: APIObject>(
        _ kind: Object.Type, _ path: String, _ query: [(name: String, value: String)]
    ) async throws -> ObjectList<Object> {
        let request = makeRequest(.get, path, query, accept: "application/json")
        var decoder = ListDecoder<Object>()
        do {
            _ = try await exchange(request) { try decoder.append($0) }
            return try decoder.finish()
        } catch let error where error is APIError || error is CancellationError {
            throw error
        } catch {
            throw APIError(
                kind: .malformed, request: Self.name(request),
                message: "the list of \(Object.kind) objects cannot be read: \(error)")
        }
    }

    /// Watches a collection from a version on.
    ///
    /// The sequence ends without an error when the server ends the watch in order.
    /// - Parameters:
    ///   - kind: the objects' type.
    ///   - path: the collection; by default that of all namespaces.
    ///   - query: selectors: `labelSelector`, `fieldSelector`.
    ///   - resourceVersion: the version of the list or event to go on from.
    ///   - timeoutSeconds: after how long the server should end the watch.
    /// - Returns: the events; iterating throws `APIError` where the watch is refused, breaks or brings garbage.
    /// - Throws: `APIError` where there are no credentials.
    func watch<Object: APIObject>(
        _ kind: Object.Type, path: String, query: [(name: String, value: String)], resourceVersion: String,
        timeoutSeconds: Int
    ) async throws -> WatchStream<Object> {
        var watchQuery = query
        watchQuery.append(("watch", "true"))
        watchQuery.append(("allowWatchBookmarks", "true"))
        watchQuery.append(("resourceVersion", resourceVersion))
        watchQuery.append(("timeoutSeconds", "\(timeoutSeconds)"))
        var request = makeRequest(.get, path, watchQuery, accept: "application/json")
        // The server ends the watch by itself; this only catches a connection that died without a sign.
        request.timeout = Double(timeoutSeconds) + 30
        request.isLongLived = true
        let credential = try await prove(&request)
        return WatchStream(
            events: http.stream(request, settings: credential.settings), request: Self.name(request),
            onUnauthorized: { [credentials] in _ = await credentials.renew(after: credential) })
    }

    /// Sends `request` and passes the body on as it arrives, if the status is below 300. A 401 is answered once with
    /// fresh credentials, if there are any.
    /// - Throws: `APIError`, `CancellationError`, and what `body` throws but for `TransportError`.
    private func exchange(_ request: HTTPRequest, _ body: ([UInt8]) throws -> Void) async throws -> HTTPHead {
        var isRetry = false
        while true {
            var request = request
            let name = Self.name(request)
            let credential = try await prove(&request)
            var head = HTTPHead()
            var refusal: [UInt8] = []
            do {
                for try await event in http.stream(request, settings: credential.settings) {
                    switch event {
                    case .head(let received): head = received
                    case .data(let bytes):
                        if (200..<300).contains(head.status) {
                            try body(bytes)
                        } else if refusal.count < Self.maximumRefusalBytes {
                            refusal += bytes
                        }
                    }
                }
            } catch let error as TransportError {
                throw APIError(kind: .transport, request: name, message: "\(error)")
            }
            try Task.checkCancellation()
            if (200..<300).contains(head.status) { return head }
            if head.status == 401, !isRetry, await credentials.renew(after: credential) {
                isRetry = true
                continue
            }
            throw APIError(
                request: name, response: HTTPResponse(status: head.status, headers: head.headers, body: refusal))
        }
    }

    /// Adds the credentials to a request.
    private func prove(_ request: inout HTTPRequest) async throws -> Credential {
        do {
            let credential = try await credentials.current()
            if let authorization = credential.authorization {
                request.headers.append(("Authorization", authorization))
            }
            return credential
        } catch let error as AccessError {
            throw APIError(kind: .access, request: Self.name(request), message: "\(error)")
        }
    }

    private func makeRequest(
        _ method: HTTPMethod, _ path: String, _ query: [(name: String, value: String)], accept: String
    ) -> HTTPRequest {
        var url = access.requestBase + path
        for (index, item) in query.enumerated() {
            url += index == 0 ? "?" : "&"
            url += percentEncoded(item.name) + "=" + percentEncoded(item.value)
        }
        var request = HTTPRequest(method: method, url: url, timeout: timeout)
        request.headers = [("Accept", accept)]
        return request
    }

    /// The request as errors name it, without its query, which may be long.
    private static func name(_ request: HTTPRequest) -> String {
        "\(request.method.rawValue) \(request.url.prefix { $0 != "?" })"
    }
}

/// A list of objects as of one version of the cluster's state.
public struct ObjectList<Object: APIObject>: Sendable {
    /// The objects, in the server's order.
    public let items: [Object]
    /// The version to watch from.
    public let resourceVersion: String
    /// The token of the next page; `nil` on the last.
    let continuation: String?
}
