/// A request method. A struct, so that any method can be named.
public struct HTTPMethod: RawRepresentable, Sendable, Hashable {
    /// The method as it is sent.
    public let rawValue: String
    /// A method by name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// Reads.
    public static let get = HTTPMethod(rawValue: "GET")
    /// Creates.
    public static let post = HTTPMethod(rawValue: "POST")
    /// Replaces.
    public static let put = HTTPMethod(rawValue: "PUT")
    /// Changes in part.
    public static let patch = HTTPMethod(rawValue: "PATCH")
    /// Removes.
    public static let delete = HTTPMethod(rawValue: "DELETE")
}

/// One request as the transport sends it.
public struct HTTPRequest: Sendable {
    /// What to do.
    public var method: HTTPMethod
    /// The absolute URL, http or https, already percent-encoded.
    public var url: String
    /// Headers in the order they are sent.
    public var headers: [(name: String, value: String)] = []
    /// The body; none is sent where `nil`.
    public var body: [UInt8]?
    /// Seconds for the whole exchange, body included.
    public var timeout: Double
    /// Whether the reply goes on for minutes, as a watch does. It then has a connection to itself, in HTTP/1.1.
    public var isLongLived = false

    /// A request without headers or body.
    /// - Parameters:
    ///   - method: what to do.
    ///   - url: the absolute URL, http or https, already percent-encoded.
    ///   - timeout: seconds for the whole exchange, body included.
    public init(method: HTTPMethod = .get, url: String, timeout: Double) {
        self.method = method
        self.url = url
        self.timeout = timeout
    }
}

/// What arrives for a request, in order: one head, then data until the stream ends.
public enum HTTPEvent: Sendable {
    /// The final status and headers.
    case head(HTTPHead)
    /// The next bytes of the body.
    case data([UInt8])
}

/// Status and headers of a reply.
public struct HTTPHead: Sendable {
    /// The version of HTTP that the server spoke, such as "1.1" or "2".
    public internal(set) var version = ""
    /// The status code.
    public internal(set) var status = 0
    /// By lower-case name; of a repeated header the last.
    public internal(set) var headers: [String: String] = [:]
    /// A head that has not arrived: status 0.
    public init() {}
}

/// A reply whose body has arrived in full.
public struct HTTPResponse: Sendable {
    /// The status code.
    public let status: Int
    /// The version of HTTP that the server spoke, such as "1.1" or "2".
    public let version: String
    /// Headers by lower-case name; of a repeated header the last.
    public let headers: [String: String]
    /// The body's bytes.
    public let body: [UInt8]

    /// A reply made of its parts.
    /// - Parameters:
    ///   - status: the status code.
    ///   - version: the version of HTTP, such as "1.1".
    ///   - headers: headers by lower-case name.
    ///   - body: the body's bytes.
    public init(status: Int, version: String = "1.1", headers: [String: String], body: [UInt8]) {
        self.status = status
        self.version = version
        self.headers = headers
        self.body = body
    }
}

/// A transfer that failed below HTTP.
public struct TransportError: Error, CustomStringConvertible {
    /// libcurl's code (https://curl.se/libcurl/c/libcurl-errors.html), or -1 where it was not asked.
    public let code: Int
    /// What went wrong.
    public let message: String

    /// An error by code and message.
    public init(code: Int, message: String) {
        self.code = code
        self.message = message
    }

    /// The message, with libcurl's code where it was asked.
    public var description: String { code >= 0 ? "\(message) (libcurl error \(code))" : message }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
public func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            encoded.append(byte)
        default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: encoded, as: UTF8.self)
}
