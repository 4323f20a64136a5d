import JSON
import Responses

/// The body of `POST /collect`: `{"node": "NAME"}`.
struct CollectRequest {
    let node: String

    /// Decodes a body.
    /// - Throws: `JSONError` for malformed text, `RequestError` where the node is missing, is no name, or something
    ///   else is asked for too.
    init(parsing body: [UInt8]) throws {
        var node: String?
        try JSONReader.reading(body) { reader in
            try reader.readObject { reader, key in
                guard key == "node" else { throw RequestError("unknown key \"\(key)\"; the only key is \"node\"") }
                node = try reader.readString()
            }
        }
        guard let node else { throw RequestError("there is no \"node\"") }
        self.node = try Self.checked(node)
    }

    /// `node`, where it can be a node's name.
    /// - Throws: `RequestError` where it cannot.
    static func checked(_ node: String) throws -> String {
        guard NodeName.isValid(node) else {
            throw RequestError("\"\(node)\" is no node's name: lower-case letters, digits, '-' and '.' make one")
        }
        return node
    }
}
