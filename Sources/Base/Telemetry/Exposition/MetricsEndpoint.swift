public import HTTP

/// One scrape: what an exporter's text said and when it was asked.
public struct Scrape: Sendable, Equatable {
    /// The samples.
    public var samples: [MetricSample]
    /// When it was asked, in seconds since 1970: the time of samples that carry none.
    public var time: Double

    /// A scrape with all its parts.
    public init(samples: [MetricSample], time: Double) {
        self.samples = samples
        self.time = time
    }
}

/// A URL that serves metrics as text.
public struct MetricsEndpoint: Sendable {
    /// Sends a request and collects the reply, as `HTTPClient.send` does.
    public typealias Sender = @Sendable (HTTPRequest) async throws -> HTTPResponse

    /// The URL.
    public let url: String
    /// Seconds for a scrape.
    public let timeout: Double
    private let send: Sender

    /// The largest text that is read, in bytes.
    public static let maximumTextBytes = 64 << 20

    /// The endpoint at `url`.
    /// - Parameters:
    ///   - url: http or https.
    ///   - timeout: seconds for a scrape, above 0.
    ///   - client: what connects to it.
    public init(url: String, timeout: Double = 10, client: HTTPClient) {
        self.init(url: url, timeout: timeout) { try await client.send($0, maximumBytes: Self.maximumTextBytes) }
    }

    /// An endpoint that is reached in another way.
    /// - Parameters:
    ///   - url: its URL.
    ///   - timeout: seconds for a scrape, above 0.
    ///   - send: sends each request.
    public init(url: String, timeout: Double = 10, send: @escaping Sender) {
        precondition(timeout > 0, "a scrape takes time")
        self.url = url
        self.timeout = timeout
        self.send = send
    }

    /// Scrapes once, in the format that the reply's Content-Type announces.
    /// - Parameters:
    ///   - names: the metrics wanted; `nil` for all.
    ///   - time: the present, in seconds since 1970.
    /// - Throws: `ScrapeError` for an unexpected reply, `ExpositionError` for malformed text, `TransportError`;
    ///   `CancellationError`.
    public func scrape(named names: Set<String>? = nil, at time: Double) async throws -> Scrape {
        let response = try await get(accept: ExpositionFormat.accept)
        let type = response.headers["content-type"]
        guard let format = ExpositionFormat(contentType: type) else {
            throw ScrapeError(url: url, status: response.status, message: "the reply is of type \(type ?? "none")")
        }
        var samples: [MetricSample] = []
        try ExpositionParser.forEachSample(in: response.body, named: names, format: format) { samples.append($0) }
        return Scrape(samples: samples, time: time)
    }

    /// The reply to a request with this Accept header.
    func get(accept: String) async throws -> HTTPResponse {
        var request = HTTPRequest(url: url, timeout: timeout)
        request.headers = [("Accept", accept)]
        let response = try await send(request)
        guard response.status == 200 else {
            let start = String(decoding: response.body.prefix(200), as: UTF8.self)
            throw ScrapeError(url: url, status: response.status, message: start)
        }
        return response
    }
}

/// A reply that holds no metrics.
public struct ScrapeError: Error, Hashable, CustomStringConvertible {
    /// What was asked.
    public let url: String
    /// The HTTP status.
    public let status: Int
    /// What the reply said instead.
    public let message: String

    /// The URL, the status and the message.
    public var description: String { "\(url): expected metrics, found HTTP status \(status): \(message)" }
}
