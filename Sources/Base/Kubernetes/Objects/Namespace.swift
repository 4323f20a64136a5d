import JSON

/// A part of the cluster whose names are its own.
public struct Namespace: APIObject {
    /// "Namespace".
    public static let kind = "Namespace"
    /// "/api/v1/namespaces".
    public static let collectionPath = "/api/v1/namespaces"
    /// False: namespaces are in none.
    public static let isNamespaced = false
    /// Name, uid, labels and times.
    public var metadata: ObjectMetadata
    /// Whether it is being deleted, with all that is in it.
    public var isTerminating: Bool { metadata.deletionTimestamp != nil }

    /// Reads a Namespace.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for one without a name.
    public init(reading reader: JSONReader) throws {
        metadata = try AnyObjectMetadata(reading: reader).metadata
    }
}
