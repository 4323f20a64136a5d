public import Hummingbird
public import JSON

/// An error that is the client's to know: it says with which status, and its description why.
public protocol AnswerableError: Error, CustomStringConvertible {
    /// The status of the reply.
    var status: HTTPResponse.Status { get }
}

/// What is wrong with a request, or why it cannot be answered now.
public struct RequestError: AnswerableError, Hashable {
    /// What is wrong, and so the status.
    public enum Code: Sendable, Hashable {
        /// 400: the request is not what was expected.
        case malformed
        /// 404: there is nothing of that name.
        case notFound
        /// 413: more than is allowed.
        case tooLarge
        /// 503: it cannot be answered now.
        case unavailable
    }

    /// What is wrong.
    public let code: Code
    /// What was wrong, where, and what was expected.
    public let description: String

    /// An error with its message.
    public init(_ description: String, code: Code = .malformed) {
        (self.description, self.code) = (description, code)
    }

    /// The status that the code stands for.
    public var status: HTTPResponse.Status {
        switch code {
        case .malformed: .badRequest
        case .notFound: .notFound
        case .tooLarge: .contentTooLarge
        case .unavailable: .serviceUnavailable
        }
    }
}

extension JSONError: AnswerableError {
    /// 400: the servers read no other JSON while they answer than that of the request. 500 without memory for it.
    public var status: HTTPResponse.Status { code == .outOfMemory ? .internalServerError : .badRequest }
}

/// A name as messages show it: it may be as long as the body, and one letter with a million marks is one character.
package func shortened(_ name: String) -> String {
    name.utf8.count <= 64 ? name : "\(String(String.UnicodeScalarView(name.unicodeScalars.prefix(16))))…"
}
