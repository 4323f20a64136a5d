import JSON

/// The metadata of an object of any kind, and nothing else of it. Lists of it need their path named.
public struct AnyObjectMetadata: APIObject {
    /// "object".
    public static let kind = "object"
    /// None: the kind is not known.
    public static let collectionPath = ""
    /// The object's metadata.
    public var metadata: ObjectMetadata

    /// Reads the metadata of an object.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for an object without a name.
    public init(reading reader: JSONReader) throws {
        var metadata = ObjectMetadata()
        try reader.readObject { reader, key in
            if key == "metadata" { metadata = try ObjectMetadata(reading: reader) }
        }
        guard !metadata.name.isEmpty else { throw ObjectError(object: "object", message: "metadata.name is missing") }
        self.metadata = metadata
    }
}
