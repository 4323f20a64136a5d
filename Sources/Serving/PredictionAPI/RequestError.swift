/// What is wrong with a request.
public struct RequestError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which status answers it.
    public enum Kind: Sendable, Hashable {
        /// 400: the body is not what was expected.
        case malformed
        /// 404: there is no such model.
        case unknownModel
        /// 413: more than is allowed.
        case tooLarge
    }

    /// Which status answers it.
    public let kind: Kind
    /// What was wrong, where, and what was expected.
    public let description: String

    /// An error with its message.
    public init(_ description: String, kind: Kind = .malformed) {
        (self.description, self.kind) = (description, kind)
    }
}
