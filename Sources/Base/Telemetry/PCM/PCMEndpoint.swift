public import Windows
public import HTTP

/// A node's pcm-sensor-server, on port 9738 where nothing else is said.
public struct PCMEndpoint: Sendable {
    /// The server's address without a slash at its end, such as http://127.0.0.1:9738.
    public let server: String
    /// Seconds for a request.
    public let timeout: Double
    private let client: HTTPClient

    /// The windows that the server keeps: it samples each second and keeps half a minute.
    public static let windows = 1...29

    /// The server at `server`.
    /// - Parameters:
    ///   - server: http or https, a host and a port.
    ///   - timeout: seconds for a request, above 0.
    ///   - client: what connects to it.
    public init(server: String = "http://127.0.0.1:9738", timeout: Double = 10, client: HTTPClient) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.timeout = timeout
        self.client = client
    }

    /// What was counted in the last `seconds` seconds. JSON is asked for and either form is read.
    /// - Parameters:
    ///   - seconds: the window's length, within `windows`.
    ///   - time: the present, in seconds since 1970: the end of the window.
    /// - Throws: `ScrapeError` for an unexpected reply, `PCMError`, `JSONError` and `ExpositionError` for another form,
    ///   `TransportError`; `CancellationError`.
    public func window(seconds: Int = 20, at time: Double) async throws -> PCMFigures {
        precondition(Self.windows.contains(seconds), "pcm-sensor-server keeps windows of 1 to 29 s")
        let counters = try await counters("/persecond/\(seconds)", accept: "application/json")
        return PCMFigures(counters, seconds: Double(seconds), time: time)
    }

    /// What was counted since the server started.
    /// - Throws: as `window(seconds:at:)`.
    public func sinceStart() async throws -> PCMCounters {
        try await counters("/metrics", accept: "text/plain;version=0.0.4")
    }

    private func counters(_ path: String, accept: String) async throws -> PCMCounters {
        let endpoint = MetricsEndpoint(url: server + path, timeout: timeout, client: client)
        let response = try await endpoint.get(accept: accept)
        let type = response.headers["content-type"]
        if type?.lowercased().hasPrefix("application/json") == true {
            return try PCMCounters(parsingJSON: response.body)
        }
        guard let format = ExpositionFormat(contentType: type) else {
            throw ScrapeError(
                url: endpoint.url, status: response.status, message: "the reply is of type \(type ?? "none")")
        }
        var samples: [MetricSample] = []
        try ExpositionParser.forEachSample(in: response.body, named: PCMCounters.metrics, format: format) {
            samples.append($0)
        }
        return try PCMCounters(samples: samples)
    }
}
