public import HTTP
import JSON

/// Asks a Prometheus server through its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).
public struct PrometheusClient: Sendable {
    /// Sends a request and collects the reply, as `HTTPClient.send` does.
    public typealias Sender = @Sendable (HTTPRequest) async throws -> HTTPResponse

    /// The server's address without a slash at its end; may have a path, that of an API server's proxy say.
    public let server: String
    /// Seconds for a query, its transfer included. The server is told to give up then, too.
    public let timeout: Double
    private let send: Sender

    /// The largest reply that is read, in bytes.
    public static let maximumReplyBytes = 64 << 20

    /// A client of the server at `server`.
    /// - Parameters:
    ///   - server: http or https, a host, a port and perhaps a path.
    ///   - timeout: seconds for a query, above 0.
    ///   - client: what connects to it.
    public init(server: String, timeout: Double = 10, client: HTTPClient) {
        self.init(server: server, timeout: timeout) {
            try await client.send($0, maximumBytes: Self.maximumReplyBytes)
        }
    }

    /// A client of a server that is reached in another way, through an API server's proxy say.
    /// - Parameters:
    ///   - server: what every URL begins with.
    ///   - timeout: seconds for a query, above 0.
    ///   - send: sends each request.
    public init(server: String, timeout: Double = 10, send: @escaping Sender) {
        precondition(timeout > 0, "a query takes time")
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.timeout = timeout
        self.send = send
    }

    /// Evaluates a query at one moment.
    /// - Parameters:
    ///   - query: PromQL.
    ///   - time: the moment in seconds since 1970; `nil` for the server's present.
    /// - Throws: `PrometheusError`; `CancellationError`.
    public func query(_ query: String, at time: Double? = nil) async throws -> PrometheusReply {
        var parameters = [("query", query)]
        if let time { parameters.append(("time", Self.number(time))) }
        return try await ask("query", parameters, query)
    }

    /// Evaluates a query at each of several moments.
    /// - Parameters:
    ///   - query: PromQL.
    ///   - start: the first moment in seconds since 1970.
    ///   - end: the last, not before `start`.
    ///   - step: seconds between two, above 0. The server refuses more than 11,000 moments.
    /// - Returns: a matrix.
    /// - Throws: `PrometheusError`; `CancellationError`.
    public func queryRange(
        _ query: String, from start: Double, to end: Double, step: Double
    ) async throws -> PrometheusReply {
        let parameters = [
            ("query", query), ("start", Self.number(start)), ("end", Self.number(end)), ("step", Self.number(step)),
        ]
        return try await ask("query_range", parameters, query)
    }

    /// Whether the server says that it is ready to answer queries.
    public func isReady() async -> Bool {
        let reply = try? await send(HTTPRequest(url: "\(server)/-/ready", timeout: timeout))
        return reply?.status == 200
    }

    /// Queries longer than this many bytes are posted: servers and proxies bound the length of a URL.
    private static let longestQuery = 2_000

    private func ask(
        _ endpoint: String, _ parameters: [(String, String)], _ query: String
    ) async throws -> PrometheusReply {
        let form = (parameters + [("timeout", "\(Int((timeout * 1_000).rounded(.up)))ms")])
            .map { "\($0)=\(percentEncoded($1))" }.joined(separator: "&")
        var request = HTTPRequest(url: "\(server)/api/v1/\(endpoint)", timeout: timeout)
        // GET where it fits: an API server's proxy asks for the permission "get" then and for "create" otherwise.
        if form.utf8.count <= Self.longestQuery {
            request.url += "?\(form)"
        } else {
            request.method = .post
            request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            request.body = Array(form.utf8)
        }
        request.headers.append(("Accept", "application/json"))
        let response: HTTPResponse
        do {
            response = try await send(request)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw PrometheusError(kind: .unreachable, status: 0, message: "\(error)", query: query)
        }
        return try Self.reply(to: query, response)
    }

    private static func reply(to query: String, _ response: HTTPResponse) throws -> PrometheusReply {
        let envelope: PrometheusEnvelope
        do {
            envelope = try PrometheusEnvelope(parsing: response.body)
        } catch {
            // A proxy in between answers in its own words.
            let kind: PrometheusError.Kind =
                switch response.status {
                case 404: .notFound
                case 429, 502, 503, 504: .unavailable
                default: .malformed
                }
            let start = String(decoding: response.body.prefix(200), as: UTF8.self)
            throw PrometheusError(
                kind: kind, status: response.status,
                message: "expected a reply of Prometheus, found \"\(start)\": \(error)",
                query: query)
        }
        if envelope.status == "success", let reply = envelope.reply { return reply }
        if envelope.status == "error" {
            throw PrometheusError(
                kind: PrometheusError.Kind(rawValue: envelope.errorType ?? "malformed"), status: response.status,
                message: envelope.error ?? "no reason was given", query: query)
        }
        throw PrometheusError(
            kind: .malformed, status: response.status,
            message: "expected status success with data or status error, found status \"\(envelope.status)\"",
            query: query)
    }

    /// Without an exponent, which the server's times do not have.
    private static func number(_ value: Double) -> String {
        let thousandths = Int64((value * 1_000).rounded())
        let fraction = String(abs(thousandths % 1_000))
        let sign = thousandths < 0 ? "-" : ""
        return "\(sign)\(abs(thousandths / 1_000)).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}
