import HTTP
import JSON

/// A client of one cluster's API server.
///
/// Safe to share between tasks. Nothing is retried here: `Reflector` is what keeps trying.
public final class APIClient: Sendable {
    /// The cluster this client talks to.
    public let access: ClusterAccess
    /// Seconds that an ordinary request may take.
    public let timeout: Double
    private let http: HTTPClient
    /// What the server offers, as far as it was asked.
    let discovered = DiscoveryCache()

    /// The most bytes of a reply that is collected whole.
    public static let maximumReplyBytes = 512 << 20
    /// The longest line of a watch; the API server's own storage refuses objects a fifth of this size.
    static let maximumLineBytes = 8 << 20

    /// Makes a client; no connection is opened yet.
    /// - Parameters:
    ///   - access: the server and credentials.
    ///   - timeout: seconds that an ordinary request may take.
    /// - Throws: `APIError` where libcurl cannot be set up.
    public init(access: ClusterAccess, timeout: Double = 30) throws {
        self.access = access
        self.timeout = timeout
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
        var request = try makeRequest(method, path, query, accept: "application/json, */*")
        request.body = body
        request.timeout = timeout ?? self.timeout
        if body != nil { request.headers.append(("Content-Type", contentType)) }
        let name = Self.name(request)
        let response: HTTPResponse
        do {
            response = try await http.send(request, maximumBytes: Self.maximumReplyBytes)
        } catch let error as TransportError {
            throw APIError(kind: .transport, request: name, message: "\(error)")
        }
        guard (200..<300).contains(response.status) else { throw APIError(request: name, response: response) }
        return response
    }

    /// Lists all objects of a kind, page by page.
    ///
    /// Should the pages' snapshot expire under way (410), the list is taken again in one piece.
    /// - Parameters:
    ///   - kind: the objects' type.
    ///   - path: the collection; by default that of all namespaces.
    ///   - query: selectors, such as `fieldSelector`.
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
            let response: HTTPResponse
            do {
                response = try await request(.get, path, query: pageQuery)
            } catch let error as APIError where error.code == 410 && next != nil {
                items = []
                next = nil
                limit = 0
                continue
            }
            let page: ObjectList<Object>
            do {
                page = try ObjectList(parsing: response.body)
            } catch {
                throw APIError(
                    kind: .malformed, request: "GET \(access.server)\(path)",
                    message: "the list of \(Object.kind) objects cannot be read: \(error)")
            }
            if items.isEmpty { items = page.items } else { items += page.items }
            guard let token = page.continuation, !token.isEmpty else {
                return ObjectList(items: items, resourceVersion: page.resourceVersion, continuation: nil)
            }
            next = token
        }
    }

    /// Watches a collection from a version on.
    ///
    /// The sequence ends without an error when the server ends the watch in order.
    /// - Parameters:
    ///   - kind: the objects' type.
    ///   - path: the collection; by default that of all namespaces.
    ///   - query: selectors, such as `fieldSelector`.
    ///   - resourceVersion: the version of the list or event to go on from.
    ///   - timeoutSeconds: after how long the server shall end the watch.
    /// - Returns: the events; iterating throws `APIError` where the watch is refused, breaks or brings garbage.
    func watch<Object: APIObject>(
        _ kind: Object.Type, path: String, query: [(name: String, value: String)], resourceVersion: String,
        timeoutSeconds: Int
    ) throws -> WatchStream<Object> {
        var watchQuery = query
        watchQuery.append(("watch", "true"))
        watchQuery.append(("allowWatchBookmarks", "true"))
        watchQuery.append(("resourceVersion", resourceVersion))
        watchQuery.append(("timeoutSeconds", "\(timeoutSeconds)"))
        var request = try makeRequest(.get, path, watchQuery, accept: "application/json")
        // The server ends the watch by itself; this only catches a connection that died without a sign.
        request.timeout = Double(timeoutSeconds) + 30
        return WatchStream(events: http.stream(request), request: Self.name(request))
    }

    private func makeRequest(
        _ method: HTTPMethod, _ path: String, _ query: [(name: String, value: String)], accept: String
    ) throws -> HTTPRequest {
        var url = access.requestBase + path
        for (index, item) in query.enumerated() {
            url += index == 0 ? "?" : "&"
            url += percentEncoded(item.name) + "=" + percentEncoded(item.value)
        }
        var request = HTTPRequest(method: method, url: url, timeout: timeout)
        request.headers = [("Accept", accept)]
        do {
            if let authorization = try access.authorization() {
                request.headers.append(("Authorization", authorization))
            }
        } catch {
            throw APIError(kind: .access, request: Self.name(request), message: "\(error)")
        }
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

    init(items: [Object], resourceVersion: String, continuation: String?) {
        self.items = items
        self.resourceVersion = resourceVersion
        self.continuation = continuation
    }

    init(parsing bytes: [UInt8]) throws {
        var items: [Object] = []
        var resourceVersion: String?
        var continuation: String?
        try JSONReader.reading(bytes) { reader in
            try reader.readObject { reader, key in
                switch key {
                case "items": try reader.readArrayIfPresent { items.append(try Object(reading: &$0)) }
                case "metadata":
                    try reader.readObject { reader, key in
                        switch key {
                        case "resourceVersion": resourceVersion = try reader.readString()
                        case "continue": continuation = try reader.readStringIfPresent()
                        default: try reader.skipValue()
                        }
                    }
                default: try reader.skipValue()
                }
            }
        }
        guard let resourceVersion, !resourceVersion.isEmpty else {
            throw ObjectError(object: "\(Object.kind)List", message: "metadata.resourceVersion is missing")
        }
        self.init(items: items, resourceVersion: resourceVersion, continuation: continuation)
    }
}
