import HTTP
import JSON

/// A request to the API server that did not succeed.
public struct APIError: Error, Sendable, CustomStringConvertible {
    /// What stood in the way.
    public enum Kind: Sendable, Hashable {
        /// The server answered with an error; `status` says which.
        case refused
        /// No complete answer arrived: connection, TLS or time-out.
        case transport
        /// The answer is not what the API promises.
        case malformed
        /// Credentials cannot be read.
        case access
        /// The server does not offer what was asked for.
        case unsupported
        /// This client does not ask for it, because it would do harm; `message` says why.
        case guarded
    }

    /// What stood in the way.
    public let kind: Kind
    /// What was asked, such as "GET https://10.0.0.1:6443/api/v1/pods".
    public let request: String
    /// What is wrong.
    public let message: String
    /// The server's account of it; only where `kind` is `refused`.
    public let status: APIStatus?
    /// Seconds after which the server wants to be asked again.
    public let retryAfter: Double?

    /// An error with all its parts.
    public init(
        kind: Kind, request: String, message: String, status: APIStatus? = nil, retryAfter: Double? = nil
    ) {
        self.kind = kind
        self.request = request
        self.message = message
        self.status = status
        self.retryAfter = retryAfter
    }

    /// The HTTP status of a refusal.
    public var code: Int? { status?.code }

    /// "REQUEST: MESSAGE".
    public var description: String { "\(request): \(message)" }

    /// The error that a reply with an error status stands for.
    init(request: String, response: HTTPResponse) {
        let decoded = try? APIStatus(parsing: response.body)
        var status = decoded ?? APIStatus(code: response.status, reason: "", message: "")
        if decoded == nil {
            status.message = String(String(decoding: response.body.prefix(200), as: UTF8.self)[...].trimmed)
        }
        // The reply's own status counts, whatever its body claims.
        status.code = response.status
        let header = response.headers["retry-after"].flatMap(Double.init).flatMap { $0 >= 0 ? $0 : nil }
        self.init(
            kind: .refused, request: request, message: "\(status)", status: status,
            retryAfter: header ?? status.retryAfterSeconds)
    }
}

/// The API's `Status` object: why a request was refused.
public struct APIStatus: Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status code.
    public var code: Int
    /// One word for programs, such as "Conflict"; may be empty.
    public var reason: String
    /// One sentence for people; may be empty.
    public var message: String
    /// The causes' reasons, such as "DisruptionBudget".
    public var causes: [String] = []
    /// Seconds after which to ask again, where the server said.
    public var retryAfterSeconds: Double?

    /// A status without details.
    public init(code: Int, reason: String, message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }

    /// Parses a Status object.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for an object of another kind.
    public init(parsing bytes: [UInt8]) throws {
        self = try JSONReader.reading(bytes) { try APIStatus(reading: $0) }
    }

    /// Reads a Status object.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for an object of another kind.
    public init(reading reader: JSONReader) throws {
        self.init(code: 0, reason: "", message: "")
        var kind: String?
        try reader.readObject { reader, key in
            switch key {
            case "kind": kind = try reader.readStringIfPresent()
            case "code": code = Int(try reader.readInteger())
            case "reason": reason = try reader.readStringIfPresent() ?? ""
            case "message": message = try reader.readStringIfPresent() ?? ""
            case "details": try readDetails(reader)
            default: break
            }
        }
        guard kind == "Status" else {
            throw ObjectError(object: "Status", message: "the object's kind is \(kind ?? "missing")")
        }
    }

    private mutating func readDetails(_ reader: JSONReader) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "retryAfterSeconds":
                let seconds = try reader.readDouble()
                retryAfterSeconds = seconds > 0 ? seconds : nil
            case "causes":
                try reader.readArrayIfPresent { reader in
                    try reader.readObject { reader, key in
                        if key == "reason" {
                            if let reason = try reader.readStringIfPresent() { causes.append(reason) }
                        }
                    }
                }
            default: break
            }
        }
    }

    /// "CODE REASON: MESSAGE".
    public var description: String {
        (reason.isEmpty ? "\(code)" : "\(code) \(reason)") + (message.isEmpty ? "" : ": \(message)")
    }
}
