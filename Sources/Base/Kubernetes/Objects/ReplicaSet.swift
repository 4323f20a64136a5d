import JSON

/// The pods of one template of a Deployment, as far as it says whose pods they are: a pod's controller is a ReplicaSet,
/// whose own controller is the Deployment.
public struct ReplicaSet: APIObject {
    /// "ReplicaSet".
    public static let kind = "ReplicaSet"
    /// "/apis/apps/v1/replicasets".
    public static let collectionPath = "/apis/apps/v1/replicasets"
    /// Namespace, name, uid, owners and times.
    public var metadata: ObjectMetadata
    /// The owner that manages it, such as a Deployment.
    public var controller: OwnerReference? { metadata.ownerReferences.first { $0.isController } }

    /// Reads a ReplicaSet.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for one without a name.
    public init(reading reader: JSONReader) throws {
        metadata = try AnyObjectMetadata(reading: reader).metadata
    }
}
